"""Medians with honest intervals: domains of one micrograph are alike, so micrographs are resampled."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

CONFIDENCE = 0.95
RESAMPLES = 1000
# Fewer micrographs than this say nothing of how micrographs differ: then domains are resampled.
MIN_MICROGRAPHS = 5
_WORK, _AT_ONCE = 2 * 10**7, 10**6
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


def _resampled(values: np.ndarray, clusters: np.ndarray) -> np.ndarray:
    """Medians of resamples of whole clusters: each is a weighting of the values, sorted once."""
    rng = np.random.default_rng(_SEED)
    order = np.argsort(values, kind="stable")
    values, clusters = values[order], clusters[order]
    n_clusters = int(clusters.max()) + 1
    share = np.full(n_clusters, 1 / n_clusters)
    n_resamples = max(100, min(RESAMPLES, _WORK // len(values)))
    at_once = max(1, _AT_ONCE // len(values))
    medians = []
    for start in range(0, n_resamples, at_once):
        drawn = rng.multinomial(n_clusters, share, size=min(at_once, n_resamples - start))
        cumulative = np.cumsum(drawn[:, clusters], axis=1)
        total = cumulative[:, -1:]
        # An even count has two middle values; their mean, as np.median has it.
        lower, upper = ((cumulative >= middle).argmax(axis=1) for middle in ((total + 1) // 2, total // 2 + 1))
        medians.append((values[lower] + values[upper]) / 2)
    return np.concatenate(medians)
