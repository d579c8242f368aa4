"""Medians with honest intervals: domains of one micrograph are alike, so micrographs are resampled."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from scipy.special import ndtr

from nanomorph.measure.statistics import LEAST_FOR_INTERVAL, median, weighted_medians

CONFIDENCE = 0.95
RESAMPLES = 1000
# Fewer micrographs than this say nothing of how micrographs differ: then domains are resampled.
MIN_MICROGRAPHS = 5
# Values looked at in all, and at once: arrays of that many stay in the processor's cache, and a watcher's memory flat.
_WORK, _AT_ONCE = 2 * 10**7, 10**5
_SEED = 20260
# A log-normal whose cumulative curve is off by more than this somewhere does not describe the sizes, if chance alone
# (Lilliefors 1967: .895 / sqrt(n) in one of twenty samples) does not explain it.
POOR_FIT, _BY_CHANCE = 0.1, 0.895


@dataclass(frozen=True, eq=False)
class Sample:
    """Sizes of domains, float (n,); ids of the micrographs they come from, int (n,); and how much each counts, (n,)."""

    values: np.ndarray
    micrographs: np.ndarray
    weight: np.ndarray

    @classmethod
    def of(cls, values: np.ndarray, micrographs: np.ndarray) -> Sample:
        """Each counts once."""
        return cls(values, micrographs, np.ones(len(values)))

    def __len__(self) -> int:
        return len(self.values)

    @property
    def positive(self) -> Sample:
        """Those that are known and above 0."""
        known = np.isfinite(self.values) & (self.values > 0)
        return Sample(self.values[known], self.micrographs[known], self.weight[known])

    @property
    def even(self) -> bool:
        """Whether all count the same."""
        return bool((self.weight == self.weight[:1]).all())

    @property
    def median(self) -> float:
        """The least value at which half of the weight is reached; where all count the same that of `np.median`."""
        return median(self.values, self.weight)


@dataclass(frozen=True)
class Summary:
    """A median and its 95 % interval (NaN below LEAST_FOR_INTERVAL values); `by_micrograph`: what was resampled."""

    n: int
    n_micrographs: int
    median: float
    low: float
    high: float
    by_micrograph: bool


def summarize(sample: Sample) -> Summary:
    """The median of a sample; what is not positive is left out.

    Interval: percentile bootstrap (Efron) over micrographs, or over domains where there are few micrographs.
    """
    sample = sample.positive
    clusters = np.unique(sample.micrographs, return_inverse=True)[1]
    n, n_micrographs = len(sample), int(clusters.max(initial=-1)) + 1
    if n < LEAST_FOR_INTERVAL:
        return Summary(n, n_micrographs, sample.median, math.nan, math.nan, False)
    by_micrograph = n_micrographs >= MIN_MICROGRAPHS
    medians = _resampled(sample, clusters if by_micrograph else np.arange(n))
    low, high = np.quantile(medians, [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2])
    return Summary(n, n_micrographs, sample.median, float(low), float(high), by_micrograph)


@dataclass(frozen=True)
class Ratio:
    """Of a second median to a first, and its 95 % interval; `by_micrograph`: what was resampled in both."""

    ratio: float
    low: float
    high: float
    by_micrograph: bool


def median_ratio(first: Sample, second: Sample) -> Ratio | None:
    """Of two independent samples; None below LEAST_FOR_INTERVAL values in one.

    Interval: percentile bootstrap of both, as in `summarize`.
    """
    samples = [first.positive, second.positive]
    if min(map(len, samples)) < LEAST_FOR_INTERVAL:
        return None
    enough = [len(np.unique(one.micrographs)) >= MIN_MICROGRAPHS for one in samples]
    medians = [
        _resampled(one, np.unique(one.micrographs, return_inverse=True)[1] if many else np.arange(len(one)), _SEED + n)
        for n, (one, many) in enumerate(zip(samples, enough, strict=True))
    ]
    n = min(map(len, medians))
    low, high = np.quantile(medians[1][:n] / medians[0][:n], [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2])
    return Ratio(samples[1].median / samples[0].median, float(low), float(high), all(enough))


@dataclass(frozen=True)
class LogNormal:
    """A log-normal distribution fitted by maximum likelihood (ISO 9276-5): its median is the geometric mean.

    spread: geometric standard deviation, 1 for equal sizes. distance: Kolmogorov-Smirnov, to the n values.
    """

    median: float
    spread: float
    distance: float
    n: int

    @property
    def poor(self) -> bool:
        """Whether the sizes are not log-normal: of two populations, say, its median is nobody's size."""
        return self.distance > max(POOR_FIT, _BY_CHANCE / math.sqrt(self.n))

    def cumulative(self, sizes: np.ndarray) -> np.ndarray:
        """Share of domains below `sizes`."""
        return ndtr(np.log(sizes / self.median) / np.log(self.spread))


def fit_lognormal(sample: Sample) -> LogNormal | None:
    """Of what is positive; None below three values, or where they are all equal."""
    sample = sample.positive
    order = np.argsort(sample.values)
    logs, share = np.log(sample.values[order]), sample.weight[order] / sample.weight.sum()
    if len(logs) < 3 or logs[-1] - logs[0] < 1e-9:
        return None
    mean = float(logs @ share)
    sd = math.sqrt(float((logs - mean) ** 2 @ share))
    expected, steps = ndtr((logs - mean) / sd), np.concatenate([[0.0], np.cumsum(share)])
    distance = max(float((steps[1:] - expected).max()), float((expected - steps[:-1]).max()))
    return LogNormal(math.exp(mean), math.exp(sd), distance, len(logs))


def _resampled(sample: Sample, clusters: np.ndarray, seed: int = _SEED) -> np.ndarray:
    """Medians of resamples of whole clusters: each is a weighting of the values, sorted once."""
    rng = np.random.default_rng(seed)
    order = np.argsort(sample.values, kind="stable")
    values, clusters, weight = sample.values[order], clusters[order], sample.weight[order]
    n_clusters = int(clusters.max()) + 1
    share = np.full(n_clusters, 1 / n_clusters)
    n_resamples = max(100, min(RESAMPLES, _WORK // len(values)))
    at_once = max(1, _AT_ONCE // len(values))
    medians = []
    for start in range(0, n_resamples, at_once):
        drawn = rng.multinomial(n_clusters, share, size=min(at_once, n_resamples - start)).take(clusters, axis=1)
        if sample.even:
            lower, upper = _middles(drawn)
            # An even count has two middle values; their mean, as np.median has it.
            medians.append((values[lower] + values[upper]) / 2)
        else:
            medians.append(weighted_medians(values, drawn * weight))
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
