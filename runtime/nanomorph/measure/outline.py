"""The outline of one domain at sub-pixel accuracy: polygon, perimeter, Feret diameters.

A traced outline runs through the centres of the boundary pixels. Smoothing it along its course takes the
staircase out; moving it outwards by the mean distance between such centres and the true edge makes it the
edge. That distance is 0.5 max(|nx|, |ny|) px for an edge with normal n: the outermost pixel of every column
(or row) lies 0 to 1 px inside, measured along the column.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice

import cv2
import numpy as np
from scipy.ndimage import gaussian_filter1d

from nanomorph.measure.ragged import Ragged, norms, rows_of, spread

SMOOTHING = (1.5, 3.0)  # least and greatest standard deviation along the outline, px
SMOOTHING_RADII = 0.12  # between them it is this share of the domain's inscribed radius
_SMALL = 100  # outlines of fewer pixels are traced on a finer grid
_FINER = 4


@dataclass(frozen=True, eq=False)
class Outline:
    """The edge of one domain, polygons of float64 (n, 2), x and y in px of the crop.

    outer, holes: closed and smoothed, `outer` largest first. corners: convex hull of the outer ones when smoothed
    least, so that corners keep their reach.
    """

    outer: tuple[np.ndarray, ...]
    holes: tuple[np.ndarray, ...]
    corners: np.ndarray

    @property
    def points(self) -> np.ndarray:
        """All vertices, (n, 2); they lie at most 1.5 px apart."""
        return np.concatenate(self.outer + self.holes)


def trace(crop: np.ndarray, inscribed_radius: float) -> Outline:
    """Outline of the pixels of `crop` (bool or 0/1 uint8 (H, W), not empty); pixel centres are whole numbers.

    The larger the inscribed radius (px), the more is smoothed: a thick domain can spare the detail, and the
    long steps of a nearly horizontal edge need it.
    """
    return trace_all([crop], [inscribed_radius])[0]


def trace_all(crops: Sequence[np.ndarray], inscribed_radii: Sequence[float]) -> list[Outline]:
    """The outlines of many domains (see `trace`), smoothed together: a network has thousands of holes."""
    domains = [_follow(np.ascontiguousarray(crop, dtype=np.uint8)) for crop in crops]
    smoothing = [float(np.clip(SMOOTHING_RADII * radius, *SMOOTHING)) for radius in inscribed_radii]
    rings = [(ring, d.finer) for d in domains for ring in d.outer + d.holes]
    edges = iter(_to_edges(rings, [s for d, s in zip(domains, smoothing, strict=True) for _ in d.outer + d.holes]))
    smooth = [(list(islice(edges, len(d.outer))), list(islice(edges, len(d.holes)))) for d in domains]
    corners = iter(_to_edges([(ring, d.finer) for d in domains for ring in d.outer], SMOOTHING[0]))
    sharp = [list(islice(corners, len(d.outer))) for d in domains]
    return [
        Outline(tuple(sorted(outer, key=lambda p: -abs(enclosed_area(p)))), tuple(holes), convex_hull(np.vstack(cs)))
        for (outer, holes), cs in zip(smooth, sharp, strict=True)
    ]


@dataclass(frozen=True, eq=False)
class _Followed:
    """Boundary pixels of one domain, a ring (n, 2) each, on a grid `finer` times that of the crop."""

    outer: list[np.ndarray]
    holes: list[np.ndarray]
    finer: int


def _follow(binary: np.ndarray) -> _Followed:
    finer = 1 if np.count_nonzero(binary) >= _SMALL else _FINER
    if finer > 1:
        binary = np.kron(binary, np.ones((finer, finer), np.uint8))
    found, levels = cv2.findContours(binary, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE)
    is_hole = np.asarray(levels).reshape(-1, 4)[:, 3] >= 0
    rings = [ring.reshape(-1, 2) for ring in found]
    outer = [ring for ring, hole in zip(rings, is_hole, strict=True) if not hole]
    return _Followed(outer, [ring for ring, hole in zip(rings, is_hole, strict=True) if hole], finer)


def _to_edges(rings: Sequence[tuple[np.ndarray, int]], sigma: float | Sequence[float]) -> list[np.ndarray]:
    """From rings of boundary pixels (and their grids) to the edges they lie at, in px of the recorded crop.

    sigma: of the smoothing in px, one for all or one a ring.
    """
    if not rings:
        return []
    pixels = Ragged.of([ring for ring, _ in rings])
    pixels = pixels.with_values(pixels.values.astype(float))
    finer = np.array([finer for _, finer in rings], float)
    # Rings of up to three pixels are too short to have a direction: their edge is their box.
    edges = _offset(_smooth(pixels, np.minimum(sigma * finer, pixels.lengths / 20)))
    scaled = (edges.values + 0.5) / finer[edges.owner][:, None] - 0.5
    edges = edges.with_values(scaled)
    return [edges[k] if n >= 4 else (_box(pixels[k]) + 0.5) / finer[k] - 0.5 for k, n in enumerate(pixels.lengths)]


def _box(centres: np.ndarray) -> np.ndarray:
    low, high = centres.min(axis=0) - 0.5, centres.max(axis=0) + 0.5
    return np.array([low, (low[0], high[1]), high, (high[0], low[1])])


def _smooth(rings: Ragged, sigma: np.ndarray) -> Ragged:
    """Gaussian along closed polygons, applied twice so that a circle of radius >= 3 sigma does not shrink.

    sigma: (m,), of every ring; rings of one sigma are filtered in one call.
    """
    smooth = np.concatenate([_smooth_alike(rings.take(np.flatnonzero(sigma == one)), one) for one in np.unique(sigma)])
    by_sigma = np.argsort(sigma, kind="stable")
    at = np.empty(len(smooth), int)
    at[spread(rings.starts[by_sigma], rings.lengths[by_sigma])[0]] = np.arange(len(smooth))
    return rings.with_values(rows_of(smooth, at))


def _smooth_alike(rings: Ragged, sigma: float) -> np.ndarray:
    # Each ring is continued round itself by the filter's reach (scipy cuts at 4 sigma), twice, as it is applied twice.
    reach = 2 * int(4 * sigma + 0.5)
    within, starts = spread(np.full(len(rings), -reach), rings.lengths + 2 * reach)
    owner = np.repeat(np.arange(len(rings)), rings.lengths + 2 * reach)
    continued = np.ascontiguousarray(rows_of(rings.values, rings.starts[owner] + within % rings.lengths[owner]).T)
    once = gaussian_filter1d(continued, sigma)
    twice = once + gaussian_filter1d(continued - once, sigma)
    return twice.take(spread(starts[:-1] + reach, rings.lengths)[0], axis=1).T


def _offset(rings: Ragged) -> Ragged:
    """Move every vertex outwards (OpenCV traces with the background on one fixed side)."""
    following = rings.next_index()
    before = np.empty_like(following)
    before[following] = np.arange(len(following))
    x, y = (rows_of(rings.values, following) - rows_of(rings.values, before)).T
    reach = 0.5 * np.maximum(np.abs(x), np.abs(y)) / np.maximum(np.hypot(x, y), 1e-9) ** 2
    return rings.with_values(rings.values + np.stack([-y * reach, x * reach], axis=1))


def closed_difference(polygon: np.ndarray) -> np.ndarray:
    """Edges of a closed polygon, (n, 2): from every vertex to the next, from the last to the first."""
    return np.concatenate([polygon[1:], polygon[:1]]) - polygon


def enclosed_area(polygon: np.ndarray) -> float:
    """Signed area of a closed polygon (shoelace formula)."""
    x, y = (polygon - polygon[0]).T
    edges = closed_difference(polygon)
    return 0.5 * float(np.dot(x, edges[:, 1]) - np.dot(y, edges[:, 0]))


def perimeter(polygon: np.ndarray) -> float:
    """Length of a closed polygon."""
    return float(norms(closed_difference(polygon)).sum())


def total_area(polygons: Sequence[np.ndarray]) -> float:
    """Area that many closed polygons enclose together, none inside another."""
    if not polygons:
        return 0.0
    rings = Ragged.of(polygons)
    x, y = rings.values.T
    next_x, next_y = rows_of(rings.values, rings.next_index()).T
    return 0.5 * float(np.abs(rings.total(x * next_y - y * next_x)).sum())


def total_perimeter(polygons: Sequence[np.ndarray]) -> float:
    """Length of many closed polygons together."""
    if not polygons:
        return 0.0
    rings = Ragged.of(polygons)
    return float(norms(rows_of(rings.values, rings.next_index()) - rings.values).sum())


def convex_hull(points: np.ndarray) -> np.ndarray:
    """Vertices of the convex hull, float64 (n, 2), simplified by at most 0.03 px."""
    hull = cv2.convexHull(points.astype(np.float32))
    return cv2.approxPolyDP(hull, 0.03, True).reshape(-1, 2).astype(float)


def feret_max(hull: np.ndarray) -> float:
    """Greatest distance of parallel tangents (ISO 13322-1): that of two vertices of the hull (n, 2)."""
    x, y = hull.T
    return float(np.sqrt(((x[:, None] - x) ** 2 + (y[:, None] - y) ** 2).max()))


def feret_min(hull: np.ndarray) -> float:
    """Smallest distance of parallel tangents (ISO 13322-1): one of them lies along an edge of the hull (n, 2)."""
    edges = closed_difference(hull)
    normals = np.stack([-edges[:, 1], edges[:, 0]], axis=1)
    extents = np.ptp(normals @ hull.T, axis=1) / np.maximum(np.hypot(edges[:, 0], edges[:, 1]), 1e-9)
    return float(extents.min())
