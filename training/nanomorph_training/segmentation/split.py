"""Which micrographs a segmenter learns from, and which choose its best epoch and its threshold."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from nanomorph_training import data
from nanomorph_training.data import Sample
from nanomorph_training.micrographs.cache import Cache
from nanomorph_training.predict import Labelled
from nanomorph_training.runs.resume import readable
from nanomorph_training.runs.run_folder import RunFolder
from nanomorph_training.segmentation.settings import SegmenterSettings

MAX_VALIDATION = 40  # real micrographs that choose the best epoch


@dataclass(frozen=True, eq=False)
class Split:
    """What is learned from, and the real groups and synthetic fields that choose epoch and threshold."""

    training: list[Labelled]
    validation: list[Labelled]
    synthetic: list[Labelled]

    @property
    def choosing(self) -> list[list[Labelled]]:
        """The kinds of micrographs that choose; where there is none, some of those that are learned from."""
        return [kind for kind in (self.validation, self.synthetic) if kind] or [self.training[:MAX_VALIDATION]]


def usable(paths: Sequence[Path], settings: SegmenterSettings) -> list[Sample]:
    """The micrographs of all lists that have a mask, the held-out quarter left out; ConfigurationError without any."""
    samples = data.masked_samples(paths)
    return samples if settings.train_on_all else data.to_learn_from(samples)


def read_split(samples: Sequence[Sample], settings: SegmenterSettings, cache: Cache, run: RunFolder) -> Split:
    """Read images and masks through the cache, and share them out; what cannot be read is said in `run`."""
    labelled = readable(samples, lambda sample: Labelled(cache.image(sample), cache.target(sample), sample), run)
    known = [x.sample for x in labelled]
    real = validation_split(known, settings.validation)
    synthetic = synthetic_split(known, int(real.sum()) if any(not s.is_synthetic for s in known) else 0)

    def chosen(which: np.ndarray) -> list[Labelled]:
        return [x for x, yes in zip(labelled, which, strict=True) if yes]

    return Split(chosen(~(real | synthetic)), chosen(real), chosen(synthetic))


def validation_split(samples: Sequence[Sample], fraction: float) -> np.ndarray:
    """Boolean (n,): whole groups of real images (of any, where none is real) that choose the best epoch.

    A sample without a group is a group of its own only where nothing else is known: then its folder counts
    as training, unless every sample is without one.
    """
    eligible = np.array([bool(s.group) and not s.is_synthetic for s in samples])
    if not eligible.any():
        eligible = np.ones(len(samples), dtype=bool)
    groups = [s.group or str(s.path) for s in samples]
    chosen = np.zeros(len(samples), dtype=bool)
    chosen[eligible] = group_split_of(groups, eligible, fraction)
    return chosen


def synthetic_split(samples: Sequence[Sample], number: int) -> np.ndarray:
    """Boolean (n,): about `number` synthetic fields, at most a tenth of them, that help to choose the threshold."""
    eligible = np.array([s.is_synthetic for s in samples], dtype=bool)
    chosen = np.zeros(len(samples), dtype=bool)
    share = min(number / max(1, eligible.sum()), 0.1)
    if share * eligible.sum() >= 1:
        groups = [s.group for s, yes in zip(samples, eligible, strict=True) if yes]
        chosen[eligible] = data.group_split(groups, share, salt="segmenter-threshold")
    return chosen


def group_split_of(groups: Sequence[str], eligible: np.ndarray, fraction: float) -> np.ndarray:
    """`data.group_split` of the eligible ones, at most MAX_VALIDATION images or so."""
    names = [group for group, yes in zip(groups, eligible, strict=True) if yes]
    return data.group_split(names, min(fraction, MAX_VALIDATION / len(names)), salt="segmenter-validation")
