"""A skeleton taken apart into branches: chains of points between junctions and free tips."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.sparse.csgraph import connected_components, dijkstra

from nanomorph.measure.ragged import Ragged
from nanomorph.measure.skeleton import Skeleton

FREE = -1


@dataclass(frozen=True, eq=False)
class Branches:
    """order: indices of skeleton points, one sequence a branch, along it. steps: (n,) px from each point to the one
    before it on its branch (0 at the first).

    node: int (m, 2), the junction at a branch's first and last point, FREE at a tip. junction: int (n_points,), the
    junction of every skeleton point, FREE elsewhere.
    """

    order: Ragged
    steps: np.ndarray
    node: np.ndarray
    junction: np.ndarray

    def __len__(self) -> int:
        return len(self.order)

    @cached_property
    def arc(self) -> np.ndarray:
        """Length along the branch at every element of `order`, 0 at its first (px)."""
        total = np.cumsum(self.steps)
        return total - total[self.order.starts[:-1]][self.order.owner]

    @cached_property
    def length(self) -> np.ndarray:
        """Length of every branch (m,), px."""
        return self.arc[self.order.starts[1:] - 1]


def decompose(skeleton: Skeleton) -> Branches:
    """Branches of a skeleton (Skeleton.points in px); a ring without junction is cut open at one point."""
    is_junction = skeleton.degree >= 3
    junction = np.full(len(is_junction), FREE)
    nodes = skeleton.keep(is_junction)
    if len(nodes.points):
        junction[is_junction] = connected_components(nodes.matrix(), directed=False)[1]
    order = _along(_cut_rings(skeleton.edges[~is_junction[skeleton.edges].any(axis=1)], ~is_junction), ~is_junction)
    gaps = np.diff(skeleton.points[order.values], axis=0, prepend=skeleton.points[order.values[:1]])
    steps = np.hypot(*gaps.T)
    steps[order.starts[:-1]] = 0.0
    return Branches(order, steps, _nodes(skeleton.edges, order, junction), junction)


def _cut_rings(edges: np.ndarray, used: np.ndarray) -> np.ndarray:
    """Edges (m, 2) among the `used` points, without one of each ring."""
    skeleton = Skeleton(used[:, None], edges, used, used)
    _, component = connected_components(skeleton.matrix(), directed=False)
    has_end = np.bincount(component[(skeleton.degree < 2) & used], minlength=component.max(initial=0) + 1) > 0
    in_ring = ~has_end[component[edges[:, 0]]]
    _, first = np.unique(component[edges[:, 0]], return_index=True)
    cut = np.zeros(len(edges), bool)
    cut[first] = True
    return edges[~(cut & in_ring)]


def _along(edges: np.ndarray, used: np.ndarray) -> Ragged:
    """The points of every chain, in order from one of its ends."""
    graph = Skeleton(used[:, None], edges, used, used)
    _, chain = connected_components(graph.matrix(), directed=False)
    ends = np.flatnonzero((graph.degree < 2) & used)
    starts = ends[np.unique(chain[ends], return_index=True)[1]]
    far = dijkstra(graph.matrix(), directed=False, indices=starts, min_only=True, unweighted=True)
    points = np.flatnonzero(used)
    points = points[np.lexsort((far[points], chain[points]))]
    begins = np.flatnonzero(np.diff(chain[points], prepend=-1))
    return Ragged(points, np.append(begins, len(points)))


def _nodes(edges: np.ndarray, order: Ragged, junction: np.ndarray) -> np.ndarray:
    """The junctions at the first and last point of every chain, int (m, 2)."""
    inside = junction != FREE
    leaving = edges[inside[edges].sum(axis=1) == 1]
    point = np.where(inside[leaving[:, 0]], leaving[:, 1], leaving[:, 0])
    reached = junction[np.where(inside[leaving[:, 0]], leaving[:, 0], leaving[:, 1])]
    chain = np.empty(len(junction), int)
    chain[order.values] = order.owner
    first = order.values[order.starts[:-1]][chain[point]] == point
    # A chain of one point is both first and last: its second junction is that of its last point.
    again = np.zeros(len(point), bool)
    by_point = np.argsort(point, kind="stable")
    again[by_point[1:]] = np.diff(point[by_point]) == 0
    node = np.full((len(order), 2), FREE)
    node[chain[point], np.where(first & ~again, 0, 1)] = reached
    return node
