"""The arms that leave a crossing: where each is free of it, which way it points, and which two go on in each other."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import min_weight_full_bipartite_matching
from scipy.spatial import cKDTree

from nanomorph.measure.branches import FREE, Branches
from nanomorph.measure.ragged import spread
from nanomorph.measure.skeleton import Skeleton

# A branch between two junctions is an arm where more than so many of its widths lie beyond their inscribed circles.
CLEAR_LENGTH = 0.75
# An arm begins where it is less than so many times as thick as usual, and so many widths on.
THICKER, MARGIN_WIDTHS = 1.15, 0.25
# An arm's direction is taken over so many of its widths, and at least so many steps of the skeleton's grid.
ARM_WIDTHS, ARM_STEPS = 3.0, 10.0
# Two arms are compared across a gap of at most so many widths, or radii of their junctions (wires that cross at 10
# degrees lie on each other for twelve widths), along which the outline stays so many half widths away.
REACH, CLEARANCE = 24.0, 0.3
# A pair of arms costs its turning (rad), plus so many rad per e-fold of width and per width of the gap.
WIDTH_WEIGHT, GAP_WEIGHT = 1.0, 0.01
# Costs are told apart down to so many rad.
COST_STEP = 2.0**-20
# What it costs, in rad, that an arm ends: two turn into each other for at most twice as much.
END = 0.7

# Which of the points (n, 2) px are nearer to an outline than their limit (n,).
TooNear = Callable[[np.ndarray, np.ndarray], np.ndarray]


@dataclass(frozen=True, eq=False)
class Arms:
    """Branch ends that leave a crossing. end: int (k,), 2 x branch + side.

    at, direction: float (k, 2), where the arm is free of the crossing and the unit vector on from there. width,
    radius: px, its own and its junction's inscribed one. cost: rad, of its ending here.
    """

    end: np.ndarray
    at: np.ndarray
    direction: np.ndarray
    width: np.ndarray
    radius: np.ndarray
    cost: np.ndarray


@dataclass(frozen=True, eq=False)
class Pairs:
    """Pairs of arms (indices, (n,)) that could be one wire, and what each costs, rad."""

    first: np.ndarray
    second: np.ndarray
    cost: np.ndarray

    def take(self, which: np.ndarray) -> Pairs:
        """The pairs `which` (bool or int)."""
        return Pairs(self.first[which], self.second[which], self.cost[which])


def trims(branches: Branches, radius: np.ndarray, widths: np.ndarray) -> np.ndarray:
    """How far (m, 2) px from its ends a branch is disturbed, 0 at a tip.

    Throughout its junction's inscribed circle, and on as far as it is thicker than usual, which is where at a shallow
    angle the outlines part.
    """
    largest = np.zeros(int(branches.junction.max(initial=FREE)) + 2)  # the last, FREE, stays 0
    at_junction = branches.junction != FREE
    np.maximum.at(largest, branches.junction[at_junction], radius[at_junction])
    owner, starts = branches.order.owner, branches.order.starts[:-1]
    usual = radius[branches.order.values] <= THICKER * widths[owner] / 2 + 0.5
    first = np.minimum.reduceat(np.where(usual, branches.arc, np.inf), starts)
    last = np.maximum.reduceat(np.where(usual, branches.arc, -np.inf), starts)
    thick = np.stack([first, branches.length - last], axis=1) + MARGIN_WIDTHS * widths[:, None]
    return np.where(branches.node == FREE, 0.0, np.maximum(largest[branches.node], thick))


def arms_of(skeleton: Skeleton, branches: Branches, trim: np.ndarray, widths: np.ndarray, radius: np.ndarray) -> Arms:
    """The arms of all junctions; trim: see `trims`, widths: px (m,), radius: (n_points,), distance to the outline.

    An arm is as wide as where it leaves the crossing: farther on its branch may become another wire, tip to tip.
    """
    clear = branches.length - trim.sum(axis=1)
    is_arm = (branches.node != FREE) & ((clear > CLEAR_LENGTH * widths) | (branches.node == FREE).any(axis=1))[:, None]
    ends = np.flatnonzero(is_arm)
    branch, length = ends >> 1, branches.length[ends >> 1]
    near = np.minimum(trim.ravel()[ends], 0.4 * length)
    half_width = radius[branches.order.values[_at_arc(branches, ends, near)]]
    step = skeleton.step[branches.order.values[branches.order.starts[branch]]]
    reach = np.maximum(ARM_WIDTHS * 2 * half_width, ARM_STEPS * step)
    far = np.minimum(near + reach, length - trim.ravel()[ends ^ 1])
    far = np.maximum(far, np.minimum(near + 1.0, length))
    stretch = np.stack([_at_arc(branches, ends, s) for s in (near, (near + far) / 2, far)])
    at, direction = _line(skeleton.points[branches.order.values], stretch, (far - near) / 4)
    width = 2 * _mean(radius[branches.order.values], stretch[0], stretch[2])
    sure = np.clip((far - near) / reach, 0.25, 1.0)
    return Arms(ends, at, direction, width, trim.ravel()[ends], END * sure)


def _line(points: np.ndarray, stretch: np.ndarray, quarter: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Where an arm begins, and the unit vector on from there: the line through the means of its two halves.

    Single points of a skeleton are up to a step of its grid off the middle, which for a thin wire is the outline.
    stretch: int (3, k), the points at the begin, middle and end of every arm; quarter: px of its length.
    """
    first, second = _mean(points, *stretch[:2]), _mean(points, *stretch[1:])
    direction = (second - first) / np.maximum(np.hypot(*(second - first).T), 1e-9)[:, None]
    return first - quarter[:, None] * direction, direction


