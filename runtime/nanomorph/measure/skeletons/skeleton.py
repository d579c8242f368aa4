"""Skeletons of domains as one graph: smoothed, longest paths.

The skeletons of all domains of a field are held in one graph of many components, so that each step is a few
array operations however many domains there are.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.ndimage import uniform_filter1d
from scipy.sparse import coo_array, csr_array
from scipy.sparse.csgraph import connected_components, dijkstra

from nanomorph.measure.ragged import greatest, norms, rows_of
from nanomorph.measure.skeletons.thinning import coarser, neighbours
from nanomorph.measure.skeletons.zhang_suen import skeletons

SMOOTHING_POINTS = 9  # moving average along a path, see reference/measures.md


@dataclass(frozen=True, eq=False)
class Skeleton:
    """Graph of skeleton pixels.

    points: float64 (n, 2), x and y in px. edges: int (2, m), the first and the second point of each.
    domain: int (n,), the domain of every point. step: float64 (n,), px between neighbours on its grid.
    """

    points: np.ndarray
    edges: np.ndarray
    domain: np.ndarray
    step: np.ndarray

    @cached_property
    def degree(self) -> np.ndarray:
        """Neighbours of every point, int (n,): 1 at an end, 2 along a branch, 3 and more at a branching."""
        return np.bincount(self.edges.ravel(), minlength=len(self.points))

    def edge_vectors(self) -> np.ndarray:
        """From the first to the second point of every edge, (m, 2) px."""
        return rows_of(self.points, self.edges[1]) - rows_of(self.points, self.edges[0])

    def edge_lengths(self) -> np.ndarray:
        """Length of every edge, (m,) px."""
        return norms(self.edge_vectors())

    def components(self, edges: np.ndarray) -> tuple[int, np.ndarray]:
        """How many pieces the points are when only these `edges` (2, k) join them, and the piece of each, int (n,)."""
        n = len(self.points)
        return connected_components(coo_array((np.ones(edges.shape[1]), tuple(edges)), shape=(n, n)), directed=False)

    def matrix(self, weights: np.ndarray | None = None) -> csr_array:
        """Symmetric sparse (n, n) of the edges' weights (default 1)."""
        a, b = self.edges
        weights = np.ones(len(a)) if weights is None else weights
        n = len(self.points)
        both = (np.concatenate([a, b]), np.concatenate([b, a]))
        return coo_array((np.concatenate([weights, weights]), both), shape=(n, n)).tocsr()

    def keep(self, kept: np.ndarray) -> Skeleton:
        """The part of the graph on the points where `kept` (bool (n,)) is true."""
        number = np.cumsum(kept) - 1
        inside = self.edges.compress(kept[self.edges].all(axis=0), axis=1)
        return Skeleton(rows_of(self.points, kept), number[inside], self.domain[kept], self.step[kept])


def thin_all(crops: Sequence[np.ndarray], steps: Sequence[int], offsets: np.ndarray) -> Skeleton:
    """Skeletons of `crops` (bool (H, W)), each thinned `steps` times coarser and moved by its offset (x, y)."""
    found = skeletons([crop if step == 1 else coarser(crop, step) for crop, step in zip(crops, steps, strict=True)])
    step = np.array(steps, float)[found.mask]
    points = (np.stack([found.column, found.row], axis=1) + 0.5) * step[:, None] - 0.5
    return Skeleton(points + rows_of(offsets, found.mask), neighbours(found), found.mask, step)


def longest_paths(skeleton: Skeleton, n_domains: int) -> list[np.ndarray]:
    """Per domain the longest of all shortest paths in its skeleton (two sweeps of Dijkstra): its points, int (k,).

    Where a skeleton has loops this is the longest path that the sweeps find.
    """
    matrix = skeleton.matrix(skeleton.edge_lengths())
    n, component = skeleton.components(skeleton.edges)
    starts = np.unique(component, return_index=True)[1]
    # Symmetric: what is called undirected would look at every edge four times.
    starts = greatest(component, dijkstra(matrix, indices=starts, min_only=True), n)
    distance, previous, _ = dijkstra(matrix, indices=starts, min_only=True, return_predecessors=True)
    ends = greatest(component, distance, n)
    ends = ends[np.argsort(distance[ends], kind="stable")]
    longest = {int(skeleton.domain[end]): int(end) for end in ends}  # of several pieces the longest comes last
    steps = previous.tolist()
    return [np.array(_back(longest[domain], steps)) for domain in range(n_domains)]


def _back(end: int, previous: list[int]) -> list[int]:
    path = []
    while end >= 0:
        path.append(end)
        end = previous[end]
    return path


def smooth_path(path: np.ndarray) -> np.ndarray:
    """Moving average over 9 points of a path (n, 2); the ends stay (it is continued by point reflection)."""
    half = min(SMOOTHING_POINTS // 2, len(path) - 1)
    if half < 1:
        return path
    before, after = 2 * path[0] - path[half:0:-1], 2 * path[-1] - path[-2 : -2 - half : -1]
    padded = np.concatenate([before, path, after])
    return uniform_filter1d(padded, 2 * half + 1, axis=0)[half : half + len(path)]


def smooth_graph(skeleton: Skeleton, rounds: int = 10) -> Skeleton:
    """Every point moved `rounds` times to the mean of itself and its neighbours; ends stay.

    Ten rounds smooth like an average over 9 points (their variances agree).
    """
    neighbours, n = skeleton.matrix(), 1.0 + skeleton.degree
    ends = np.flatnonzero(n <= 2)
    axes = []
    for places in skeleton.points.T:
        for _ in range(rounds):
            moved = (neighbours @ places + places) / n
            moved[ends] = places[ends]
            places = moved
        axes.append(places)
    return Skeleton(np.stack(axes, axis=1), skeleton.edges, skeleton.domain, skeleton.step)
