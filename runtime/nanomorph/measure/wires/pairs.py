"""Which two arms at a crossing go on in each other: as far as direction, offset and width continue over foreground."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import min_weight_full_bipartite_matching
from scipy.spatial import cKDTree

from nanomorph.measure.ragged import norms, rows_of, spread
from nanomorph.measure.wires.arms import Arms

# Two arms are compared across a gap of at most so many widths, or radii of their junctions (wires that cross at 10
# degrees lie on each other for twelve widths), along which the outline stays so many half widths away.
REACH, CLEARANCE = 24.0, 0.3
# A pair of arms costs its turning (rad), plus so many rad per e-fold of width and per width of the gap.
WIDTH_WEIGHT, GAP_WEIGHT = 1.0, 0.01
# Arms are looked for together whose reaches differ by less than so many times.
REACH_STEP = 1.25
# Costs are told apart down to so many rad.
COST_STEP = 2.0**-20

# Which of the points (n, 2) px are nearer to an outline than their limit (n,).
TooNear = Callable[[np.ndarray, np.ndarray], np.ndarray]


@dataclass(frozen=True, eq=False)
class Pairs:
    """Pairs of arms (indices, (n,)) that could be one wire, and what each costs, rad."""

    first: np.ndarray
    second: np.ndarray
    cost: np.ndarray

    def take(self, which: np.ndarray) -> Pairs:
        """The pairs `which` (bool or int)."""
        return Pairs(self.first[which], self.second[which], self.cost[which])


def candidates(arms: Arms) -> Pairs:
    """All pairs that cost less than that both end, whether or not there is foreground between them."""
    if len(arms.end) < 2:
        return Pairs(np.zeros(0, int), np.zeros(0, int), np.zeros(0))
    first, second = _facing(arms)
    pairs = Pairs(first, second, pair_cost(arms, first, second))
    return pairs.take(pairs.cost < arms.cost[first] + arms.cost[second])


def _facing(arms: Arms) -> tuple[np.ndarray, np.ndarray]:
    """Pairs of arms of two branches within reach of each other that point apart."""
    reach = REACH * np.maximum(arms.radius, arms.width)
    first, second = within(arms.at, reach)
    apart = _dot(rows_of(arms.direction, first), rows_of(arms.direction, second)) < 0
    apart &= arms.end[first] >> 1 != arms.end[second] >> 1
    return first[apart], second[apart]


def within(at: np.ndarray, reach: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Pairs (n,) of the points `at` (k, 2) within the `reach` (k,) of either; the first has the longer one.

    Those of similar reach are searched together: scipy knows one reach a search, or lists of Python's numbers.
    """
    n = len(at)
    order = np.argsort(-reach, kind="stable")[::-1]  # of equal ones the later first
    at, reach = at[order], reach[order]
    begins = np.flatnonzero(np.diff(np.floor(np.log(np.maximum(reach, 1.0)) / math.log(REACH_STEP)), prepend=-1.0))
    tree, found = cKDTree(at), []
    for begin, end in zip(begins.tolist(), [*begins[1:].tolist(), n], strict=True):
        near = cKDTree(at[begin:end]).sparse_distance_matrix(tree, reach[end - 1], output_type="ndarray")
        first, second = near["i"] + begin, near["j"]
        wanted = (first > second) & (near["v"] <= reach[first])
        found.append((order[first[wanted]], order[second[wanted]]))
    first, second = (np.concatenate(one) for one in zip(*found, strict=True))
    return first, second


def pair_cost(arms: Arms, first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Turning (rad) from one arm into the gap and from the gap into the other, with penalties for width and gap."""
    width = np.minimum(arms.width[first], arms.width[second])
    across = rows_of(arms.at, second) - rows_of(arms.at, first)
    from_first, from_second = rows_of(arms.direction, first), rows_of(arms.direction, second)
    # A gap shorter than a width has no direction of its own: half a width of both arms is taken in.
    gap = across + 0.5 * width[:, None] * (from_second - from_first)
    gap /= np.maximum(norms(gap), 1e-9)[:, None]
    into = np.arccos(np.clip(-_dot(from_first, gap), -1, 1))
    out = np.arccos(np.clip(_dot(from_second, gap), -1, 1))
    unlike = np.abs(np.log(arms.width[first] / arms.width[second]))
    return into + out + WIDTH_WEIGHT * unlike + GAP_WEIGHT * norms(across) / width


def _dot(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    # Three times as fast as a sum over an axis of two.
    return a[:, 0] * b[:, 0] + a[:, 1] * b[:, 1]


def _inside(arms: Arms, pairs: Pairs, too_near: TooNear) -> np.ndarray:
    """Whether the gap of every pair is foreground, straight across or else along the bend of its arms.

    The bend of long thin gaps is not known as well as their chord, and a straight wire's is the chord.
    """
    least = CLEARANCE / 2 * np.minimum(arms.width[pairs.first], arms.width[pairs.second])
    quarter = norms(rows_of(arms.at, pairs.second) - rows_of(arms.at, pairs.first)) / 4
    inside = np.zeros(len(least), bool)
    for bent in (False, True):
        left = np.flatnonzero(~inside)
        # Across most gaps of a network there is a hole, which a few points find.
        for spacing in (np.maximum(quarter, 1.5 * least), 1.5 * least):
            points, pair = along_gaps(arms, pairs.take(left), spacing[left], bent)
            left = left[np.bincount(pair[too_near(points, least[left][pair])], minlength=len(left)) == 0]
        inside[left] = True
    return inside


def along_gaps(arms: Arms, pairs: Pairs, spacing: np.ndarray, bent: bool) -> tuple[np.ndarray, np.ndarray]:
    """Points (n, 2) px across the gap of every pair, about `spacing` (m,) apart, and the pair of each.

    On a straight line, or `bent`: on the cubic that leaves and enters the arms in their directions (Hermite).
    """
    start = rows_of(arms.at, pairs.first)
    across = rows_of(arms.at, pairs.second) - start
    length = norms(across)
    n = np.ceil(length / np.maximum(spacing, 0.5)).astype(int) + 1
    t = (spread(np.zeros(len(n), int), n)[0] / np.repeat(np.maximum(n - 1, 1), n))[:, None]
    pair = np.repeat(np.arange(len(n)), n)
    across = rows_of(across, pair)
    straight = rows_of(start, pair) + t * across
    if not bent:
        return straight, pair
    out, into = (length[:, None] * rows_of(arms.direction, arm) for arm in (pairs.first, pairs.second))
    out, into = rows_of(-out, pair), rows_of(into, pair)
    return straight + t * (1 - t) * ((1 - t) * out - t * into + (2 * t - 1) * across), pair


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
        kept[unseen] = _inside(arms, pairs.take(unseen), too_near)
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
