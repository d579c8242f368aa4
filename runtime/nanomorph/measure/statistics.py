"""Size statistics of a sample of domains: which count, with what weight, and how sure their median is."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

N_BOOTSTRAP = 1000
SEED = 20260
EDGES = ("leave-out", "weight", "count")
"""What to do with domains at the edge of the field: leave them out, leave them out and weight the others for it
(Miles and Lantuejoul: larger domains touch the edge more often), or count them all."""
# Share of the area that domains clear of the edge hold at the least, if sizes are to be theirs: a crumb beside a
# network says nothing of it. Particles hold less where they are two thirds as large as the field.
LEAST_CLEAR = 0.1
# Below so many values not even their whole range covers the median in 95 of 100 samples: 1 - 2 ** (1 - n).
LEAST_FOR_INTERVAL = 6


@dataclass(frozen=True, eq=False)
class Sample:
    """index: int (k,), the domains that sizes are counted on; weight: float (k,). includes_edge: some touch it."""

    index: np.ndarray
    weight: np.ndarray
    includes_edge: bool


def edge_weights(sizes: np.ndarray, touches_edge: np.ndarray, field: tuple[int, ...]) -> np.ndarray:
    """Miles-Lantuejoul weights (n,): 1 / P with P = (H - h - 1)(W - w - 1) / (H W), for domains of boxes (h, w) px.

    P is the chance that a domain placed at random lies inside the field (ISO 13322-1) and not in its first or last row
    or column, which are the edge. NaN for one that touches it.
    """
    share = (np.array(field[:2]) - sizes - 1) / np.array(field[:2])
    inside = share.prod(axis=1)
    weight = np.full(len(sizes), np.nan)
    np.divide(1.0, inside, out=weight, where=~touches_edge & (inside > 0))
    return weight


def sample(touches_edge: np.ndarray, edge_weight: np.ndarray, area: np.ndarray, edges: str = "leave-out") -> Sample:
    """The domains behind a field's size statistics, of areas (n,).

    Where those clear of the edge hold less than LEAST_CLEAR of the area, they are the largest that hold all but that:
    a wire that crosses the whole field, or a percolating network, always touches the edge; its width is known all the
    same.
    """
    inside = np.flatnonzero(~touches_edge)
    if edges == "count":
        return Sample(np.arange(len(touches_edge)), np.ones(len(touches_edge)), bool(touches_edge.any()))
    if area[inside].sum() < LEAST_CLEAR * area.sum() or not len(inside):
        largest = _largest(area, 1 - LEAST_CLEAR)
        return Sample(largest, np.ones(len(largest)), bool(touches_edge[largest].any()))
    weight = edge_weight[inside] if edges == "weight" else np.ones(len(inside))
    return Sample(inside, weight, False)


def _largest(area: np.ndarray, share: float) -> np.ndarray:
    """Indices, ascending, of the fewest domains that hold a share of the area together."""
    order = np.argsort(-area, kind="stable")
    before = np.cumsum(area[order]) - area[order]
    return np.sort(order[before < share * area.sum()])


def median(values: np.ndarray, weight: np.ndarray | None = None) -> float:
    """Median of values (n,), weighted where weights differ; NaN of none and of unknown ones."""
    if not len(values) or np.isnan(values).any():
        return math.nan
    if weight is None or (weight == weight[0]).all():
        return float(np.median(values))
    return float(weighted_medians(values, weight[None])[0])


def bootstrap_median(values: np.ndarray, weight: np.ndarray | None = None) -> tuple[float, float]:
    """95 % percentile-bootstrap interval of the median; NaN below LEAST_FOR_INTERVAL values, and of unknown ones."""
    n = len(values)
    if n < LEAST_FOR_INTERVAL or np.isnan(values).any():
        return math.nan, math.nan
    draws = np.random.default_rng(SEED).integers(0, n, (N_BOOTSTRAP, n))
    if weight is None or (weight == weight[0]).all():
        medians = np.median(values[draws], axis=1)
    else:
        times = np.stack([np.bincount(draw, minlength=n) for draw in draws])
        medians = weighted_medians(values, times * weight)
    low, high = np.percentile(medians, [2.5, 97.5])
    return float(low), float(high)


def weighted_medians(values: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """The least of `values` (n,) at which half of the weight is reached, for every row of weights (m, n)."""
    return weighted_quantiles(values, weights, 0.5)


def weighted_quantiles(values: np.ndarray, weights: np.ndarray, share: float) -> np.ndarray:
    """The least of `values` (n,) at which a share of the weight is reached, for every row of weights (m, n)."""
    order = np.argsort(values, kind="stable")
    total = np.cumsum(weights[:, order], axis=1)
    return values[order][(total >= share * total[:, -1:]).argmax(axis=1)]
