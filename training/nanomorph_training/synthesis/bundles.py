"""The shape of bundles: laterally packed chains that make one massive, streaked, folded object.

A bundle is described in its own coordinates: s along its axis, and v across it, -1 at the left edge and +1
at the right one. Edges, folds and fibrils are functions of these.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from nanomorph_training.synthesis.chains import Chain, arc_lengths, chain, worm_like_axis
from nanomorph_training.synthesis.draws import Rng, chance, log_uniform, smooth_profile
from nanomorph_training.synthesis.raster import RIM_PX, Footprint


@dataclass(frozen=True, eq=False)
class Bundle:
    """A bundle before it is drawn.

    axis: float32 (N, 2) px. left, right: float32 (M,), distance of the edges from the axis in px, at every
    px of arc length. ends: float32 (2, 64), px by which the first and the last end are cut short, from the
    left to the right edge. fibril_px: width of its wires. persistence_px: of the axis.
    """

    axis: np.ndarray
    left: np.ndarray
    right: np.ndarray
    ends: np.ndarray
    fibril_px: float
    persistence_px: float
    taper: float = 0.0

    @property
    def half_width(self) -> np.ndarray:
        """Half the distance of the edges in px, float32 (N,), at the axis' points."""
        at = np.clip(np.rint(arc_lengths(self.axis)).astype(int), 0, len(self.left) - 1)
        return (self.left[at] + self.right[at]) / 2


def draw_bundles(rng: Rng, shape: tuple[int, int], fibril_px: float) -> tuple[list[Bundle], list[Chain]]:
    """One bundle, sometimes two, that fill 15 to 70 % of the field, and a few fibrils that stray from it."""
    count = 2 if chance(rng, 0.2) else 1
    width = min(shape) * log_uniform(rng, 0.2, 0.62) / (1 if count == 1 else 1.4)
    bundles = [_draw_bundle(rng, shape, width, fibril_px) for _ in range(count)]
    strays = [stray for bundle in bundles for stray in _strays(rng, bundle)] if chance(rng, 0.5) else []
    return bundles, strays


def _draw_bundle(rng: Rng, shape: tuple[int, int], width: float, fibril_px: float) -> Bundle:
    size = min(shape)
    length = 2.6 * size if chance(rng, 0.75) else size * rng.uniform(0.8, 1.3)
    middle = (shape[1] * rng.uniform(0.3, 0.7), shape[0] * rng.uniform(0.3, 0.7))
    stiffness = size * log_uniform(rng, 3, 40)
    axis = worm_like_axis(rng, middle, rng.uniform(0, 2 * np.pi), length, stiffness, step=size / 40)
    axis = cv2.GaussianBlur(axis, (1, 0), 3.0, borderType=cv2.BORDER_REPLICATE) if len(axis) > 8 else axis
    stations = np.arange(int(arc_lengths(axis)[-1]) + 2, dtype=np.float32)
    flare = 1 + rng.uniform(-0.9, 0.9) * (stations / stations[-1] - 0.5) if chance(rng, 0.6) else 1.0
    ragged = fibril_px * rng.uniform(0, 0.35)
    sides = [width / 2 * flare * _edge(rng, stations, size, ragged / width) for _ in range(2)]
    left, right = (np.maximum(side, 0.07 * size).astype(np.float32) for side in sides)
    ends = np.stack([np.abs(smooth_profile(rng, np.arange(64.0), rng.uniform(2, 20))) for _ in range(2)])
    ends = (ends * rng.uniform(0, 0.25) * width).astype(np.float32)
    return Bundle(axis, left, right, ends, fibril_px, stiffness)


def _edge(rng: Rng, stations: np.ndarray, size: int, ragged: float) -> np.ndarray:
    """Width of one side relative to its mean: slow waves, bulges, and raggedness of single fibrils."""
    waves = smooth_profile(rng, stations, size * log_uniform(rng, 0.12, 0.8), rounded=True)
    waves = np.clip(rng.uniform(0.0, 0.3) * waves, -0.6, 0.9)
    return 1 + waves + ragged * smooth_profile(rng, stations, log_uniform(rng, 5, 30))


