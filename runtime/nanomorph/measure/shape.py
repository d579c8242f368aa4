"""Scale-free descriptors of a domain's shape: ratios of areas and lengths, and the harmonics of its outline.

All are computed from the smoothed outline (see `outline.trace`) or from one that is smoothed further, by a
share of its own length, so that +-1 px of noise on the boundary changes little.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import cv2
import numpy as np
from scipy.ndimage import gaussian_filter1d

from nanomorph.measure.outline import Outline, closed_difference, enclosed_area, perimeter, total_area

N_SAMPLES = 128  # points, equally spaced along the outline
SMOOTHING_SHARE = 0.015  # standard deviation of the further smoothing, as a share of the outline's length
HARMONICS = (2, 3, 4, 5, 6, 7, 8)
AFFINE_HARMONICS = (3, 4, 5, 6)
CORNER_TURN = math.radians(30)  # turning within CORNER_SHARE of the outline that makes a corner
CORNER_SHARE = 0.06
_TRIPLES = 4 * np.array(list(combinations(range(N_SAMPLES // 4), 3))).T
FLAT_SHARE = 0.3  # less than so much of a circle's turning is flat


@dataclass(frozen=True)
class Moments:
    """Area (px^2), centroid (x, y), the two principal variances (px^2) and the major axis (rad, y down).

    Of a crop resampled to square pixels all in those, but the variances and the axis of the recorded ones.
    """

    area: float
    centroid: tuple[float, float]
    major: float
    minor: float
    angle: float


def moments_of(crop: np.ndarray, per_px: tuple[float, float] = (1.0, 1.0)) -> Moments:
    """Moments of the pixels of `crop` (bool (H, W)), each a unit square (hence the 1/12).

    per_px: sides (x, y) of a pixel, in which variances and axis are to be; area and centroid stay in pixels.
    """
    m = cv2.moments(crop.view(np.uint8), binaryImage=False)
    area, (x, y) = m["m00"], per_px
    xx, yy, xy = (m["mu20"] / area + 1 / 12) * x * x, (m["mu02"] / area + 1 / 12) * y * y, m["mu11"] / area * x * y
    mean, spread = (xx + yy) / 2, math.hypot((xx - yy) / 2, xy)
    return Moments(
        area=area,
        centroid=(m["m10"] / area, m["m01"] / area),
        major=mean + spread,
        minor=max(mean - spread, 1 / 12),
        angle=0.5 * math.atan2(2 * xy, xx - yy),
    )


def proportions(
    outline: Outline,
    hull: np.ndarray,
    moments: Moments,
    feret: tuple[float, float],
    inscribed_radius: float,
    around: Sequence[float],
) -> dict[str, float]:
    """Ratios that compare a domain with a disc, rectangle, triangle or ellipse, formulas: `table`; and with its holes.

    around: the perimeter of each of the outline's outer polygons. filled_ratio: diameter of the circle of its area and
    its holes' / of its area alone.
    """
    holes = total_area(outline.holes)
    filled = sum(abs(enclosed_area(p)) for p in outline.outer)
    enclosing_radius = cv2.minEnclosingCircle(hull.astype(np.float32))[1]
    return {
        "filled_ratio": math.sqrt(1 + holes / moments.area),
        "aspect_ratio": max(feret[0] / max(feret[1], 1.0), 1.0),
        "circularity": _share(4 * math.pi * moments.area, sum(around) ** 2),
        "solidity": _share(moments.area, abs(enclosed_area(hull))),
        "eccentricity": math.sqrt(max(1 - moments.minor / moments.major, 0.0)),
        "roundness": _share(4 * moments.area, math.pi * feret[0] ** 2),
        "convexity": _share(perimeter(hull), around[0]),
        "rectangularity": _share(filled, least_rectangle(hull)),
        "circle_fill": _share(filled, math.pi * enclosing_radius**2),
        "inscribed_ratio": _share(inscribed_radius, enclosing_radius),
    }


def _share(part: float, whole: float) -> float:
    """part / whole, at most 1: what digitisation adds beyond it carries no meaning."""
    return min(part / whole, 1.0) if whole > 0 else 1.0


def least_rectangle(hull: np.ndarray) -> float:
    """Area of the smallest rectangle around a convex polygon; one of its sides lies along an edge."""
    edges = closed_difference(hull)
    along = edges / np.maximum(np.hypot(edges[:, 0], edges[:, 1]), 1e-9)[:, None]
    across = np.stack([-along[:, 1], along[:, 0]], axis=1)
    return float((np.ptp(along @ hull.T, axis=1) * np.ptp(across @ hull.T, axis=1)).min())


def outline_descriptors(outlines: Sequence[Outline], moments: Sequence[Moments]) -> dict[str, np.ndarray]:
    """Descriptors of the course of the (largest outer) outlines, arrays (n,): triangle, ellipse, harmonics, corners."""
    raw = np.stack([_resample(o.outer[0]) for o in outlines]) - np.array([m.centroid for m in moments])[:, None]
    sigma = SMOOTHING_SHARE * N_SAMPLES
    once = gaussian_filter1d(raw, sigma, axis=1, mode="wrap")
    rings = once + gaussian_filter1d(raw - once, sigma, axis=1, mode="wrap")
    triangularity = np.array([_largest_triangle(ring) for ring in raw])
    return {"triangularity": triangularity, **_ellipse(rings, moments), **_harmonics(rings), **_corners(rings)}


def _largest_triangle(ring: np.ndarray) -> float:
    """Area of the largest triangle on an outline / the outline's area, at most 1.

    The best on every fourth point; then each corner in turn moves to the point farthest from the other two.
    """
    x, y = ring.T
    a, b, c = _TRIPLES
    x_a, y_a = x[a], y[a]
    twice = (x[b] - x_a) * (y[c] - y_a) - (x[c] - x_a) * (y[b] - y_a)
    best = np.abs(twice).argmax()
    corners = [int(a[best]), int(b[best]), int(c[best])]
    area = 0.0
    for k in (0, 1, 2, 0, 1, 2):
        i, j = corners[k - 1], corners[k - 2]
        doubled = np.abs((x[j] - x[i]) * (y - y[i]) - (x - x[i]) * (y[j] - y[i]))
        corners[k] = int(doubled.argmax())
        area = 0.5 * float(doubled[corners[k]])
    return _share(area, abs(enclosed_area(ring)))


def _resample(polygon: np.ndarray) -> np.ndarray:
    """N_SAMPLES points equally spaced along a closed polygon, (N_SAMPLES, 2)."""
    closed = np.concatenate([polygon, polygon[:1]])
    at = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(closed, axis=0).T))])
    where = np.arange(N_SAMPLES) * (at[-1] / N_SAMPLES)
    return np.stack([np.interp(where, at, closed[:, 0]), np.interp(where, at, closed[:, 1])], axis=1)


def _ellipse(rings: np.ndarray, moments: Sequence[Moments]) -> dict[str, np.ndarray]:
    """How far outlines are from the ellipses of the same moments, in these ellipses' own coordinates.

    Along the principal axes, in units of the semi-axes (2 sqrt variance), the ellipse is the unit circle.
    """
    cos, sin = (np.array([f(m.angle) for m in moments])[:, None] for f in (math.cos, math.sin))
    a, b = (2 * np.sqrt([getattr(m, axis) for m in moments])[:, None] for axis in ("major", "minor"))
    x, y = rings[..., 0], rings[..., 1]
    radius = np.hypot((cos * x + sin * y) / a, (cos * y - sin * x) / b)
    spectrum = np.abs(np.fft.rfft(radius, axis=1)) * 2 / N_SAMPLES
    return {
        "ellipse_residual": np.abs(radius - 1).mean(axis=1),
        **{f"affine_harmonic_{k}": spectrum[:, k] for k in AFFINE_HARMONICS},
    }


def _harmonics(rings: np.ndarray) -> dict[str, np.ndarray]:
    """Fourier magnitudes of the centroid distance along the outline, relative to its mean."""
    distance = np.hypot(rings[..., 0], rings[..., 1])
    spectrum = np.abs(np.fft.rfft(distance, axis=1)) * 2
    return {f"radial_harmonic_{k}": spectrum[:, k] / distance.sum(axis=1) for k in HARMONICS}


def _corners(rings: np.ndarray) -> dict[str, np.ndarray]:
    """Where along the outline its direction turns: at corners, or everywhere alike."""
    reach = round(CORNER_SHARE * N_SAMPLES / 2)
    ahead = np.roll(rings, -reach, axis=1) - rings
    behind = rings - np.roll(rings, reach, axis=1)
    cross = behind[..., 0] * ahead[..., 1] - behind[..., 1] * ahead[..., 0]
    turn = np.arctan2(cross, (behind * ahead).sum(axis=2))
    turn = turn * np.where(turn.sum(axis=1) < 0, -1.0, 1.0)[:, None]
    sharpest = np.sort(np.maximum(turn, 0), axis=1)[:, ::-1]
    total = np.maximum(sharpest.sum(axis=1), 1e-9)
    neighbourhood = np.stack([np.roll(turn, k, axis=1) for k in range(-reach, reach + 1)]).max(axis=0)
    peak = (turn >= CORNER_TURN) & (turn >= neighbourhood)
    return {
        "n_corners": np.count_nonzero(peak & ~np.roll(peak, 1, axis=1), axis=1).astype(float),
        "corner_turning": sharpest[:, : N_SAMPLES // 4].sum(axis=1) / total,
        "flat_fraction": np.mean(np.abs(turn) < FLAT_SHARE * 2 * math.pi * reach / N_SAMPLES, axis=1),
        "concave_turning": -np.minimum(turn, 0).sum(axis=1) / (2 * math.pi * reach),
    }
