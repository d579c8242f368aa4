"""Domains as wires: widths along the skeleton, branchings, the wires that cross."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Executor
from dataclasses import dataclass

import numpy as np
from scipy.spatial import cKDTree

from nanomorph.measure import paths as path_measures
from nanomorph.measure.branches import FREE, Branches, decompose
from nanomorph.measure.crossings import resolve
from nanomorph.measure.edges import Edges
from nanomorph.measure.longest import measure_longest
from nanomorph.measure.outline import Outline
from nanomorph.measure.paths import CLEAR_WIDTHS
from nanomorph.measure.ragged import Ragged, greatest, sorted_by, spread
from nanomorph.measure.skeleton import Skeleton, smooth_graph
from nanomorph.measure.spurs import prune

Columns = dict[str, np.ndarray]
STATISTICS = ("width_median", "width_mean", "width_sd", "width_min", "width_max")
SLENDER = 3.0  # a wire is at least so many widths long, as a fibre is (ISO 80004-2: two dimensions much smaller)


@dataclass(frozen=True, eq=False)
class WirePaths:
    """Resolved wires. paths: points (n, 2), x and y in px of their domain's crop, tips included. domain: int (m,),
    index of the crop. free: bool (m, 2), whether the first and last point are tips. crossings: int (m,) passed.
    widths: of every wire, px, by statistic (width_median, ...).
    """

    paths: Ragged
    domain: np.ndarray
    free: np.ndarray
    crossings: np.ndarray
    widths: Columns

    @property
    def bodies(self) -> Ragged:
        """The paths less their tips, which lie in a straight line before them: they say nothing of how a wire bends."""
        ends = np.where(self.free & (self.paths.lengths > 3)[:, None], 1, 0)
        index, starts = spread(self.paths.starts[:-1] + ends[:, 0], self.paths.lengths - ends.sum(axis=1))
        return Ragged(self.paths.values[index], starts)


@dataclass(frozen=True, eq=False)
class Segments:
    """Pieces of all skeletons: middle (n, 2) in px of the crop, length (n,) px, direction (n,) rad (y down), domain."""

    middle: np.ndarray
    length: np.ndarray
    direction: np.ndarray
    domain: np.ndarray


def measure_wires(
    raw: Skeleton,
    outlines: Sequence[Outline],
    edges: Edges,
    offsets: np.ndarray,
    compact: np.ndarray,
    deepest: float,
    beside: Executor,
) -> tuple[Columns, WirePaths, Segments]:
    """Measure the skeletons of all domains.

    raw: as thinned; outlines: of every domain, px of its crop; edges: the same as `raw` lies; offsets: (n, 2), where
    in `raw` the crop lies; compact: bool (n,), domains as wide as they are deep, with no wire in them; deepest: px,
    greatest inscribed radius. beside: takes what does not depend on crossings.
    Returns arrays (n,): width_median, width_mean, width_sd, width_min, width_max, length, end_to_end,
    persistence_length, skeleton_length (px), n_branch_points, n_branches, n_wires, n_end_points; the wires; and the
    pieces of the skeletons.
    """
    n = len(outlines)
    near, vertex = edges.nearest(raw.points, deepest + 1.0)
    foot = edges.rings.values[vertex]
    # Of spurs too, which are few: it need not wait for their end.
    crossed = beside.submit(_across, raw.points, foot, near, raw.step, edges)
    skeleton, kept = prune(raw, near)
    near, foot = near[kept], foot[kept]
    branches = decompose(skeleton)
    used = _clear(skeleton, 2 * CLEAR_WIDTHS * near) & ~compact[skeleton.domain]
    across = crossed.result()[kept]
    widths = width_statistics(across, skeleton.domain, used, near, n)
    along = beside.submit(measure_longest, skeleton, offsets, outlines, widths["width_median"])
    pieces = beside.submit(lambda: _segments(smooth_graph(skeleton), offsets))
    centred, half = _centred(skeleton, foot, near, across)
    wires = _wires(centred, branches, half, across, used, edges, offsets, compact)
    segments = pieces.result()
    columns = widths | along.result() | {
        "skeleton_length": np.bincount(segments.domain, segments.length, minlength=n),
        "n_branch_points": _branchings(skeleton, branches, n),
        "n_branches": np.bincount(skeleton.domain[branches.order.values[branches.order.starts[:-1]]], minlength=n),
        "n_wires": np.bincount(wires.domain, minlength=n),
        "n_end_points": np.bincount(skeleton.domain[skeleton.degree == 1], minlength=n),
    }  # fmt: skip
    return columns, wires, segments


def _wires(
    skeleton: Skeleton,
    branches: Branches,
    near: np.ndarray,
    across: np.ndarray,
    used: np.ndarray,
    edges: Edges,
    offsets: np.ndarray,
    compact: np.ndarray,
) -> WirePaths:
    """The wires of at least SLENDER widths' length."""
    found = resolve(skeleton, branches, near, edges.nearer)
    if not len(found.paths):  # bits that touch by their corners: junctions alone
        return _no_wires()
    wire = np.full(len(near), FREE)
    wire[branches.order.values] = found.branch[branches.order.owner]
    on = wire != FREE
    widths = width_statistics(across[on], wire[on], used[on], near[on], len(found.paths))
    whole = path_measures.to_tips(path_measures.smooth(found.paths), found.free, widths["width_median"], edges)
    is_slender = path_measures.lengths(whole) >= SLENDER * widths["width_median"]
    slender = np.flatnonzero(is_slender & ~compact[found.domain])
    if not len(slender):
        return _no_wires()
    domain = found.domain[slender]
    kept = whole.take(slender)
    return WirePaths(
        kept.with_values(kept.values - offsets[domain][kept.owner]),
        domain,
        found.free[slender],
        found.crossings[slender],
        {name: values[slender] for name, values in widths.items()},
    )


