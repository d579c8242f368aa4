"""What models that had not seen it say of each micrograph, and from which confidence on they are believed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from nanomorph_training.scores import UNCERTAIN_DEFAULT, Domains, score, uncertain_threshold, verdicts


@dataclass(frozen=True, eq=False)
class OutOfFold:
    """What models that had not seen it said of each micrograph: arrays (U,).

    micrograph: as named in the call. truth, guess: class numbers. novelty: 1 is the threshold.
    """

    micrograph: np.ndarray
    truth: np.ndarray
    guess: np.ndarray
    confidence: np.ndarray
    novelty: np.ndarray


def rows_of_each(names: np.ndarray) -> list[np.ndarray]:
    """Places (k,) of each name, in order of its first."""
    return [np.flatnonzero(names == name) for name in dict.fromkeys(names)]


@dataclass(frozen=True, eq=False)
class Rows:
    """Rows (n,) out of fold: probabilities (n, C; NaN: in no fold), true classes, micrographs and novelty."""

    probabilities: np.ndarray
    y: np.ndarray
    names: np.ndarray
    novelty: np.ndarray

    def where(self, chosen: np.ndarray) -> Rows:
        return Rows(self.probabilities[chosen], self.y[chosen], self.names[chosen], self.novelty[chosen])


def out_of_fold(rows: Rows, by_majority: bool) -> OutOfFold | None:
    """What rows say of themselves, or by majority of their micrographs; None where none of them was in a fold."""
    rows = rows.where(np.isfinite(rows.probabilities).all(axis=1))
    if not len(rows.y):
        return None
    domains = Domains(rows.names, rows.novelty) if by_majority else None
    truth, guess, confidence = verdicts(rows.probabilities, rows.y, domains)
    names, novelty = rows.names, rows.novelty
    if by_majority:
        micrographs = rows_of_each(names)
        names, novelty = names[[r[0] for r in micrographs]], np.array([np.median(novelty[r]) for r in micrographs])
    return OutOfFold(names, truth, guess, confidence, novelty)


def believed(
    seen: OutOfFold | None, classes: Sequence[str], accepted_accuracy: float
) -> tuple[float, dict[str, Any] | None]:
    """The confidence below which an answer is uncertain, and the scores out of fold.

    accepted_accuracy: share of accepted answers that should be right.
    """
    if seen is None:
        return UNCERTAIN_DEFAULT, None
    right = seen.guess == seen.truth
    uncertain = uncertain_threshold(right, seen.confidence, accepted_accuracy)
    accepted = seen.confidence >= uncertain
    return uncertain, score(seen.truth, seen.guess, classes) | {
        "accepted_share": float(accepted.mean()),
        "accepted_accuracy": float(right[accepted].mean()) if accepted.any() else None,
        "called_unknown": float((seen.novelty > 1).mean()),
    }
