"""The outline of one domain at sub-pixel accuracy: polygon, perimeter, Feret diameters.

A traced outline runs through the centres of the boundary pixels. Smoothing it along its course takes the
staircase out; moving it outwards by the mean distance between such centres and the true edge makes it the
edge. That distance is 0.5 max(|nx|, |ny|) px for an edge with normal n: the outermost pixel of every column
(or row) lies 0 to 1 px inside, measured along the column.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from scipy.ndimage import gaussian_filter1d

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
    binary = np.ascontiguousarray(crop, dtype=np.uint8)
    sigma = float(np.clip(SMOOTHING_RADII * inscribed_radius, *SMOOTHING))
    if np.count_nonzero(binary) >= _SMALL:
        return _trace(binary, sigma, 1)
    return _trace(np.kron(binary, np.ones((_FINER, _FINER), np.uint8)), sigma, _FINER)


def _trace(binary: np.ndarray, sigma: float, finer: int) -> Outline:
    found, levels = cv2.findContours(binary, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE)
    is_hole = np.asarray(levels).reshape(-1, 4)[:, 3] >= 0
    centres = [c.reshape(-1, 2).astype(float) for c in found]
    rings = [c for c, hole in zip(centres, is_hole, strict=True) if not hole]
    outer = sorted((_to_edge(c, sigma, finer) for c in rings), key=lambda p: -abs(enclosed_area(p)))
    holes = [_to_edge(c, sigma, finer) for c, hole in zip(centres, is_hole, strict=True) if hole]
    sharp = outer if sigma == SMOOTHING[0] else [_to_edge(c, SMOOTHING[0], finer) for c in rings]
    return Outline(tuple(outer), tuple(holes), convex_hull(np.concatenate(sharp)))


def _to_edge(centres: np.ndarray, sigma: float, finer: int) -> np.ndarray:
    """From boundary pixel centres to the edge, in px of the recorded crop."""
    if len(centres) < 4:  # a single pixel, or a row of two: too short to have a direction
        low, high = centres.min(axis=0) - 0.5, centres.max(axis=0) + 0.5
        edge = np.array([low, (low[0], high[1]), high, (high[0], low[1])])
    else:
        edge = _offset(_smooth(centres, sigma * finer))
    return (edge + 0.5) / finer - 0.5


def _smooth(closed: np.ndarray, sigma: float) -> np.ndarray:
    """Gaussian along a closed polygon, applied twice so that a circle of radius >= 3 sigma does not shrink."""
    sigma = min(sigma, len(closed) / 20)
    columns = np.ascontiguousarray(closed.T)
    once = gaussian_filter1d(columns, sigma, mode="wrap")
    return (once + gaussian_filter1d(columns - once, sigma, mode="wrap")).T


def _offset(closed: np.ndarray) -> np.ndarray:
    """Move every vertex outwards (OpenCV traces with the background on one fixed side)."""
    around = np.concatenate([closed[-1:], closed, closed[:1]])
    x, y = (around[2:] - around[:-2]).T
    length = np.maximum(np.hypot(x, y), 1e-9)
    reach = 0.5 * np.maximum(np.abs(x), np.abs(y)) / length**2
    return closed + np.stack([-y * reach, x * reach], axis=1)


def closed_difference(polygon: np.ndarray) -> np.ndarray:
    """Edges of a closed polygon, (n, 2): from every vertex to the next, from the last to the first."""
    return np.diff(polygon, axis=0, append=polygon[:1])


def enclosed_area(polygon: np.ndarray) -> float:
    """Signed area of a closed polygon (shoelace formula)."""
    x, y = (polygon - polygon[0]).T
    edges = closed_difference(polygon)
    return 0.5 * float(np.dot(x, edges[:, 1]) - np.dot(y, edges[:, 0]))


def perimeter(polygon: np.ndarray) -> float:
    """Length of a closed polygon."""
    edges = closed_difference(polygon)
    return float(np.hypot(edges[:, 0], edges[:, 1]).sum())


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