def _no_wires() -> WirePaths:
    no_paths, none = Ragged(np.zeros((0, 2)), np.zeros(1, int)), np.zeros(0, int)
    return WirePaths(no_paths, none, np.zeros((0, 2), bool), none, {name: np.zeros(0) for name in STATISTICS})


def _branchings(skeleton: Skeleton, branches: Branches, n: int) -> np.ndarray:
    """Branchings of each of n domains, int (n,); adjacent branch pixels are one branching."""
    at = np.flatnonzero(branches.junction != FREE)
    one_each = at[np.unique(branches.junction[at], return_index=True)[1]]
    return np.bincount(skeleton.domain[one_each], minlength=n)


def _clear(skeleton: Skeleton, reach: np.ndarray) -> np.ndarray:
    """Points farther than their `reach` (px) from every tip and branching."""
    special = skeleton.degree != 2
    if not special.any():
        return np.ones(len(special), bool)
    # How far away what is beyond every reach lies does not matter: the search for it ends early.
    most = np.nextafter(reach.max(), np.inf)
    return cKDTree(skeleton.points[special]).query(skeleton.points, distance_upper_bound=most)[0] > reach


def _across(points: np.ndarray, foot: np.ndarray, near: np.ndarray, step: np.ndarray, edges: Edges) -> np.ndarray:
    """Twice the distance to the outline, freed of the up to `step` px by which a skeleton misses the centre.

    From the nearest outline point, `foot`, the probe moves on by h across the wire: what is left on the far
    side plus h plus the near distance is the width, wherever the point lies between the two sides.
    """
    direction = (points - foot) / np.maximum(near, 1e-9)[:, None]
    h = np.minimum(step, near)
    return near + h + edges.nearest(points + h[:, None] * direction, near.max() + 1.0)[0]


def _centred(skeleton: Skeleton, foot: np.ndarray, near: np.ndarray, across: np.ndarray) -> tuple[Skeleton, np.ndarray]:
    """The skeleton moved to the middle between the two sides, and its distance to either (n,), px.

    Thinning misses the middle by up to a step; where it seems to be farther away the sides are not those of a wire.
    """
    move = across / 2 - near
    move[np.abs(move) > skeleton.step] = 0.0
    outward = (skeleton.points - foot) / np.maximum(near, 1e-9)[:, None]
    points = skeleton.points + move[:, None] * outward
    return Skeleton(points, skeleton.edges, skeleton.domain, skeleton.step), near + move


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


def _segments(skeleton: Skeleton, offsets: np.ndarray) -> Segments:
    """The edges of the (smoothed) skeletons."""
    first, second = skeleton.edges.T
    vectors = skeleton.edge_vectors()
    domain = skeleton.domain[first]
    return Segments(
        (skeleton.points[first] + skeleton.points[second]) / 2 - offsets[domain],
        skeleton.edge_lengths(),
        np.arctan2(vectors[:, 1], vectors[:, 0]),
        domain,
    )
