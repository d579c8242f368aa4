"""Medians with honest intervals: domains of one micrograph are alike, so micrographs are resampled."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from scipy.special import ndtr

CONFIDENCE = 0.95
RESAMPLES = 1000
# Fewer micrographs than this say nothing of how micrographs differ: then domains are resampled.
MIN_MICROGRAPHS = 5
# Values looked at in all, and at once: arrays of that many stay in the processor's cache, and a watcher's memory flat.
_WORK, _AT_ONCE = 2 * 10**7, 10**5
_SEED = 20260


@dataclass(frozen=True)
class Summary:
    """A median and its 95 % interval (NaN below two values); `by_micrograph`: what was resampled."""

    n: int
    n_micrographs: int
    median: float
    low: float
    high: float
    by_micrograph: bool


def summarize(values: np.ndarray, micrographs: np.ndarray) -> Summary:
    """The median of `values` (n,) that come from `micrographs` (n,) of ids; NaN are left out.

    Interval: percentile bootstrap (Efron) over micrographs, or over domains where there are few micrographs.
    """
    known = np.isfinite(values)
    values, clusters = values[known], np.unique(micrographs[known], return_inverse=True)[1]
    n_micrographs = int(clusters.max(initial=-1)) + 1
    if len(values) < 2:
        median = float(values[0]) if len(values) else math.nan
        return Summary(len(values), n_micrographs, median, math.nan, math.nan, False)
    by_micrograph = n_micrographs >= MIN_MICROGRAPHS
    medians = _resampled(values, clusters if by_micrograph else np.arange(len(values)))
    low, high = np.quantile(medians, [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2])
    return Summary(len(values), n_micrographs, float(np.median(values)), float(low), float(high), by_micrograph)


@dataclass(frozen=True)
class Ratio:
    """Of a second median to a first, and its 95 % interval; `by_micrograph`: what was resampled in both."""

    ratio: float
    low: float
    high: float
    by_micrograph: bool


def median_ratio(first: tuple[np.ndarray, np.ndarray], second: tuple[np.ndarray, np.ndarray]) -> Ratio | None:
    """Of two independent samples, each values (n,) and ids of their micrographs (n,); None below two values in one.

    Interval: percentile bootstrap of both, as in `summarize`.
    """
    samples = [(values[known], ids[known]) for values, ids in (first, second) for known in (values > 0,)]
    if min(len(values) for values, _ in samples) < 2:
        return None
    enough = [len(np.unique(ids)) >= MIN_MICROGRAPHS for _, ids in samples]
    medians = [
        _resampled(values, np.unique(ids, return_inverse=True)[1] if many else np.arange(len(values)), _SEED + n)
        for n, ((values, ids), many) in enumerate(zip(samples, enough, strict=True))
    ]
    n = min(map(len, medians))
    low, high = np.quantile(medians[1][:n] / medians[0][:n], [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2])
    ratio = float(np.median(samples[1][0]) / np.median(samples[0][0]))
    return Ratio(ratio, float(low), float(high), all(enough))


@dataclass(frozen=True)
class LogNormal:
    """A log-normal distribution fitted by maximum likelihood (ISO 9276-5): its median is the geometric mean.

    spread: geometric standard deviation, 1 for equal sizes. distance: Kolmogorov-Smirnov, to the values.
    """

    median: float
    spread: float
    distance: float

    def cumulative(self, sizes: np.ndarray) -> np.ndarray:
        """Share of domains below `sizes`."""
        return ndtr(np.log(sizes / self.median) / np.log(self.spread))


def fit_lognormal(values: np.ndarray) -> LogNormal | None:
    """Of positive `values`; None below three, or where they are all equal."""
    logs = np.sort(np.log(values[np.isfinite(values) & (values > 0)]))
    if len(logs) < 3 or logs[-1] - logs[0] < 1e-9:
        return None
    mean, sd = float(logs.mean()), float(logs.std())
    expected, steps = ndtr((logs - mean) / sd), np.arange(len(logs) + 1) / len(logs)
    distance = max(float((steps[1:] - expected).max()), float((expected - steps[:-1]).max()))
    return LogNormal(math.exp(mean), math.exp(sd), distance)


def _resampled(values: np.ndarray, clusters: np.ndarray, seed: int = _SEED) -> np.ndarray:
    """Medians of resamples of whole clusters: each is a weighting of the values, sorted once."""
    rng = np.random.default_rng(seed)
    order = np.argsort(values, kind="stable")
    values, clusters = values[order], clusters[order]
    n_clusters = int(clusters.max()) + 1
    share = np.full(n_clusters, 1 / n_clusters)
    n_resamples = max(100, min(RESAMPLES, _WORK // len(values)))
    at_once = max(1, _AT_ONCE // len(values))
    medians = []
    for start in range(0, n_resamples, at_once):
        drawn = rng.multinomial(n_clusters, share, size=min(at_once, n_resamples - start))
        lower, upper = _middles(drawn.take(clusters, axis=1))
        # An even count has two middle values; their mean, as np.median has it.
        medians.append((values[lower] + values[upper]) / 2)
    return np.concatenate(medians)


def _middles(weights: np.ndarray) -> Iterator[np.ndarray]:
    """Where the two middle ones of each row's sum of weights (R, n) lie, (R,) each; of an odd sum one and the same."""
    rows, n = weights.shape
    # Row after row in one rising line: a binary search finds what else takes a look at every sum.
    rising = weights.cumsum()
    ends = rising[n - 1 :: n]
    begins = np.concatenate([[0], ends[:-1]])
    total = ends - begins
    for middle in ((total + 1) // 2, total // 2 + 1):
        yield np.searchsorted(rising, begins + middle) - n * np.arange(rows)
