"""Spurs of skeletons: side branches so short that they end about inside the wire they leave."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from nanomorph.measure.skeletons.skeleton import Skeleton

SPUR_RADII = 1.5  # a side branch shorter than so many radii of the wire it leaves is a spur
ROUNDS = 3


def prune(skeleton: Skeleton, radius: np.ndarray) -> tuple[Skeleton, np.ndarray]:
    """Take off side branches shorter than 1.5 radii of the wire they leave (three rounds at most).

    radius: float (n,), distance of every point to the outline. Also returns the points kept, int (k,).
    """
    degree, kept = skeleton.degree.copy(), np.ones(len(radius), bool)
    found = _spurs(skeleton, radius, degree)
    branch, gone = found.branch, np.flatnonzero(found.spur)
    for _ in range(ROUNDS - 1):
        kept[gone] = False
        opened = _take_off(skeleton.edges, degree, kept, gone)
        if not len(opened):
            break
        # Only what a junction that is none any more has made one can be another spur than before.
        at = _beside(skeleton.edges, kept, degree >= 3, branch, opened)
        found = _spurs(skeleton.keep(at), radius[at], degree[at])
        branch[at] = branch.max() + 1 + found.branch
        gone = np.flatnonzero(at)[found.spur]
    kept[gone] = False
    return skeleton.keep(kept), np.flatnonzero(kept)


def _take_off(edges: np.ndarray, degree: np.ndarray, kept: np.ndarray, gone: np.ndarray) -> np.ndarray:
    """Take the points `gone` off the `degree` (n,) of those `kept`; the points that are junctions no longer, int."""
    lost = np.zeros(len(kept), bool)
    lost[gone] = True
    first, second = edges
    lost_by = np.concatenate([first[lost[second] & kept[first]], second[lost[first] & kept[second]]])
    beside = np.unique(lost_by)
    was = degree[beside]
    np.subtract.at(degree, lost_by, 1)
    return beside[(was >= 3) & (degree[beside] < 3)]


def _beside(
    edges: np.ndarray, kept: np.ndarray, junction: np.ndarray, branch: np.ndarray, opened: np.ndarray
) -> np.ndarray:
    """Which of the points kept are on the branches that meet in the points `opened`, or junctions at their ends."""
    first, second = edges.compress(kept[edges].all(axis=0), axis=1)
    meets, joined = np.zeros(len(kept), bool), np.zeros(int(branch.max()) + 1, bool)
    meets[opened] = joined[branch[opened]] = True
    joined[branch[first[meets[second]]]] = True
    joined[branch[second[meets[first]]]] = True
    inside = joined[branch] & kept
    ends = np.concatenate([first[inside[second]], second[inside[first]]])
    inside[ends[junction[ends]]] = True
    return inside


@dataclass(frozen=True, eq=False)
class _Found:
    """spur: bool (n,), the points of side branches that are spurs. branch: int (n,), of every point; a junction has
    one of its own.
    """

    spur: np.ndarray
    branch: np.ndarray


def _spurs(skeleton: Skeleton, radius: np.ndarray, degree: np.ndarray) -> _Found:
    junction = degree >= 3
    lengths = skeleton.edge_lengths()
    first, second = junction[skeleton.edges]
    within, leaving = ~(first | second), first != second
    inner = skeleton.edges.compress(within, axis=1)
    n, branch = skeleton.components(inner)
    a, b = skeleton.edges.compress(leaving, axis=1)
    side, root = np.where(junction[a], b, a), np.where(junction[a], a, b)
    length = np.bincount(branch[inner[0]], lengths[within], minlength=n)
    length = length + np.bincount(branch[side], lengths[leaving], minlength=n)  # of no edge at all counts are whole
    thickest = np.zeros(n)
    np.maximum.at(thickest, branch[side], radius[root])
    has_end = np.zeros(n, bool)
    has_end[branch[degree == 1]] = True
    slack = np.zeros(n)
    np.maximum.at(slack, branch, skeleton.step)
    return _Found((has_end & (length < SPUR_RADII * thickest + slack))[branch] & ~junction, branch)
