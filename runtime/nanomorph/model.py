"""Analyse one micrograph from Python, and the model that `batch` and `watch` share."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from nanomorph.analysis import Analysis
from nanomorph.bundle import Bundle, load_bundle
from nanomorph.calibrate import with_pixel_size, with_scale_bar
from nanomorph.detail import Detail, see
from nanomorph.engines import Engine, open_engine
from nanomorph.half_contrast import HALF_CONTRAST, outlined
from nanomorph.infer import Inference
from nanomorph.judge import Judge
from nanomorph.measure import Doubt, measure, segment
from nanomorph.micrograph import Calibration, Micrograph
from nanomorph.prepare import Prepared, prepare
from nanomorph.scalebar import installed


@dataclass(frozen=True)
class Ways:
    """How frames are looked at, outlines placed and sizes counted.

    edges: one of `measure.EDGES`. outline: one of `half_contrast.OUTLINES`.
    """

    detail: Detail = Detail()
    edges: str = "leave-out"
    outline: str = HALF_CONTRAST


DEFAULT_WAYS = Ways()


class Model:
    """A bundle ready to work: its backbone on a device (or the given engine) and its heads."""

    def __init__(
        self,
        bundle: Bundle,
        device: str = "auto",
        precision: str = "auto",
        threads: int = 0,
        engine: Engine | None = None,
        ways: Ways = DEFAULT_WAYS,
        cuda_graphs: bool = False,
    ) -> None:
        self.bundle, self.ways = bundle, ways
        self.engine: Engine = engine or open_engine(bundle, device, precision, threads, cuda_graphs)
        self.judge = Judge(bundle, self.engine.dim)

    def look(self, frames: Sequence[tuple[Micrograph, Prepared]]) -> list[Inference]:
        """What the backbone sees in frames of one shape, each looked at again where it needs to be."""
        return see(self.engine, frames, self.bundle.input, self.ways.detail)

    def conclude(self, micrograph: Micrograph, sha256: str, inference: Inference) -> Analysis:
        """Measure and judge what the backbone saw. Pure: no state is kept between micrographs."""
        threshold = self.bundle.foreground_threshold
        foreground = outlined(inference, micrograph.pixels, threshold, self.ways.outline)
        mask = segment(foreground, inference.interior, threshold, micrograph.nm_per_px)
        error = micrograph.calibration_error or 0.0
        doubt = Doubt(foreground, threshold, error)
        measured = measure(mask, micrograph.nm_per_px, doubt=doubt, edges=self.ways.edges)
        labels, domains = self.judge(inference.embedding, measured.field, measured.domains)
        return Analysis(
            micrograph=micrograph,
            sha256=sha256,
            labels=labels,
            mask=mask,
            domains=domains,
            wires=measured.wires,
            field=measured.field,
            embedding=inference.embedding,
            bundle=self.bundle.fingerprint,
            provider=self.engine.provider,
            precision=self.engine.precision,
        )


def analyze(
    image: str | Path | np.ndarray,
    bundle: Bundle | Model | None = None,
    *,
    nm_per_px: float | tuple[float, float] | None = None,
    scale_bar: bool | None = None,
) -> Analysis:
    """Labels, mask and domains of one micrograph.

    image: a path of any supported format, or a gray array (H, W).
    bundle: a loaded bundle (None: the embedded one); a `Model` saves opening it for every call.
    nm_per_px: overrides the file's pixel size; (x, y) where they differ.
    scale_bar: read a burnt-in scale bar where no pixel size is known (None: where the extra `scalebar` is installed).
    Raises ReadError where the image cannot be used, BundleError where the bundle cannot.
    """
    model = bundle if isinstance(bundle, Model) else Model(bundle or load_bundle())
    micrograph, sha256 = _micrograph(image)
    micrograph = with_pixel_size(micrograph, nm_per_px)
    if scale_bar or (scale_bar is None and installed()):
        micrograph = with_scale_bar(micrograph)
    (inference,) = model.look([(micrograph, prepare(micrograph, model.bundle.input))])
    return model.conclude(micrograph, sha256, inference)


def _micrograph(image: str | Path | np.ndarray) -> tuple[Micrograph, str]:
    if isinstance(image, np.ndarray):
        return Micrograph(image, None, Calibration.NONE, "array"), hashlib.sha256(image.tobytes()).hexdigest()
    from nanomorph.readers import read_micrograph

    path = Path(image)
    data = path.read_bytes()
    return read_micrograph(path.name, data, path), hashlib.sha256(data).hexdigest()
