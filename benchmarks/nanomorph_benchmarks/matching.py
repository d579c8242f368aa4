"""Found domains against given instances: which is which, and what was cut, joined, missed or made up."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.stats import ks_2samp

MATCHED = 0.5  # IoU beyond which a domain and an instance are the same: at most one of each can be
COVERED = 0.5  # share beyond which one lies in another
SHARD = 0.1  # share of an instance from which a piece of it counts as one
LEAST = 5  # whole given particles: fewer have no distribution


@dataclass(frozen=True)
class Match:
    """One image.

    f1: 2 x matched / (given + found). iou: mean of the matched, NaN without any. split: instances of which at least
    two domains lie inside; merged: domains that cover several instances; missed: instances, false: domains that lie
    by half outside of all that was found or given. ks: Kolmogorov-Smirnov distance of the equivalent circular diameters
    of whole particles; 1 where none is found, NaN where fewer than LEAST are given.
    """

    given: int
    found: int
    matched: int
    f1: float
    iou: float
    split: int
    merged: int
    missed: int
    false: int
    ks: float


def match(found: np.ndarray, given: np.ndarray) -> Match:
    """Compare two label images, int (H, W), 0 = background."""
    shared = overlaps(found, given)
    areas, sizes = shared.sum(axis=1, keepdims=True)[1:], shared.sum(axis=0, keepdims=True)[:, 1:]
    both = shared[1:, 1:]
    iou = both / (areas + sizes - both)
    matched = iou[iou > MATCHED]
    inside = (both > COVERED * sizes) & (both > SHARD * areas)
    return Match(
        given=len(areas),
        found=sizes.size,
        matched=len(matched),
        f1=2 * len(matched) / max(1, len(areas) + sizes.size),
        iou=float(matched.mean()) if len(matched) else np.nan,
        split=int((inside.sum(axis=1) > 1).sum()),
        merged=int(((both > COVERED * areas).sum(axis=0) > 1).sum()),
        missed=int((both.sum(axis=1, keepdims=True) < COVERED * areas).sum()),
        false=int((both.sum(axis=0, keepdims=True) < COVERED * sizes).sum()),
        ks=ks_distance(found, given),
    )


def overlaps(found: np.ndarray, given: np.ndarray) -> np.ndarray:
    """Pixels that every instance shares with every domain, int (1 + instances, 1 + domains); background is 0."""
    rows, columns = _ranks(given), _ranks(found)
    shape = int(rows.max()) + 1, int(columns.max()) + 1
    return np.bincount((rows * shape[1] + columns).ravel(), minlength=shape[0] * shape[1]).reshape(shape)


def _ranks(labels: np.ndarray) -> np.ndarray:
    """The same labels numbered without gaps; background stays 0, also where there is none."""
    present = np.bincount(labels.ravel()) > 0
    present[0] = True
    return (np.cumsum(present) - 1)[labels]


def ks_distance(found: np.ndarray, given: np.ndarray) -> float:
    """Of the diameters of whole particles; see `Match`."""
    truth, diameters = whole_diameters(given), whole_diameters(found)
    if len(truth) < LEAST:
        return np.nan
    # The method decides on p values, which nobody asks for; the exact one gives up on large numbers, with a warning.
    return float(ks_2samp(truth, diameters, method="asymp").statistic) if len(diameters) else 1.0


def whole_diameters(labels: np.ndarray) -> np.ndarray:
    """Equivalent circular diameters, px, of what does not touch the edge of a label image (H, W)."""
    area = np.bincount(labels.ravel())
    area[0] = 0
    for edge in (labels[0], labels[-1], labels[:, 0], labels[:, -1]):
        area[edge] = 0
    return np.sqrt(4 / np.pi * area[area > 0])