def _mean(values: np.ndarray, one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Mean of the values (n, ...) from index `one` to index `other` (k,), in either order, both included."""
    total = np.concatenate([np.zeros_like(values[:1]), np.cumsum(values, axis=0)])
    low, high = np.minimum(one, other), np.maximum(one, other) + 1
    return np.asarray(((total[high] - total[low]).T / (high - low)).T)


def _at_arc(branches: Branches, end: np.ndarray, arc: np.ndarray) -> np.ndarray:
    """The element of `branches.order` at a length along the branch from each of the given ends."""
    # One increasing axis for all: every branch begins where the one before it ended, plus one.
    begin = np.concatenate([[0.0], np.cumsum(branches.length + 1.0)])[:-1]
    axis = branches.arc + begin[branches.order.owner]
    branch = end >> 1
    along = np.where(end & 1, branches.length[branch] - arc, arc)
    index = np.searchsorted(axis, begin[branch] + along - 1e-6)
    return np.minimum(index, branches.order.starts[branch + 1] - 1)


def candidates(arms: Arms, too_near: TooNear) -> Pairs:
    """All pairs that cost less than that both end, with foreground at a few points of the gap between them."""
    if len(arms.end) < 2:
        return Pairs(np.zeros(0, int), np.zeros(0, int), np.zeros(0))
    first, second = _facing(arms)
    pairs = Pairs(first, second, pair_cost(arms, first, second))
    pairs = pairs.take(pairs.cost < arms.cost[first] + arms.cost[second])
    # Across most gaps of a network there is a hole, which a few points find.
    coarse = np.hypot(*(arms.at[pairs.second] - arms.at[pairs.first]).T) / 4
    return pairs.take(_inside(arms, pairs, too_near, coarse))


def _facing(arms: Arms) -> tuple[np.ndarray, np.ndarray]:
    """Pairs of arms of two branches within reach of each other that point apart."""
    reach = REACH * np.maximum(arms.radius, arms.width)
    found = cKDTree(arms.at).query_ball_point(arms.at, reach, return_sorted=False)
    first = np.repeat(np.arange(len(found)), [len(one) for one in found])
    second = np.concatenate(found).astype(int)
    # Of two that find each other, the pair is kept where it is found with the longer reach.
    longer = (reach[first] > reach[second]) | ((reach[first] == reach[second]) & (first < second))
    first, second = (one[longer & (arms.end[first] >> 1 != arms.end[second] >> 1)] for one in (first, second))
    opposite = _dot(arms.direction[first], arms.direction[second]) < 0
    return first[opposite], second[opposite]


def pair_cost(arms: Arms, first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Turning (rad) from one arm into the gap and from the gap into the other, with penalties for width and gap."""
    width = np.minimum(arms.width[first], arms.width[second])
    across = arms.at[second] - arms.at[first]
    # A gap shorter than a width has no direction of its own: half a width of both arms is taken in.
    gap = across + 0.5 * width[:, None] * (arms.direction[second] - arms.direction[first])
    gap /= np.maximum(np.hypot(*gap.T), 1e-9)[:, None]
    into = np.arccos(np.clip(-_dot(arms.direction[first], gap), -1, 1))
    out = np.arccos(np.clip(_dot(arms.direction[second], gap), -1, 1))
    unlike = np.abs(np.log(arms.width[first] / arms.width[second]))
    return into + out + WIDTH_WEIGHT * unlike + GAP_WEIGHT * np.hypot(*across.T) / width


def _dot(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    # Three times as fast as a sum over an axis of two.
    return a[:, 0] * b[:, 0] + a[:, 1] * b[:, 1]


def _inside(arms: Arms, pairs: Pairs, too_near: TooNear, spacing: np.ndarray) -> np.ndarray:
    """Whether the gap of every pair is foreground, straight across or else along the bend of its arms.

    Points `spacing` (px) apart, or as needed, keep away from the outline. The bend of long thin gaps is not known as
    well as their chord, and a straight wire's is the chord.
    """
    least = CLEARANCE / 2 * np.minimum(arms.width[pairs.first], arms.width[pairs.second])
    spacing = np.maximum(spacing, 1.5 * least)
    inside = np.zeros(len(least), bool)
    for bent in (False, True):
        left = np.flatnonzero(~inside)
        points, pair = along_gaps(arms, pairs.take(left), spacing[left], bent)
        inside[left] = np.bincount(pair[too_near(points, least[left][pair])], minlength=len(left)) == 0
    return inside


def along_gaps(arms: Arms, pairs: Pairs, spacing: np.ndarray, bent: bool) -> tuple[np.ndarray, np.ndarray]:
    """Points (n, 2) px across the gap of every pair, about `spacing` (m,) apart, and the pair of each.

    On a straight line, or `bent`: on the cubic that leaves and enters the arms in their directions (Hermite).
    """
    start, across = arms.at[pairs.first], arms.at[pairs.second] - arms.at[pairs.first]
    length = np.hypot(*across.T)
    n = np.ceil(length / np.maximum(spacing, 0.5)).astype(int) + 1
    t = (spread(np.zeros(len(n), int), n)[0] / np.repeat(np.maximum(n - 1, 1), n))[:, None]
    pair = np.repeat(np.arange(len(n)), n)
    straight = start[pair] + t * across[pair]
    if not bent:
        return straight, pair
    out, into = (sign * length[:, None] * arms.direction[k] for sign, k in ((-1, pairs.first), (1, pairs.second)))
    return straight + t * (1 - t) * ((1 - t) * out[pair] - t * into[pair] + (2 * t - 1) * across[pair]), pair


def match(arms: Arms, pairs: Pairs, too_near: TooNear) -> Pairs:
    """The pairs of least total cost with foreground all along their gaps, arms that end counted with what that costs.

    Gaps are looked at only where the best solution so far has a pair: what it drops for a hole, no better one has.
    """
    seen = np.zeros(len(pairs.first), bool)
    while True:
        wanted = _assigned(arms, pairs)
        unseen = wanted[~seen[wanted]]
        seen[unseen] = True
        kept = np.ones(len(seen), bool)
        kept[unseen] = _inside(arms, pairs.take(unseen), too_near, np.zeros(len(unseen)))
        if kept.all():
            return pairs.take(_without_circles(arms, pairs, wanted))
        pairs, seen = pairs.take(kept), seen[kept]


def _assigned(arms: Arms, pairs: Pairs) -> np.ndarray:
    """Indices of the pairs in the assignment of least cost of every arm to its continuation or to itself (it ends)."""
    if not len(pairs.first):
        return np.zeros(0, int)
    k = len(arms.end)
    row = np.concatenate([pairs.first, pairs.second, np.arange(k)])
    column = np.concatenate([pairs.second, pairs.first, np.arange(k)])
    # Whole numbers, whose sums are exact: of others, the solver (scipy 1.16) has gone round in a circle for ever where
    # two ways cost the same but for a rounding. A 0 would be no entry.
    cost = np.rint(np.concatenate([pairs.cost, pairs.cost, 2 * arms.cost]) / COST_STEP) + 1
    onward = min_weight_full_bipartite_matching(coo_array((cost, (row, column)), shape=(k, k)).tocsr())[1]
    return np.flatnonzero((onward[pairs.first] == pairs.second) | (onward[pairs.second] == pairs.first))


def _without_circles(arms: Arms, pairs: Pairs, wanted: np.ndarray) -> np.ndarray:
    """Those of the `wanted` pairs that give every arm one partner: a circle is broken up, its cheapest pairs first."""
    taken = np.zeros(len(arms.end), bool)
    chosen = []
    for pair in wanted[np.argsort(pairs.cost[wanted], kind="stable")].tolist():
        a, b = pairs.first[pair], pairs.second[pair]
        if not (taken[a] or taken[b]):
            taken[a] = taken[b] = True
            chosen.append(pair)
    return np.array(chosen, int)
