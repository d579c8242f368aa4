"""Scores of labels and masks, and the confidence from which on an answer is accepted. Numbers in, numbers out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from nanomorph.majority import majority, voters

# What an answer needs where there is nothing to set the threshold by: more than half.
UNCERTAIN_DEFAULT = 0.5


@dataclass(frozen=True, eq=False)
class Domains:
    """What the rows (n,) of a domain-level task are beside their features: the micrograph that each lies in, and its
    novelty (1 is the threshold); labels: of the classes."""

    micrograph: np.ndarray
    novelty: np.ndarray
    labels: Sequence[str]


def verdicts(
    probabilities: np.ndarray, y: np.ndarray, domains: Domains | None = None
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """True class, judged class and confidence: of each row, or of each micrograph by majority of its voters."""
    guess, confidence = probabilities.argmax(axis=1), probabilities.max(axis=1)
    if domains is None:
        return y, guess, confidence
    rows = [np.flatnonzero(domains.micrograph == one) for one in dict.fromkeys(domains.micrograph)]
    voting = [r[voters(guess[r], domains.novelty[r], domains.labels)] for r in rows]
    votes = [majority(guess[r], confidence[r], domains.labels) for r in voting]
    truth = np.array([y[r[0]] for r in rows])
    return truth, np.array([vote.winner for vote in votes]), np.array([vote.confidence for vote in votes])


def uncertain_threshold(right: np.ndarray, confidence: np.ndarray, target: float) -> float:
    """The lowest confidence from which on answers are right at the rate `target`; between 0.5 and 0.95.

    Where no threshold reaches the rate, the one that keeps the surest tenth.
    """
    order = np.argsort(confidence)
    # Of the answers from each place on, the share that is right; ties share the lowest place.
    rate = np.cumsum(right[order][::-1])[::-1] / np.arange(len(right), 0, -1)
    first_of_tie = np.searchsorted(confidence[order], confidence[order], side="left")
    reached = np.flatnonzero((rate >= target) & (first_of_tie == np.arange(len(right))))
    found = confidence[order][reached[0]] if len(reached) else np.quantile(confidence, 0.9)
    return float(np.clip(found, UNCERTAIN_DEFAULT, 0.95))


NOTHING = -1


def score(truth: np.ndarray, guess: np.ndarray, classes: Sequence[str]) -> dict[str, Any]:
    """Accuracy, balanced accuracy (mean recall of the classes present), recalls and confusion (rows: truth).

    A guess of NOTHING (nothing was found to judge) is wrong, and stands in no column of the confusion.
    """
    confusion = np.zeros((len(classes), len(classes)), dtype=int)
    judged = guess != NOTHING
    np.add.at(confusion, (truth[judged], guess[judged]), 1)
    counts = np.bincount(truth, minlength=len(classes))
    recalls = {name: float(confusion[k, k] / counts[k]) for k, name in enumerate(classes) if counts[k]}
    return {
        "n": len(truth),
        "accuracy": float((truth == guess).mean()),
        "balanced_accuracy": float(np.mean(list(recalls.values()))),
        "recall": recalls,
        "confusion": confusion.tolist(),
        "nothing_found": int((~judged).sum()),
    }


def balanced_accuracy(truth: np.ndarray, guess: np.ndarray) -> float:
    """Mean over the classes in `truth` (n,) of the share of each that is judged right; labels of any type."""
    return float(np.mean([(guess[truth == k] == k).mean() for k in np.unique(truth)]))


def overlap(predicted: np.ndarray, true: np.ndarray) -> tuple[float, float]:
    """Dice and IoU of two boolean masks; 1 where both are empty."""
    both, either = np.count_nonzero(predicted & true), np.count_nonzero(predicted | true)
    if not either:
        return 1.0, 1.0
    return 2 * both / (both + either), both / either
