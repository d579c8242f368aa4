"""The arms that leave a crossing: where each is free of it, which way it points, and how wide it is."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from nanomorph.measure.ragged import rows_of
from nanomorph.measure.skeletons.branches import FREE, Branches
from nanomorph.measure.skeletons.skeleton import Skeleton

# A branch between two junctions is an arm where more than so many of its widths lie beyond their inscribed circles.
CLEAR_LENGTH = 0.75
# An arm begins where it is less than so many times as thick as usual, and so many widths on.
THICKER, MARGIN_WIDTHS = 1.15, 0.25
# An arm's direction is taken over so many of its widths, and at least so many steps of the skeleton's grid.
ARM_WIDTHS, ARM_STEPS = 3.0, 10.0
# What it costs, in rad, that an arm ends: two turn into each other for at most twice as much.
END = 0.7


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
    at, direction = _line(rows_of(skeleton.points, branches.order.values), stretch, (far - near) / 4)
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
