"""The density of a bundle: thick in the middle, folded, streaked along its fibrils."""

from __future__ import annotations

import cv2
import numpy as np

from nanomorph_training.synthesis.bundles import Bundle
from nanomorph_training.synthesis.draws import Rng, chance, log_uniform, smooth_profile
from nanomorph_training.synthesis.raster import Footprint
from nanomorph_training.synthesis.shading import rim_coverage


def shade_bundle(rng: Rng, footprint: Footprint, bundle: Bundle) -> np.ndarray:
    """Density float32 (n,): thick in the middle, dark folds, streaks along the fibrils."""
    v = footprint.lateral / np.maximum(footprint.half_width, 1)
    rise = np.clip(footprint.depth / (footprint.half_width * log_uniform(rng, 0.04, 1.0)), 0.0, 1)
    density = 0.15 + np.float32(rng.uniform(0.25, 0.7)) * (1 - (1 - rise) ** 2) ** 0.5
    density += _slow(rng, footprint.arc, v)
    for _ in range(int(rng.choice([0, 1, 1, 2, 3]))):
        density += _fold(rng, footprint.arc, v)
    density *= 1 + _streaks(rng, footprint, bundle.fibril_px) + _fibrils(rng, footprint, bundle.fibril_px)
    return (np.clip(density, 0.05, 1.8) * rim_coverage(footprint.depth)).astype(np.float32)


def _slow(rng: Rng, arc: np.ndarray, v: np.ndarray) -> np.ndarray:
    """Uneven thickness on the scale of the bundle itself."""
    knots = (rng.uniform(0, 0.2) * rng.standard_normal((9, 6))).astype(np.float32)
    map_ = cv2.resize(knots, (60, 90), interpolation=cv2.INTER_CUBIC)
    y = (arc - arc.min()) / max(float(np.ptp(arc)), 1) * 89
    return _sample(map_, ((np.clip(v, -1, 1) + 1) * 29.5).astype(np.float32), y.astype(np.float32))


def _fibrils(rng: Rng, footprint: Footprint, fibril_px: float) -> np.ndarray:
    """Lines one fibril apart, wandering: chains packed side by side."""
    if chance(rng, 0.4):
        return np.zeros(1, np.float32)
    pitch = max(2.5, fibril_px * rng.uniform(0.9, 1.6))
    wander = _stretched(rng, footprint, 4 * pitch, log_uniform(rng, 4, 12))
    phase = 2 * np.pi * footprint.lateral / pitch + rng.uniform(0.5, 3) * wander
    return np.float32(rng.uniform(0.03, 0.3)) * np.cos(phase)


def _fold(rng: Rng, arc: np.ndarray, v: np.ndarray) -> np.ndarray:
    """A sharp line along the bundle with more material on one side of it, thinning out away from the line."""
    stations = np.linspace(float(arc.min()), float(arc.max()) + 1, 60, dtype=np.float32)
    line = rng.uniform(-0.8, 0.8) + rng.uniform(-0.6, 0.6) * np.linspace(-1, 1, 60)
    line = line + 0.12 * smooth_profile(rng, stations, float(np.ptp(stations)) / 4, rounded=True)
    strength = np.clip(1 + 0.5 * smooth_profile(rng, stations, float(np.ptp(stations)) / 3), 0, 2)
    beyond = (v - np.interp(arc, stations, line)) * (1 if chance(rng, 0.5) else -1)
    sharpness, reach = log_uniform(rng, 20, 120), log_uniform(rng, 0.15, 1.5)
    step = 1 / (1 + np.exp(-np.clip(sharpness * beyond, -30, 30))) * np.exp(-np.maximum(beyond, 0) / reach)
    return (rng.uniform(0.15, 0.8) * step * np.interp(arc, stations, strength)).astype(np.float32)


def _streaks(rng: Rng, footprint: Footprint, fibril_px: float) -> np.ndarray:
    """Noise that is long along the axis and narrow across it, of two widths: fibrils and strands of them."""
    fine = _stretched(rng, footprint, float(np.clip(fibril_px * 0.4, 0.8, 3)), log_uniform(rng, 4, 20))
    coarse = _stretched(rng, footprint, float(np.clip(fibril_px * 2, 4, 25)), log_uniform(rng, 4, 20))
    return rng.uniform(0.03, 0.3) * fine + rng.uniform(0.0, 0.2) * coarse


def _stretched(rng: Rng, footprint: Footprint, width: float, stretch: float) -> np.ndarray:
    rows = int(np.ptp(footprint.arc) / (width * stretch)) + 4
    columns = int(np.ptp(footprint.lateral) / width) + 4
    knots = rng.standard_normal((rows, columns), dtype=np.float32)
    x = (footprint.lateral - footprint.lateral.min()) / width + 1
    y = (footprint.arc - footprint.arc.min()) / (width * stretch) + 1
    # Lines of knots would show as cross bands: each column is shifted along the axis by its own amount.
    y += rng.uniform(0, 1, columns).astype(np.float32)[np.minimum(x.astype(np.int32), columns - 1)]
    return _sample(knots, x.astype(np.float32), y.astype(np.float32))


def _sample(knots: np.ndarray, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Bilinear values of `knots` at many places; cv2.remap takes at most 32767 of them a row."""
    n = len(x)
    rows = -(-n // 8192)
    grid_x, grid_y = (np.pad(c, (0, rows * 8192 - n)).reshape(rows, 8192) for c in (x, y))
    return cv2.remap(knots, grid_x, grid_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT).ravel()[:n]
