"""Crossings resolved: which branches of a skeleton are one wire.

Where wires cross, the skeleton has two junctions and a bridge between them. Junctions joined by a bridge that lies
inside the overlap of two wires are one crossing; the arms that leave it are joined in pairs, the straightest first,
as far as direction, offset and width continue. What finds no partner ends there.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from nanomorph.measure.arms import Arms, arms_of, largest_radius, pair_cost
from nanomorph.measure.branches import FREE, Branches
from nanomorph.measure.ragged import Ragged, spread
from nanomorph.measure.skeleton import Skeleton

# A bridge is inside an overlap where it is shorter than so many radii of its two junctions together,
SHORT_BRIDGE = 0.8
# or where it is so many times as wide as the branches beside it, up to a length of so many of their widths.
OVERLAP_WIDTH, OVERLAP_LENGTH = 1.08, 12.0
# Greatest cost of a pair of arms (see `arms.pair_cost`), rad.
GREATEST_TURN = 1.2


@dataclass(frozen=True, eq=False)
class Wires:
    """paths: points (n, 2) px of every wire along it, evenly spaced. domain: int (m,). free: bool (m, 2), whether
    the path's first and last point are tips (not ends on another wire). branch: int (n_branches,), the wire of every
    branch, FREE for bridges inside a crossing. crossings: int (m,), crossings passed through.
    """

    paths: Ragged
    domain: np.ndarray
    free: np.ndarray
    branch: np.ndarray
    crossings: np.ndarray


def resolve(skeleton: Skeleton, branches: Branches, radius: np.ndarray) -> Wires:
    """The wires of a skeleton. radius: (n_points,), distance of its points to the outline (px)."""
    widths = 2 * _medians(radius[branches.order.values], branches.order)
    node, bridge = _join(branches.node, _short(branches, radius))
    arms, trim = arms_of(skeleton.points, branches, node, bridge, radius, widths)
    overlap = _overlaps(branches, arms, node, widths)
    if overlap.any():
        node, bridge = _join(node, bridge | overlap)
        arms, trim = arms_of(skeleton.points, branches, node, bridge, radius, widths)
    partner = _pair(arms, 2 * len(branches))
    chains, wire = _chains(partner, bridge)
    paths = _paths(skeleton, branches, chains, partner, trim)
    tips = node.ravel()[np.stack([[c[0] for c in chains], [c[-1] ^ 1 for c in chains]], axis=1).astype(int)] == FREE
    domain = skeleton.domain[branches.order.values[branches.order.starts[:-1]]]
    owner = domain[np.array([c[0] >> 1 for c in chains], int)]
    return Wires(paths, owner, tips, wire, np.array([len(c) - 1 for c in chains], int))


def _medians(values: np.ndarray, sequences: Ragged) -> np.ndarray:
    """Median of the values of every sequence."""
    ordered = values[np.lexsort((values, sequences.owner))]
    first, n = sequences.starts[:-1], sequences.lengths
    return (ordered[first + (n - 1) // 2] + ordered[first + n // 2]) / 2


def _short(branches: Branches, radius: np.ndarray) -> np.ndarray:
    """Branches (m,) between two junctions whose inscribed circles about meet."""
    largest = largest_radius(branches, branches.node, radius)
    between = (branches.node != FREE).all(axis=1) & (branches.node[:, 0] != branches.node[:, 1])
    return between & (branches.length < SHORT_BRIDGE * largest[branches.node].sum(axis=1))


def _join(node: np.ndarray, bridge: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Crossings at the ends of every branch (m, 2) when bridges are taken in, and the branches (m,) then inside one."""
    n = int(node.max(initial=FREE)) + 1
    if not n:
        return node, bridge
    joined = coo_array((np.ones(bridge.sum()), node[bridge].T), shape=(n, n))
    crossing = np.append(connected_components(joined, directed=False)[1], FREE)[node]
    return crossing, bridge


