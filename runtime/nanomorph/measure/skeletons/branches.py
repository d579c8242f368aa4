"""A skeleton taken apart into branches: chains of points between junctions and free tips."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import breadth_first_order

from nanomorph.measure.ragged import Ragged, rows_of
from nanomorph.measure.skeletons.skeleton import Skeleton

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

    @property
    def ends(self) -> np.ndarray:
        """Index (2 m,) of the skeleton's point at the first and last end of every branch, as `node` raveled."""
        return np.stack(
            [self.order.values[self.order.starts[:-1]], self.order.values[self.order.starts[1:] - 1]], 1
        ).ravel()

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
        junction[is_junction] = nodes.components(nodes.edges)[1]
    order = _along(skeleton, ~is_junction)
    steps = Ragged(rows_of(skeleton.points, order.values), order.starts).steps
    return Branches(order, steps, _nodes(skeleton.edges, order, junction), junction)


def _along(skeleton: Skeleton, used: np.ndarray) -> Ragged:
    """The `used` points (bool (n,)) of every chain, in order from one of its ends."""
    edges = skeleton.edges.compress(used[skeleton.edges].all(axis=0), axis=1)
    n, chain = skeleton.components(edges)
    edges, ends = _opened(edges, used, chain, n)
    ends = ends[np.argsort(chain[ends], kind="stable")]
    # All chains end to end are one, which a search from its first point follows.
    next_chain = np.flatnonzero(np.diff(chain[ends]))
    joined = np.concatenate([edges, [ends[next_chain], ends[next_chain + 1]]], axis=1)
    graph = coo_array((np.ones(joined.shape[1]), tuple(joined)), shape=(len(used), len(used)))
    points = breadth_first_order(graph, ends[0], directed=False, return_predecessors=False).astype(int)
    lengths = np.bincount(chain[points], minlength=n)
    return Ragged(points, np.concatenate([[0], np.cumsum(lengths[lengths > 0])]))


def _opened(edges: np.ndarray, used: np.ndarray, chain: np.ndarray, n: int) -> tuple[np.ndarray, np.ndarray]:
    """Edges (2, m) without the first of every ring, and the points at which chains end, ascending.

    chain: which of n each point belongs to.
    """
    degree = np.bincount(edges.ravel(), minlength=len(used))
    has_end = np.bincount(chain[(degree < 2) & used], minlength=n) > 0
    ring = np.flatnonzero(~has_end[chain[edges[0]]])
    cut = ring[np.unique(chain[edges[0, ring]], return_index=True)[1]]
    degree[edges[:, cut]] -= 1
    edges = np.delete(edges, cut, axis=1)
    return edges, np.flatnonzero((degree < 2) & used)


def _nodes(edges: np.ndarray, order: Ragged, junction: np.ndarray) -> np.ndarray:
    """The junctions at the first and last point of every chain, int (m, 2)."""
    inside = junction != FREE
    first, second = edges.compress(inside[edges[0]] != inside[edges[1]], axis=1)
    point = np.where(inside[first], second, first)
    reached = junction[np.where(inside[first], first, second)]
    chain = np.empty(len(junction), int)
    chain[order.values] = order.owner
    is_first = order.values[order.starts[:-1]][chain[point]] == point
    # A chain of one point is both first and last: its second junction is that of its last point.
    again = np.zeros(len(point), bool)
    by_point = np.argsort(point, kind="stable")
    again[by_point[1:]] = np.diff(point[by_point]) == 0
    node = np.full((len(order), 2), FREE)
    node[chain[point], np.where(is_first & ~again, 0, 1)] = reached
    return node