def _strays(rng: Rng, bundle: Bundle) -> list[Chain]:
    """Single fibrils that peel off an edge at a small angle."""
    strays = []
    for _ in range(int(rng.integers(1, 9))):
        at = int(rng.integers(1, len(bundle.axis) - 1))
        tangent = bundle.axis[at + 1] - bundle.axis[at - 1]
        side = int(rng.choice([-1, 1]))
        normal = side * np.array([-tangent[1], tangent[0]]) / np.hypot(*tangent)
        edge = bundle.axis[at] + normal * bundle.half_width[at]
        direction = float(np.arctan2(tangent[1], tangent[0])) + side * rng.uniform(0.05, 0.5)
        length = log_uniform(rng, 10, 60) * bundle.fibril_px
        width = float(np.clip(bundle.fibril_px, 2.5, 12))
        strays.append(chain(rng, tuple(edge), direction, length, width, 3 * length, 0.15))
    return strays


def bundle_footprint(bundle: Bundle, shape: tuple[int, int]) -> Footprint:
    """Pixels of a bundle. `lateral` is v * half_width, measured from the line midway between its edges."""
    s, t = _coordinates(bundle, shape)
    at = np.clip(np.rint(s), 0, len(bundle.left) - 1).astype(np.int32)
    left, right = bundle.left[at], bundle.right[at]
    lateral, half = t - (right - left) / 2, (right + left) / 2
    place = np.clip((lateral / half + 1) * 31.5, 0, 63).astype(np.int32)
    length = np.float32(arc_lengths(bundle.axis)[-1])
    to_end = np.minimum(s - bundle.ends[0][place], length - s - bundle.ends[1][place])
    depth = np.minimum(half - np.abs(lateral), to_end)
    pixels = np.flatnonzero(depth > -RIM_PX)
    flat = (lateral.ravel()[pixels], s.ravel()[pixels], half.ravel()[pixels])
    lateral_in = np.copysign(np.maximum(np.abs(flat[0]), flat[2] - depth.ravel()[pixels]), flat[0])
    return Footprint(pixels, depth.ravel()[pixels] >= 0, lateral_in, flat[1], flat[2])


def _coordinates(bundle: Bundle, shape: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    """s and t float32 (H, W) in px: place along the axis (also beyond its ends), signed distance from it."""
    # They vary slowly: worked out on every 4th or 8th pixel and interpolated.
    coarse = 4 if min(shape) < 400 else 8
    rows, columns = (-(-side // coarse) for side in shape)
    offset = (coarse - 1) / 2
    x = (np.arange(columns, dtype=np.float32) * coarse + offset)[None, :, None]
    y = (np.arange(rows, dtype=np.float32) * coarse + offset)[:, None, None]
    a, span = bundle.axis[:-1], np.diff(bundle.axis, axis=0)
    length = np.hypot(*span.T)
    dx, dy = x - a[:, 0], y - a[:, 1]
    along = (dx * span[:, 0] + dy * span[:, 1]) / length
    low, high = np.zeros_like(length), length.copy()
    low[0], high[-1] = -np.inf, np.inf
    clipped = np.clip(along, low, high)
    across = (span[:, 0] * dy - span[:, 1] * dx) / length
    squared = (along - clipped) ** 2 + across**2
    nearest = squared.argmin(axis=2)[..., None]
    s = np.take_along_axis(clipped + arc_lengths(bundle.axis)[:-1], nearest, axis=2)[..., 0]
    t = np.take_along_axis(np.copysign(np.sqrt(squared), across), nearest, axis=2)[..., 0]
    return _enlarge(s, coarse, shape), _enlarge(t, coarse, shape)


def _enlarge(coarse_map: np.ndarray, factor: int, shape: tuple[int, int]) -> np.ndarray:
    rows, columns = coarse_map.shape
    full = cv2.resize(coarse_map, (columns * factor, rows * factor), interpolation=cv2.INTER_LINEAR)
    return full[: shape[0], : shape[1]]
