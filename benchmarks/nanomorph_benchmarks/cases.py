"""What most benchmarks look at: a micrograph with a given mask, and what a bundle says of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from nanomorph.analysis import Analysis
from nanomorph.bundle import Bundle
from nanomorph.micrograph import Micrograph
from nanomorph.model import Model
from nanomorph.prepare import prepare, to_uint8
from nanomorph.readers import read_path
from nanomorph_training.data import Sample
from nanomorph_training.micrographs.masks import read_mask


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

    def label(self, task: str) -> str:
        """What a user reads in labels.csv, whether sure or not; empty where there was nothing to judge."""
        return next(judgement.label for judgement in self.analysis.labels if judgement.task == task)


def open_case(sample: Sample, model: Model) -> Case:
    """Read and analyse a sample that has a mask."""
    assert sample.mask is not None
    micrograph = read_path(sample.path)
    (inference,) = model.look([(micrograph, prepare(micrograph, model.bundle.input))])
    return Case(sample, micrograph, model.conclude(micrograph, "", inference), read_mask(sample.mask))


def named(bundle: Bundle) -> dict[str, Any]:
    """Which bundle it was."""
    return {"name": bundle.name, "fingerprint": bundle.fingerprint}


def about(model: Model) -> dict[str, Any]:
    """The bundle that was judged, and in which precision."""
    return named(model.bundle) | {"precision": model.engine.precision}
