"""What is made of what a backbone saw: outlines, domains, measures, labels."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from nanomorph.analysis import Analysis
from nanomorph.bundle import Bundle
from nanomorph.engine import Engine
from nanomorph.inference.contrast import domain_contrast, material_contrast
from nanomorph.inference.detail import Detail
from nanomorph.inference.half_contrast import HALF_CONTRAST, outlined
from nanomorph.inference.infer import Inference
from nanomorph.inference.judge import Judge
from nanomorph.measure import Doubt, cleaned, measure, separated
from nanomorph.micrograph import Micrograph


@dataclass(frozen=True)
class Ways:
    """How frames are looked at, outlines placed and sizes counted.

    edges: one of `measure.EDGES`. outline: one of `half_contrast.OUTLINES`.
    """

    detail: Detail = Detail()
    edges: str = "leave-out"
    outline: str = HALF_CONTRAST


DEFAULT_WAYS = Ways()


class Concluder:
    """A bundle's heads and thresholds, without its backbone. engine: whose outputs are judged; rows name it."""

    def __init__(self, bundle: Bundle, engine: Engine, ways: Ways = DEFAULT_WAYS) -> None:
        self.bundle, self.engine, self.ways = bundle, engine, ways
        self.judge = Judge(bundle, engine.dim)

    def conclude(self, micrograph: Micrograph, sha256: str, inference: Inference) -> Analysis:
        """Measure and judge what the backbone saw. Pure: no state is kept between micrographs."""
        mask, doubt, left_out = self._domains(micrograph, inference)
        told = {"left_out_fraction": left_out, "material_contrast": material_contrast(micrograph.pixels, mask)}
        rows, edges = inference.field_rows, self.ways.edges
        measured = measure(
            mask, micrograph.nm_per_px, doubt=doubt, edges=edges, told=told, rows=rows, burnt_in=inference.annotation,
            contrast=domain_contrast(micrograph.pixels, mask),
        )  # fmt: skip
        labels, domain_table = self.judge(inference.embedding, measured.field, measured.domain_table)
        return Analysis(
            micrograph=micrograph,
            sha256=sha256,
            labels=labels,
            mask=mask,
            domain_table=domain_table,
            wire_table=measured.wire_table,
            field=measured.field,
            embedding=inference.embedding,
            bundle=self.bundle.fingerprint,
            provider=self.engine.provider,
            precision=self.engine.precision,
        )

    def _domains(self, micrograph: Micrograph, inference: Inference) -> tuple[np.ndarray, Doubt, float]:
        """The label image, how unsure it is, and the share of the material that is in no domain.

        Of a large frame foreground and interior are not held at one time.
        """
        threshold, nm_per_px = self.bundle.foreground_threshold, micrograph.nm_per_px
        foreground = outlined(inference, micrograph.pixels, threshold, self.ways.outline)
        doubt = Doubt.of(foreground[inference.field_rows], threshold, micrograph.calibration_error or 0.0)
        material = cleaned(foreground, threshold, nm_per_px)
        del foreground
        mask = separated(material, inference.interior, nm_per_px)
        area = np.count_nonzero(material)
        return mask, doubt, 1 - np.count_nonzero(mask) / area if area else 0.0
