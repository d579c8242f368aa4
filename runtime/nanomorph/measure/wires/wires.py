"""Domains as wires: widths along the skeleton, branchings, the wires that cross."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from nanomorph.measure.edges import Edges
from nanomorph.measure.outline import Outline
from nanomorph.measure.ragged import Ragged, norms, rows_of, spread
from nanomorph.measure.skeletons.branches import FREE, Branches, decompose
from nanomorph.measure.skeletons.skeleton import Skeleton, smooth_graph
from nanomorph.measure.skeletons.spurs import prune
from nanomorph.measure.wires import paths as path_measures
from nanomorph.measure.wires.crossings import resolve
from nanomorph.measure.wires.longest import measure_longest
from nanomorph.measure.wires.widths import STATISTICS, Columns, Middle, middle_of

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

    @cached_property
    def bodies(self) -> Ragged:
        """The paths less their tips, which lie in a straight line before them: they say nothing of how a wire bends."""
        ends = np.where(self.free & (self.paths.lengths > 3)[:, None], 1, 0)
        index, starts = spread(self.paths.starts[:-1] + ends[:, 0], self.paths.lengths - ends.sum(axis=1))
        return Ragged(rows_of(self.paths.values, index), starts)


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
    skeleton, _ = prune(raw, _radii(raw, edges))
    pieces = beside.submit(lambda: _segments(smooth_graph(skeleton), offsets))
    branches = decompose(skeleton)
    middle = middle_of(skeleton, branches, edges, compact, deepest)
    widths = middle.widths(slice(None), skeleton.domain, n)
    along = beside.submit(measure_longest, skeleton, offsets, outlines, widths["width_median"])
    wires = _wires(middle, branches, edges, offsets, compact)
    segments = pieces.result()
    columns = widths | along.result() | {
        "skeleton_length": np.bincount(segments.domain, segments.length, minlength=n),
        "n_branch_points": _branchings(skeleton, branches, n),
        "n_branches": np.bincount(skeleton.domain[branches.order.values[branches.order.starts[:-1]]], minlength=n),
        "n_wires": np.bincount(wires.domain, minlength=n),
        "n_end_points": np.bincount(skeleton.domain[skeleton.degree == 1], minlength=n),
    }  # fmt: skip
    return columns, wires, segments


def _radii(raw: Skeleton, edges: Edges) -> np.ndarray:
    """Distance (n,) px of branchings to the outline, 0 elsewhere: spurs are as long as the wire they leave is thick."""
    radii, branching = np.zeros(len(raw.points)), np.flatnonzero(raw.degree >= 3)
    if len(branching):
        radii[branching] = edges.nearest(raw.points[branching])[0]
    return radii


def _wires(middle: Middle, branches: Branches, edges: Edges, offsets: np.ndarray, compact: np.ndarray) -> WirePaths:
    """The wires of at least SLENDER widths' length."""
    found = resolve(middle.skeleton, branches, middle.half, edges.nearer)
    if not len(found.paths):  # bits that touch by their corners: junctions alone
        return _no_wires()
    wire = np.full(len(middle.half), FREE)
    wire[branches.order.values] = found.branch[branches.order.owner]
    on = wire != FREE
    widths = middle.widths(on, wire[on], len(found.paths))
    whole = path_measures.to_tips(path_measures.smooth(found.paths), found.free, widths["width_median"], edges)
    is_slender = path_measures.lengths(whole) >= SLENDER * widths["width_median"]
    slender = np.flatnonzero(is_slender & ~compact[found.domain])
    if not len(slender):
        return _no_wires()
    domain = found.domain[slender]
    kept = whole.take(slender)
    return WirePaths(
        kept.with_values(kept.values - rows_of(offsets, domain[kept.owner])),
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


def _segments(skeleton: Skeleton, offsets: np.ndarray) -> Segments:
    """The edges of the (smoothed) skeletons."""
    first, second = skeleton.edges
    vectors = skeleton.edge_vectors()
    domain = skeleton.domain[first]
    return Segments(
        (rows_of(skeleton.points, first) + rows_of(skeleton.points, second)) / 2 - rows_of(offsets, domain),
        norms(vectors),
        np.arctan2(vectors[:, 1], vectors[:, 0]),
        domain,
    )
