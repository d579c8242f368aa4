"""Median and spread over draws, and paired differences with intervals over groups."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from nanomorph_training.scores import NOTHING
from nanomorph_training.study.classify import Outcome
from nanomorph_training.study.draws import Draw

RESAMPLES = 2000


@dataclass(frozen=True)
class Spread:
    """Over draws (and seeds): median and quartiles."""

    median: float
    low: float
    high: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Spread:
        low, median, high = np.percentile(values, (25, 50, 75)).tolist()
        return cls(median, low, high)


@dataclass(frozen=True)
class Difference:
    """Mean over draws of A - B in balanced accuracy, and its 95 % interval."""

    value: float
    low: float
    high: float
    n_draws: int
    n_groups: int


def difference(a: Sequence[Outcome], b: Sequence[Outcome], y: np.ndarray, groups: Sequence[str]) -> Difference:
    """A against B on the draws that both had with equally many labels.

    Interval: groups of tested micrographs and draws are drawn anew together (bootstrap), so that it holds what
    another set of articles and another choice of labels would change. Several seeds of an entrant are averaged.
    """
    names, member = np.unique(np.asarray(groups, dtype=str), return_inverse=True)
    return _paired(
        [(o.draw.number, partial(_balanced, o, y, member)) for o in a],
        [(o.draw.number, partial(_balanced, o, y, member)) for o in b],
        len(names),
    )


def mean_difference(
    a: Sequence[tuple[Draw, np.ndarray]], b: Sequence[tuple[Draw, np.ndarray]], groups: Sequence[str]
) -> Difference:
    """As `difference`, of the mean of scores (m,) of the micrographs that a draw tests."""
    names, member = np.unique(np.asarray(groups, dtype=str), return_inverse=True)

    def scored(pairs: Sequence[tuple[Draw, np.ndarray]]) -> list[tuple[int, Score]]:
        return [(d.number, partial(_mean, s, member[d.test])) for d, s in pairs]

    return _paired(scored(a), scored(b), len(names))


# From how often each group counts, (R, G), to a score (R,).
Score = Callable[[np.ndarray], np.ndarray]


def _paired(a: Sequence[tuple[int, Score]], b: Sequence[tuple[int, Score]], n_groups: int) -> Difference:
    numbers = sorted({number for number, _ in a} & {number for number, _ in b})
    rng = np.random.default_rng(0)
    weight = rng.multinomial(n_groups, np.full(n_groups, 1 / n_groups), size=RESAMPLES)
    # The first row is what was seen, the others what might have been.
    weight = np.vstack([np.ones(n_groups, int), weight])
    drawn = np.vstack([np.arange(len(numbers)), rng.integers(0, len(numbers), (RESAMPLES, len(numbers)))])
    sides = [
        np.array([np.mean([score(weight) for k, score in side if k == number], axis=0) for number in numbers])
        for side in (a, b)
    ]
    paired = sides[0] - sides[1]
    # NaN: a resample without any tested micrograph of a draw.
    means = np.ma.masked_invalid(paired[drawn, np.arange(RESAMPLES + 1)[:, None]]).mean(axis=1).filled(np.nan)
    low, high = np.nanpercentile(means[1:], (2.5, 97.5)).tolist()
    return Difference(float(means[0]), low, high, len(numbers), n_groups)


def _mean(scores: np.ndarray, member: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Mean of scores (m,) when the group of each counts `weight` times; NaN where none is left."""
    counts = weight[:, member].astype(float)
    total = counts.sum(axis=1)
    return np.divide(counts @ scores, total, out=np.full(len(total), np.nan), where=total > 0)


def _balanced(outcome: Outcome, y: np.ndarray, member: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Balanced accuracy (R,) when groups count `weight` (R, G) times; NaN where a resample tests nothing."""
    tested = outcome.draw.test
    shape = (weight.shape[1], int(y.max()) + 1)
    right, there = np.zeros(shape), np.zeros(shape)
    np.add.at(there, (member[tested], y[tested]), 1)
    hit = (outcome.guess == y[tested]) & (outcome.guess != NOTHING)
    np.add.at(right, (member[tested[hit]], y[tested[hit]]), 1)
    total = weight @ there
    recall = np.divide(weight @ right, total, out=np.full(total.shape, np.nan), where=total > 0)
    # A class that a resample misses is left out of its mean.
    known = np.isfinite(recall)
    n = known.sum(axis=1)
    return np.divide(np.where(known, recall, 0).sum(axis=1), n, out=np.full(len(n), np.nan), where=n > 0)
