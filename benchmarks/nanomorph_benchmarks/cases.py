"""What most benchmarks look at: a micrograph with a given mask, and what a bundle says of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from nanomorph.analysis import Analysis
from nanomorph.micrograph import Micrograph
from nanomorph.model import Model
from nanomorph.prepare import prepare, to_uint8
from nanomorph.readers import read_path
from nanomorph_training.cache import read_mask
from nanomorph_training.data import Sample


@dataclass(frozen=True, eq=False)
class Case:
    """A sample with its frame, its analysis by the bundle and the mask given by the data set's authors."""

    sample: Sample
    micrograph: Micrograph
    analysis: Analysis
    given: np.ndarray

    @property
    def gray(self) -> np.ndarray:
        """uint8 (H, W), as classical ways see it."""
        return to_uint8(self.micrograph.pixels)


def open_case(sample: Sample, model: Model) -> Case:
    """Read and analyse a sample that has a mask."""
    assert sample.mask is not None
    micrograph = read_path(sample.path)
    (inference,) = model.look([(micrograph, prepare(micrograph, model.bundle.input))])
    return Case(sample, micrograph, model.conclude(micrograph, "", inference), read_mask(sample.mask))


def about(model: Model) -> dict[str, Any]:
    """The bundle that was judged, and in which precision."""
    bundle = model.bundle
    return {"name": bundle.name, "fingerprint": bundle.fingerprint, "precision": model.engine.precision}
