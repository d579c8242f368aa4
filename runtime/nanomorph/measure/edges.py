"""All outlines of a field as one set of edges: how far a point is from them, and where a ray meets them."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from scipy.spatial import cKDTree

from nanomorph.host.cores import threads
from nanomorph.measure.outline import Outline
from nanomorph.measure.ragged import Ragged, rows_of

MANY = 10_000  # points for whose nearest vertices it pays to start threads
_MARCH = 24  # steps of a ray towards the outline
# Edges to either side of the nearest vertex that a ray may meet; and of an outline traced on a finer grid, as those of
# small domains are (`outline`): its edges are shorter than so many px on average.
_AROUND, _AROUND_FINE, _FINE = 4, 24, 0.6


class Edges:
    """The outlines of domains, each moved by its offset (x, y) so that none is near another."""

    def __init__(self, outlines: Sequence[Outline], offsets: np.ndarray) -> None:
        rings = Ragged.of([ring for outline in outlines for ring in outline.outer + outline.holes])
        domain = np.repeat(np.arange(len(outlines)), [len(o.outer) + len(o.holes) for o in outlines])
        self.rings = rings.with_values(rings.values + rows_of(offsets, domain[rings.owner]))
        self._edge = self.rings.total(self.rings.steps) / self.rings.lengths
        # Not balanced: built in half the time, and the vertices of outlines are spread evenly enough.
        self.tree = cKDTree(self.rings.values, balanced_tree=False, compact_nodes=False)

    def nearest(self, points: np.ndarray, usual: float = np.inf) -> tuple[np.ndarray, np.ndarray]:
        """Distance (n,) of points (n, 2) to the nearest vertex, and its index (n,); vertices lie 1.5 px apart.

        A search that need not look beyond `usual` (px) takes three quarters of the time. Where it finds nothing it is
        repeated without that limit.
        """
        distance, index = self.tree.query(points, distance_upper_bound=usual, workers=_threads(points))
        beyond = np.flatnonzero(np.isinf(distance))
        if len(beyond):
            distance[beyond], index[beyond] = self.tree.query(points[beyond], workers=_threads(beyond))
        return distance, index

    def nearer(self, points: np.ndarray, limit: np.ndarray) -> np.ndarray:
        """Which of the points (n, 2) are nearer to a vertex than their limit (n,) px."""
        most = float(limit.max(initial=0.0))
        return np.asarray(self.tree.query(points, distance_upper_bound=most, workers=_threads(points))[0] < limit)

    def rays(self, origins: np.ndarray, directions: np.ndarray, reach: np.ndarray) -> np.ndarray:
        """How far (n,) rays from inside (n, 2) go along unit vectors (n, 2) until they meet an outline.

        Each goes on by its distance to the outline until it is close, and is then cut with the edges nearby. In a thin
        wire that is beside it, at once: one that meets none of them is cut with all that it can reach; it ends where
        it came close if it meets none of these. None goes farther than `reach` (n,) px.
        """
        far = np.zeros(len(origins))
        for _ in range(_MARCH):
            step = self.nearest(origins + far[:, None] * directions)[0] - 1.0
            if not (step > 0.5).any():
                break
            far += np.maximum(step, 0.0)
        left, vertex = self.nearest(origins + far[:, None] * directions)
        met, fine = np.empty(len(origins)), self._edge[self.rings.owner[vertex]] < _FINE
        for which, around in ((fine, _AROUND_FINE), (~fine, _AROUND)):
            met[which] = self._cut(origins[which], directions[which], vertex[which], around)
        missed = np.flatnonzero(np.isinf(met))
        if len(missed):
            edges = math.ceil((reach[missed] / self._edge[self.rings.owner[vertex[missed]]]).max())
            met[missed] = self._cut(origins[missed], directions[missed], vertex[missed], edges)
        return np.minimum(np.where(np.isfinite(met), met, far + left), reach)

    def _cut(self, origins: np.ndarray, directions: np.ndarray, vertex: np.ndarray, edges: int) -> np.ndarray:
        """Distance (n,) at which rays cross one of the `edges` on either side of vertices, infinite where none."""
        ring = self.rings.owner[vertex]
        start, n = self.rings.starts[ring], self.rings.lengths[ring]
        around = np.arange(-edges, edges + 2)
        at = start[:, None] + (vertex[:, None] - start[:, None] + around) % n[:, None]
        corners = rows_of(self.rings.values, at)
        relative = corners - origins[:, None]
        along = (relative * directions[:, None]).sum(axis=2)
        across = relative[..., 1] * directions[:, None, 0] - relative[..., 0] * directions[:, None, 1]
        crossed = (across[:, 1:] < 0) != (across[:, :-1] < 0)
        share = across[:, :-1] / np.where(crossed, across[:, :-1] - across[:, 1:], 1.0)
        hit = np.where(crossed, along[:, :-1] + share * (along[:, 1:] - along[:, :-1]), np.inf)
        return np.where(hit > 0, hit, np.inf).min(axis=1)


def _threads(points: np.ndarray) -> int:
    return threads() if len(points) >= MANY else 1
