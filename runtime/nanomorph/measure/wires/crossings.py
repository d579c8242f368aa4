"""Crossings resolved: which branches of a skeleton are one wire.

Where wires cross, branches are disturbed and pieces of skeleton belong to no wire alone. The arms that leave all this
are joined in pairs across it, as far as direction, offset and width continue and the gap is foreground, so that the
whole costs least (see `pairs`). What finds no partner ends there.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.spatial import cKDTree

from nanomorph.measure.ragged import Ragged, rows_of, sorted_by, spread
from nanomorph.measure.skeletons.branches import FREE, Branches
from nanomorph.measure.skeletons.skeleton import Skeleton
from nanomorph.measure.wires.arms import Arms, arms_of, trims
from nanomorph.measure.wires.pairs import Pairs, TooNear, along_gaps, candidates, match


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


def resolve(skeleton: Skeleton, branches: Branches, radius: np.ndarray, too_near: TooNear) -> Wires:
    """The wires of a skeleton. radius: (n_points,), distance of its points to the outline (px)."""
    widths = 2 * _medians(radius[branches.order.values], branches.order)
    trim = trims(branches, radius, widths)
    arms = arms_of(skeleton, branches, trim, widths, radius)
    pairs = match(arms, candidates(arms), too_near)
    partner = np.full(2 * len(branches), FREE)
    partner[arms.end[pairs.first]], partner[arms.end[pairs.second]] = arms.end[pairs.second], arms.end[pairs.first]
    chains, wire = _chains(partner, _bridges(skeleton, branches, arms, pairs, partner, widths))
    outer = np.stack([[c[0] for c in chains], [c[-1] ^ 1 for c in chains]], axis=1).astype(int)
    is_free, degree = branches.node.ravel()[outer] == FREE, skeleton.degree[branches.ends[outer]]
    crossed = partner[outer[:, 1]] == outer[:, 0]  # rings that others cross
    rings = crossed | (is_free & (degree == 2)).all(axis=1)
    paths = _closed(_paths(skeleton, branches, chains, partner, trim), rings)
    domain = skeleton.domain[branches.order.values[branches.order.starts[:-1]]]
    owner = domain[np.array([c[0] >> 1 for c in chains], int)]
    crossings = np.array([len(c) - 1 for c in chains], int) + crossed
    return Wires(paths, owner, is_free & (degree < 2), wire, crossings)


def _medians(values: np.ndarray, sequences: Ragged) -> np.ndarray:
    """Median of the values of every sequence."""
    ordered = values[sorted_by(sequences.owner, values, len(sequences))]
    first, n = sequences.starts[:-1], sequences.lengths
    return (ordered[first + (n - 1) // 2] + ordered[first + n // 2]) / 2


def _bridges(
    skeleton: Skeleton, branches: Branches, arms: Arms, pairs: Pairs, partner: np.ndarray, widths: np.ndarray
) -> np.ndarray:
    """Branches (m,) inside a crossing: no arms, or joined to nothing and lying where joined arms pass."""
    alone = (branches.node != FREE).all(axis=1) & (partner.reshape(-1, 2) == FREE).all(axis=1)
    is_arm = np.zeros(len(branches), bool)
    is_arm[arms.end >> 1] = True
    middle = skeleton.points[branches.order.values[branches.order.starts[:-1] + branches.order.lengths // 2]]
    width = np.minimum(arms.width[pairs.first], arms.width[pairs.second])
    passed, _ = along_gaps(arms, pairs, width / 2, bent=False)
    inside = np.zeros(len(branches), bool)
    if len(passed) and alone.any():
        inside[alone] = cKDTree(passed).query(middle[alone])[0] <= widths[alone] / 2
    return alone & (inside | ~is_arm)


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
    points = rows_of(skeleton.points, branches.order.values[kept][index[position]])
    sizes = np.add.reduceat(n_kept[branch], np.cumsum([0, *(len(c) for c in chains)])[:-1])
    spacing = skeleton.step[branches.order.values[branches.order.starts[:-1]]][[c[0] >> 1 for c in chains]]
    return evenly(Ragged(points, np.concatenate([[0], np.cumsum(sizes)])), spacing)


def _closed(paths: Ragged, rings: np.ndarray) -> Ragged:
    """Of the paths that are rings, bool (m,), the first point is the last one, too."""
    values = np.insert(paths.values, paths.starts[1:][rings], paths.values[paths.starts[:-1][rings]], axis=0)
    return Ragged(values, paths.starts + np.concatenate([[0], np.cumsum(rings)]))


def evenly(paths: Ragged, spacing: np.ndarray) -> Ragged:
    """Every path (n, 2) resampled at about its `spacing` (m,), first and last point kept."""
    if not len(paths):
        return paths
    total = np.cumsum(paths.steps)
    length = total[paths.starts[1:] - 1] - total[paths.starts[:-1]]
    axis = total + paths.owner  # a gap of one between paths keeps them apart
    n = np.maximum(np.rint(length / spacing).astype(int), 1) + 1
    share = spread(np.zeros(len(n), int), n)[0] / np.repeat(n - 1, n)
    where = np.repeat(total[paths.starts[:-1]] + np.arange(len(n)), n) + share * np.repeat(length, n)
    resampled = np.stack([np.interp(where, axis, column) for column in paths.values.T], axis=1)
    return Ragged(resampled, np.concatenate([[0], np.cumsum(n)]))
