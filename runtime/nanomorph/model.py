"""Analyse one micrograph from Python, and the model that `batch` and `watch` share."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from nanomorph.analysis import Analysis
from nanomorph.bundle import Bundle, load_bundle
from nanomorph.calibrate import with_pixel_size, with_scale_bar
from nanomorph.engine import Engine
from nanomorph.engines.opening import open_engine
from nanomorph.inference.conclude import DEFAULT_WAYS, Concluder, Ways
from nanomorph.inference.detail import see
from nanomorph.inference.infer import Inference
from nanomorph.micrograph import Micrograph
from nanomorph.prepare import Prepared, prepare
from nanomorph.readers import read_micrograph
from nanomorph.readers.arrays import from_array
from nanomorph.scalebar import installed


class Model(Concluder):
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
        super().__init__(bundle, engine or open_engine(bundle, device, precision, threads, cuda_graphs), ways)

    def look(self, frames: Sequence[tuple[Micrograph, Prepared]]) -> list[Inference]:
        """What the backbone sees in frames of one shape, each looked at again where it needs to be."""
        return see(self.engine, frames, self.bundle.input, self.ways.detail)


def analyze(
    image: str | Path | np.ndarray,
    bundle: Bundle | Model | str | Path | None = None,
    *,
    nm_per_px: float | tuple[float, float] | None = None,
    scale_bar: bool | None = None,
) -> Analysis:
    """Labels, mask and domains of one micrograph.

    image: a path of any supported format, or an array: gray (H, W) or (H, W, 1), RGB (H, W, 3), RGBA (H, W, 4).
    bundle: a loaded bundle or its path (None: the embedded one); a `Model` saves opening it for every call.
    nm_per_px: overrides the file's pixel size; (x, y) where they differ.
    scale_bar: read a burnt-in scale bar where no pixel size is known (None: where the extra `scalebar` is installed).
    Raises ReadError where the image cannot be used, BundleError where the bundle cannot, ValueError where nm_per_px is
    no pixel size, TypeError where an argument is something else.
    """
    model = _model(bundle)
    micrograph, sha256 = _micrograph(image)
    micrograph = with_pixel_size(micrograph, nm_per_px)
    if scale_bar or (scale_bar is None and installed()):
        micrograph = with_scale_bar(micrograph)
    (inference,) = model.look([(micrograph, prepare(micrograph, model.bundle.input))])
    return model.conclude(micrograph, sha256, inference)


def _model(bundle: Bundle | Model | str | Path | None) -> Model:
    if isinstance(bundle, Model):
        return bundle
    if bundle is None or isinstance(bundle, str | Path):
        return Model(load_bundle(bundle))
    if not isinstance(bundle, Bundle):
        raise TypeError(f"bundle is a path, a Bundle or a Model, not {type(bundle).__name__}")
    return Model(bundle)


def _micrograph(image: str | Path | np.ndarray) -> tuple[Micrograph, str]:
    if isinstance(image, np.ndarray):
        return from_array(image), hashlib.sha256(image.tobytes()).hexdigest()
    if not isinstance(image, str | Path):
        raise TypeError(f"image is a path or an array, not {type(image).__name__}: give numpy.asarray(image)")
    path = Path(image)
    data = path.read_bytes()
    return read_micrograph(path.name, data, path), hashlib.sha256(data).hexdigest()