def _overlaps(branches: Branches, arms: Arms, node: np.ndarray, widths: np.ndarray) -> np.ndarray:
    """Branches (m,) along which two wires lie on each other: wider than what is beside them, and both wires go on.

    Each of the two other arms at one end continues in one of the other two at the other end.
    """
    beside = _beside(branches, node, widths)
    likely = (node != FREE).all(axis=1) & (node[:, 0] != node[:, 1])
    likely &= (widths > OVERLAP_WIDTH * beside) & (branches.length < OVERLAP_LENGTH * beside)
    branch, first, last = _across_bridges(arms, node, np.flatnonzero(likely))
    cost = pair_cost(arms, first, last)
    best = _least(cost, branch)
    # The straightest pair apart, another pair of the arms that are left.
    straightest = best[np.searchsorted(branch[best], branch)]
    rest = (first != first[straightest]) & (last != last[straightest])
    second = np.flatnonzero(rest)[_least(cost[rest], branch[rest])]
    pairs = np.concatenate([best, second])
    good = np.bincount(branch[pairs][cost[pairs] < GREATEST_TURN], minlength=len(branches))
    return np.asarray(good == 2)


def _across_bridges(arms: Arms, node: np.ndarray, bridges: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """All pairs of an arm at the first and an arm at the last end of every bridge: bridge, arm, arm, by bridge."""
    order = np.argsort(arms.node, kind="stable")
    begin = np.searchsorted(arms.node[order], node[bridges])
    count = np.searchsorted(arms.node[order], node[bridges], side="right") - begin
    pair, _ = spread(np.zeros(len(bridges), int), count.prod(axis=1))
    of = np.repeat(np.arange(len(bridges)), count.prod(axis=1))
    row, column = np.divmod(pair, count[of, 1])
    first, last = order[begin[of, 0] + row], order[begin[of, 1] + column]
    own = (arms.end[first] >> 1 == bridges[of]) | (arms.end[last] >> 1 == bridges[of])
    return bridges[of][~own], first[~own], last[~own]


def _least(cost: np.ndarray, group: np.ndarray) -> np.ndarray:
    """Index of the least cost of every group, by group."""
    order = np.lexsort((cost, group))
    return order[np.flatnonzero(np.diff(group[order], prepend=-1))]


def _beside(branches: Branches, node: np.ndarray, widths: np.ndarray) -> np.ndarray:
    """Mean width (m,) of the other branches at the two ends of every branch; twigs count little."""
    weight = np.minimum(branches.length, 3 * widths) + 1e-9
    n = int(node.max(initial=FREE)) + 1
    ends = np.where(node == FREE, n, node)
    sums, weights = (
        np.bincount(ends.ravel(), np.repeat(values, 2), n + 1)[ends].sum(axis=1) - 2 * values
        for values in (weight * widths, weight)
    )
    return sums / np.maximum(weights, 1e-9)


def _pair(arms: Arms, n_ends: int) -> np.ndarray:
    """The end that continues each branch end, int (n_ends,), FREE for none: straightest pairs first."""
    first, second = _candidates(arms.node)
    cost = pair_cost(arms, first, second)
    good = (cost < GREATEST_TURN) & (arms.end[first] >> 1 != arms.end[second] >> 1)
    order = np.flatnonzero(good)[np.argsort(cost[good], kind="stable")]
    partner = np.full(n_ends, FREE)
    for a, b in zip(arms.end[first[order]].tolist(), arms.end[second[order]].tolist(), strict=True):
        if partner[a] == FREE and partner[b] == FREE:
            partner[a], partner[b] = b, a
    return partner


def _candidates(node: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """All pairs of arms at one crossing, two arrays of indices."""
    order = np.argsort(node, kind="stable")
    first = np.flatnonzero(np.diff(node[order], prepend=-1))
    count = np.diff(np.append(first, len(order)))
    pairs = [np.zeros((2, 0), int)]
    for k in np.unique(count[count > 1]):
        groups = order[first[count == k][:, None] + np.arange(k)]
        a, b = np.array(list(combinations(range(k), 2))).T
        pairs.append(np.stack([groups[:, a].ravel(), groups[:, b].ravel()]))
    return tuple(np.concatenate(pairs, axis=1))  # type: ignore[return-value]


def _chains(partner: np.ndarray, bridge: np.ndarray) -> tuple[list[list[int]], np.ndarray]:
    """Wires as lists of the branch ends they enter by, and the wire of every branch."""
    follow = partner.tolist()
    wire = np.full(len(bridge), FREE)
    chains: list[list[int]] = []
    lone = [e for e in range(len(follow)) if follow[e] == FREE]
    for start in (*lone, *range(len(follow))):  # the second round finds wires that close on themselves
        end = start
        if bridge[end >> 1] or wire[end >> 1] != FREE:
            continue
        chain: list[int] = []
        while end != FREE and wire[end >> 1] == FREE:
            wire[end >> 1] = len(chains)
            chain.append(end)
            end = follow[end ^ 1]
        chains.append(chain)
    return chains, wire


def _paths(
    skeleton: Skeleton, branches: Branches, chains: list[list[int]], partner: np.ndarray, trim: np.ndarray
) -> Ragged:
    """Points along every wire, evenly spaced; straight through the crossings it passes."""
    ends = np.array([end for chain in chains for end in chain], int)
    branch, backwards = ends >> 1, (ends & 1).astype(bool)
    cut = np.where(partner.reshape(-1, 2) == FREE, 0.0, trim)
    cut *= np.minimum(1.0, 0.8 * branches.length / np.maximum(cut.sum(axis=1), 1e-9))[:, None]
    arc, length = branches.arc, branches.length
    kept = (arc >= cut[branches.order.owner, 0] - 1e-6) & (arc <= (length - cut[:, 1])[branches.order.owner] + 1e-6)
    kept[branches.order.starts[:-1] + branches.order.lengths // 2] = True
    n_kept = branches.order.total(kept.astype(int))
    begins = np.concatenate([[0], np.cumsum(n_kept)])[:-1]
    index, starts = spread(begins[branch], n_kept[branch])
    mirrored = starts[:-1] + starts[1:] - 1
    turned = np.repeat(backwards, n_kept[branch])
    position = np.arange(len(index))
    position = np.where(turned, np.repeat(mirrored, n_kept[branch]) - position, position)
    points = skeleton.points[branches.order.values[kept]][index[position]]
    sizes = np.add.reduceat(n_kept[branch], np.concatenate([[0], np.cumsum([len(c) for c in chains])])[:-1])
    spacing = skeleton.step[branches.order.values[branches.order.starts[:-1]]][[c[0] >> 1 for c in chains]]
    return evenly(Ragged(points, np.concatenate([[0], np.cumsum(sizes)])), spacing)


def evenly(paths: Ragged, spacing: np.ndarray) -> Ragged:
    """Every path (n, 2) resampled at about its `spacing` (m,), first and last point kept."""
    steps = np.hypot(*np.diff(paths.values, axis=0, prepend=paths.values[:1]).T)
    steps[paths.starts[:-1]] = 0.0
    total = np.cumsum(steps)
    length = total[paths.starts[1:] - 1] - total[paths.starts[:-1]]
    axis = total + paths.owner  # a gap of one between paths keeps them apart
    n = np.maximum(np.rint(length / spacing).astype(int), 1) + 1
    share = spread(np.zeros(len(n), int), n)[0] / np.repeat(n - 1, n)
    where = np.repeat(total[paths.starts[:-1]] + np.arange(len(n)), n) + share * np.repeat(length, n)
    resampled = np.stack([np.interp(where, axis, column) for column in paths.values.T], axis=1)
    return Ragged(resampled, np.concatenate([[0], np.cumsum(n)]))
