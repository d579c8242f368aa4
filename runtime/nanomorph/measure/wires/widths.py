"""How wide domains are along their skeletons, and where the middle between their two sides lies."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.spatial import cKDTree

from nanomorph.measure.edges import Edges
from nanomorph.measure.ragged import greatest, rows_of, sorted_by
from nanomorph.measure.skeletons.branches import FREE, Branches
from nanomorph.measure.skeletons.skeleton import Skeleton
from nanomorph.measure.wires.paths import CLEAR_WIDTHS

Columns = dict[str, np.ndarray]
STATISTICS = ("width_median", "width_mean", "width_sd", "width_min", "width_max")
# In skeletons of so many points every third is looked at, the two between lie on a line: outlines are smoothed over
# more, so that the others would tell the same again.
MANY, STRIDE = 10_000, 3


@dataclass(frozen=True, eq=False)
class Middle:
    """Skeletons moved to the middle between the sides. half: (n,) px from there to either. across: (n,) px, the width.

    near: (n,) px, from where they were to the outline. used: bool (n,), whether the width was measured there, clear of
    tips and branchings.
    """

    skeleton: Skeleton
    half: np.ndarray
    across: np.ndarray
    near: np.ndarray
    used: np.ndarray

    def widths(self, which: np.ndarray | slice, owner: np.ndarray, n: int) -> Columns:
        """Statistics of the widths of n owners (`owner`, int (k,)) of the points `which`."""
        return width_statistics(self.across[which], owner, self.used[which], self.near[which], n)


def middle_of(skeleton: Skeleton, branches: Branches, edges: Edges, compact: np.ndarray, deepest: float) -> Middle:
    """The middle of pruned skeletons. compact: bool (n_domains,), of no width along them; deepest: px, no point is
    farther from the outline.
    """
    at = _looked_at(skeleton, branches)
    points, step = rows_of(skeleton.points, at), skeleton.step[at]
    near, vertex = edges.nearest(points, deepest + 1.0)
    outward = (points - rows_of(edges.rings.values, vertex)) / np.maximum(near, 1e-9)[:, None]
    across = _across(points, outward, near, step, edges)
    # Thinning misses the middle by up to a step; where it seems to be farther away the sides are not those of a wire.
    move = across / 2 - near
    move[np.abs(move) > step] = 0.0
    used = np.zeros(len(skeleton.points), bool)
    used[at] = _clear(skeleton, at, 2 * CLEAR_WIDTHS * near) & ~compact[skeleton.domain[at]]
    x, y = (points + move[:, None] * outward).T
    x, y, half, across, near = _between(branches, at, np.stack([x, y, near + move, across, near]), len(used))
    centred = Skeleton(np.stack([x, y], axis=1), skeleton.edges, skeleton.domain, skeleton.step)
    return Middle(centred, half, across, near, used)


def _looked_at(skeleton: Skeleton, branches: Branches) -> np.ndarray:
    """The points, ascending, that are measured: all junctions, of every branch its ends and every so many between."""
    order = branches.order
    stride = np.where(np.bincount(skeleton.domain) >= MANY, STRIDE, 1)[skeleton.domain[order.values]]
    chosen = (np.arange(len(order.values)) - order.starts[order.owner]) % stride == 0
    chosen[order.starts[1:] - 1] = True
    found = branches.junction != FREE
    found[order.values[chosen]] = True
    return np.flatnonzero(found)


def _between(branches: Branches, at: np.ndarray, values: np.ndarray, n: int) -> np.ndarray:
    """Of n points the `values` (r, k) of those `at`, in between along the branches as far as they lie; (r, n)."""
    if len(at) == n:
        return values
    order, is_known = branches.order.values, np.zeros(n, bool)
    is_known[at] = True
    along = is_known[order]
    known, gap = np.flatnonzero(along), np.flatnonzero(~along)
    first = np.cumsum(along)[gap] - 1  # the ends of every branch are known: the next one is of the same
    begin, end = known[first], known[first + 1]
    found = np.empty((len(values), n))
    for row, given in zip(found, values, strict=True):
        row[at] = given
        before, after = row[order[begin]], row[order[end]]
        row[order[gap]] = (after - before) / (end - begin) * (gap - begin) + before
    return found


def _clear(skeleton: Skeleton, at: np.ndarray, reach: np.ndarray) -> np.ndarray:
    """Which of the points `at` are farther than their `reach` (px) from every tip and branching."""
    special = skeleton.degree != 2
    if not special.any():
        return np.ones(len(at), bool)
    # How far away what is beyond every reach lies does not matter: the search for it ends early.
    most = np.nextafter(reach.max(), np.inf)
    tree, points = cKDTree(rows_of(skeleton.points, special)), rows_of(skeleton.points, at)
    return tree.query(points, distance_upper_bound=most)[0] > reach


def _across(points: np.ndarray, outward: np.ndarray, near: np.ndarray, step: np.ndarray, edges: Edges) -> np.ndarray:
    """Twice the distance to the outline, freed of the up to `step` px by which a skeleton misses the centre.

    In the direction `outward` from the nearest outline point the probe moves on by h across the wire: what is left on
    the far side plus h plus the near distance is the width, wherever the point lies between the two sides.
    """
    h = np.minimum(step, near)
    return near + h + edges.nearest(points + h[:, None] * outward, near.max() + 1.0)[0]


def width_statistics(widths: np.ndarray, owner: np.ndarray, used: np.ndarray, near: np.ndarray, n: int) -> Columns:
    """Median, mean, standard deviation, least and greatest width, each (n,), of the points (k,) of n owners.

    Points near tips and branchings are not `used`. An owner that has no others (a compact domain) is as wide as at
    its deepest point (greatest `near`, the distance to the outline).
    """
    without = np.bincount(owner[used], minlength=n) == 0
    if without.any():
        used = used.copy()
        used[greatest(owner, near, n)[without]] = True
    widths, owner = widths[used], owner[used]
    order = sorted_by(owner, widths, n)
    widths, owner = widths[order], owner[order]
    count = np.bincount(owner, minlength=n)
    first = np.cumsum(count) - count
    mean = np.bincount(owner, widths, minlength=n) / count
    variance = np.bincount(owner, (widths - mean[owner]) ** 2, minlength=n) / count
    return {
        "width_median": (widths[first + (count - 1) // 2] + widths[first + count // 2]) / 2,
        "width_mean": mean,
        "width_sd": np.sqrt(variance),
        "width_min": widths[first],
        "width_max": widths[first + count - 1],
    }
