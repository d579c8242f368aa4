"""Random draws that the parts of a synthetic micrograph share."""

from __future__ import annotations

import cv2
import numpy as np
from scipy.interpolate import CubicSpline

Rng = np.random.Generator


def chance(rng: Rng, probability: float) -> bool:
    """True with the given probability."""
    return bool(rng.random() < probability)


def log_uniform(rng: Rng, low: float, high: float) -> float:
    """One draw, uniform in the logarithm, from low to high (both > 0)."""
    return float(np.exp(rng.uniform(np.log(low), np.log(high))))


def smooth_noise(rng: Rng, shape: tuple[int, int], length_px: float) -> np.ndarray:
    """Gaussian noise float32 (H, W), mean 0, sd about 1, correlated over `length_px`."""
    rows, columns = (max(2, int(np.ceil(side / length_px)) + 2) for side in shape)
    knots = rng.standard_normal((rows, columns), dtype=np.float32)
    noise = cv2.resize(knots, (shape[1], shape[0]), interpolation=cv2.INTER_CUBIC)
    return noise / max(float(noise.std()), 1e-6)


def smooth_profile(rng: Rng, positions: np.ndarray, length: float, rounded: bool = False) -> np.ndarray:
    """Noise along a line, float32 like `positions`, sd about 1, correlated over `length` (same unit).

    Straight between its knots, or `rounded` (slower) where the eye would see the corners.
    """
    span = float(positions[-1] - positions[0])
    knots = np.arange(int(np.ceil(span / length)) + 2) * length + positions[0]
    values = rng.standard_normal(len(knots))
    between = CubicSpline(knots, values)(positions) if rounded else np.interp(positions, knots, values)
    return between.astype(np.float32) * np.float32(1.2)
