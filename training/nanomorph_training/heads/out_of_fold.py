"""What models that had not seen it say of each micrograph, and from which confidence on they are believed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from nanomorph.majority import OTHER, is_unknown
from nanomorph_training.scores import UNCERTAIN_DEFAULT, Domains, score, uncertain_threshold, verdicts

# Parts in which groups are left out to see what a threshold that they did not choose accepts of them.
FOLDS = 20


@dataclass(frozen=True, eq=False)
class OutOfFold:
    """What models that had not seen it said of each micrograph: arrays (U,).

    micrograph, group: as named in the call. truth, guess: class numbers. novelty: 1 is the threshold. unknown: bool, no
    answer however confident; where truth is OTHER, that is guessed then.
    """

    micrograph: np.ndarray
    group: np.ndarray
    truth: np.ndarray
    guess: np.ndarray
    confidence: np.ndarray
    novelty: np.ndarray
    unknown: np.ndarray


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


def out_of_fold(rows: Rows, labels: Sequence[str], by_majority: bool) -> OutOfFold | None:
    """What rows say of themselves, or by majority of their micrographs; None where none of them was in a fold.

    labels: of the classes.
    """
    rows = rows.where(np.isfinite(rows.probabilities).all(axis=1))
    if not len(rows.y):
        return None
    of_each = rows_of_each(rows.names) if by_majority else [np.array([n]) for n in range(len(rows.y))]
    truth, guess, confidence = verdicts(
        rows.probabilities, rows.y, Domains(rows.names, rows.novelty, labels) if by_majority else None
    )
    first, best = [r[0] for r in of_each], rows.probabilities.argmax(axis=1)
    novelty = np.array([np.median(rows.novelty[r]) for r in of_each])
    unknown = np.array([is_unknown(best[r], rows.novelty[r], labels) for r in of_each])
    guess = np.where(unknown & np.array([label == OTHER for label in labels])[truth], truth, guess)
    return OutOfFold(rows.names[first], rows.groups[first], truth, guess, confidence, novelty, unknown)


def believed(
    seen: OutOfFold | None, classes: Sequence[str], accepted_accuracy: float
) -> tuple[float, dict[str, Any] | None]:
    """The confidence below which an answer is uncertain, and the scores out of fold.

    accepted_accuracy: share of accepted answers that should be right. What it comes to is scored with thresholds that
    other groups chose: those who choose one flatter it. What is unknown is not accepted. Thresholds and shares are of
    what is of a named class: how much of OTHER somebody lists says nothing of how often it is met. `other_accepted` is
    the share of it that gets an answer.
    """
    if seen is None:
        return UNCERTAIN_DEFAULT, None
    right, named = seen.guess == seen.truth, np.array([name != OTHER for name in classes])[seen.truth]
    answers = named & ~seen.unknown
    uncertain = _threshold(seen, answers, accepted_accuracy)
    accepted = ~seen.unknown & (seen.confidence >= _thresholds_of_others(seen, answers, accepted_accuracy))
    return uncertain, score(seen.truth, seen.guess, classes) | {
        "accepted_share": float(accepted[named].mean()),
        "accepted_accuracy": float(right[accepted & named].mean()) if (accepted & named).any() else None,
        "called_unknown": float(seen.unknown[named].mean()),
        **({} if named.all() else {"other_accepted": float(accepted[~named].mean())}),
    }


def _threshold(seen: OutOfFold, rows: np.ndarray, accepted_accuracy: float) -> float:
    """The one that the chosen rows, bool (U,), choose."""
    right, confidence = (seen.guess == seen.truth)[rows], seen.confidence[rows]
    return uncertain_threshold(right, confidence, accepted_accuracy) if rows.any() else UNCERTAIN_DEFAULT


def _thresholds_of_others(seen: OutOfFold, rows: np.ndarray, accepted_accuracy: float) -> np.ndarray:
    """For each micrograph (U,) the threshold that the chosen rows of other groups choose, in at most FOLDS parts."""
    part = np.unique(seen.group, return_inverse=True)[1] % FOLDS
    thresholds = np.full(len(part), UNCERTAIN_DEFAULT)
    for own in (part == k for k in range(part.max() + 1)):
        thresholds[own] = _threshold(seen, rows & ~own, accepted_accuracy)
    return thresholds
