"""The arms that leave a crossing: where each is free of it, which way it points, how well two go on in each other."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from nanomorph.measure.branches import FREE, Branches

# An arm's direction is taken over so many of its widths, beyond its junction's inscribed circle.
ARM_WIDTHS, ARM_LEAST_PX = 2.0, 8.0
# A pair of arms costs so many rad per e-fold of width, on top of its turning.
WIDTH_WEIGHT = 0.5


@dataclass(frozen=True, eq=False)
class Arms:
    """Branch ends that leave a crossing. end: int (k,), 2 x branch + side. node: int (k,), their crossing.

    at, direction: float (k, 2), where the arm is free of the crossing and the unit vector on from there. width: px.
    """

    end: np.ndarray
    node: np.ndarray
    at: np.ndarray
    direction: np.ndarray
    width: np.ndarray


def largest_radius(branches: Branches, node: np.ndarray, radius: np.ndarray) -> np.ndarray:
    """Greatest inscribed radius at every crossing (n + 1,), the last (FREE) 0: so far from it arms are disturbed."""
    largest = np.zeros(int(node.max(initial=FREE)) + 2)
    crossing_of = np.full(int(branches.junction.max(initial=FREE)) + 1, FREE)
    at_end = branches.node != FREE
    crossing_of[branches.node[at_end]] = node[at_end]
    at_junction = branches.junction != FREE
    np.maximum.at(largest, crossing_of[branches.junction[at_junction]], radius[at_junction])
    return largest


def arms_of(
    points: np.ndarray,
    branches: Branches,
    node: np.ndarray,
    bridge: np.ndarray,
    radius: np.ndarray,
    widths: np.ndarray,
) -> tuple[Arms, np.ndarray]:
    """The arms of all crossings, and how far (m, 2) px from its ends a branch is disturbed by them."""
    trim = largest_radius(branches, node, radius)[node]
    ends = np.flatnonzero((node != FREE).ravel() & ~np.repeat(bridge, 2))
    branch, side = ends >> 1, ends & 1
    length = branches.length[branch]
    near = np.minimum(trim.ravel()[ends], 0.4 * length)
    far = np.minimum(near + np.maximum(ARM_WIDTHS * widths[branch], ARM_LEAST_PX), length)
    at, on = (points[_at_arc(branches, branch, np.where(side == 0, s, length - s))] for s in (near, far))
    step = on - at
    direction = step / np.maximum(np.hypot(*step.T), 1e-9)[:, None]
    return Arms(ends, node.ravel()[ends], at, direction, widths[branch]), trim


def _at_arc(branches: Branches, branch: np.ndarray, arc: np.ndarray) -> np.ndarray:
    """The skeleton point (index) at a length along each of the given branches."""
    # One increasing axis for all: every branch begins where the one before it ended, plus one.
    begin = np.concatenate([[0.0], np.cumsum(branches.length + 1.0)])[:-1]
    axis = branches.arc + begin[branches.order.owner]
    index = np.searchsorted(axis, begin[branch] + arc - 1e-6)
    return branches.order.values[np.minimum(index, branches.order.starts[branch + 1] - 1)]


def pair_cost(arms: Arms, first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Turning (rad) from one arm into the gap and from the gap into the other, plus a penalty for unlike widths."""
    gap = arms.at[second] - arms.at[first]
    gap /= np.maximum(np.hypot(*gap.T), 1e-9)[:, None]
    into = np.arccos(np.clip((-arms.direction[first] * gap).sum(axis=1), -1, 1))
    out = np.arccos(np.clip((arms.direction[second] * gap).sum(axis=1), -1, 1))
    return into + out + WIDTH_WEIGHT * np.abs(np.log(arms.width[first] / arms.width[second]))
