"""What models that had not seen it say of each micrograph, and from which confidence on they are believed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from nanomorph_training.scores import UNCERTAIN_DEFAULT, Domains, score, uncertain_threshold, verdicts

# Parts in which groups are left out to see what a threshold that they did not choose accepts of them.
FOLDS = 20


@dataclass(frozen=True, eq=False)
class OutOfFold:
    """What models that had not seen it said of each micrograph: arrays (U,).

    micrograph, group: as named in the call. truth, guess: class numbers. novelty: 1 is the threshold.
    """

    micrograph: np.ndarray
    group: np.ndarray
    truth: np.ndarray
    guess: np.ndarray
    confidence: np.ndarray
    novelty: np.ndarray


def rows_of_each(names: np.ndarray) -> list[np.ndarray]:
    """Places (k,) of each name, in order of its first."""
    return [np.flatnonzero(names == name) for name in dict.fromkeys(names)]


@dataclass(frozen=True, eq=False)
class Rows:
    """Rows (n,) out of fold: probabilities (n, C; NaN: in no fold), true classes, micrographs, groups and novelty."""

    probabilities: np.ndarray
    y: np.ndarray
    names: np.ndarray
    groups: np.ndarray
    novelty: np.ndarray

    def where(self, chosen: np.ndarray) -> Rows:
        return Rows(*(getattr(self, field.name)[chosen] for field in fields(self)))


def out_of_fold(rows: Rows, by_majority: bool) -> OutOfFold | None:
    """What rows say of themselves, or by majority of their micrographs; None where none of them was in a fold."""
    rows = rows.where(np.isfinite(rows.probabilities).all(axis=1))
    if not len(rows.y):
        return None
    domains = Domains(rows.names, rows.novelty) if by_majority else None
    truth, guess, confidence = verdicts(rows.probabilities, rows.y, domains)
    names, groups, novelty = rows.names, rows.groups, rows.novelty
    if by_majority:
        micrographs = rows_of_each(names)
        first = [r[0] for r in micrographs]
        names, groups, novelty = names[first], groups[first], np.array([np.median(novelty[r]) for r in micrographs])
    return OutOfFold(names, groups, truth, guess, confidence, novelty)


def believed(
    seen: OutOfFold | None, classes: Sequence[str], accepted_accuracy: float
) -> tuple[float, dict[str, Any] | None]:
    """The confidence below which an answer is uncertain, and the scores out of fold.

    accepted_accuracy: share of accepted answers that should be right. What it comes to is scored with thresholds that
    other groups chose: those who choose one flatter it.
    """
    if seen is None:
        return UNCERTAIN_DEFAULT, None
    right = seen.guess == seen.truth
    uncertain = uncertain_threshold(right, seen.confidence, accepted_accuracy)
    accepted = seen.confidence >= _thresholds_of_others(seen, right, accepted_accuracy)
    return uncertain, score(seen.truth, seen.guess, classes) | {
        "accepted_share": float(accepted.mean()),
        "accepted_accuracy": float(right[accepted].mean()) if accepted.any() else None,
        "called_unknown": float((seen.novelty > 1).mean()),
    }


def _thresholds_of_others(seen: OutOfFold, right: np.ndarray, accepted_accuracy: float) -> np.ndarray:
    """For each answer (U,) the threshold that those of other groups choose, in at most FOLDS parts."""
    part = np.unique(seen.group, return_inverse=True)[1] % FOLDS
    thresholds = np.full(len(right), UNCERTAIN_DEFAULT)
    for own in (part == k for k in range(part.max() + 1)):
        if not own.all():
            thresholds[own] = uncertain_threshold(right[~own], seen.confidence[~own], accepted_accuracy)
    return thresholds
