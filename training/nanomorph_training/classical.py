"""What a user would write without a model: thresholds, gradient and texture features. The baselines of every study."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from skimage.feature import hog, local_binary_pattern
from skimage.filters import gaussian, threshold_otsu
from skimage.transform import resize

# Orientations told apart in the spectrum, and how many of its harmonics are kept.
BINS, HARMONICS = 72, 12
# Blur (sigma in px) before gradients are taken, fine to coarse.
SCALES = (1.0, 2.0, 4.0)
# Radius of local binary patterns in px; eight neighbours a px of radius.
RADII = (1, 2, 3)
OTSU = "Otsu, border decides the sign"
"""Name of `otsu` in tables."""


def otsu(gray: np.ndarray) -> np.ndarray:
    """Bool (H, W): Otsu's threshold, the foreground being the side that is rarer along the border."""
    above = gray > threshold_otsu(gray)
    border = np.concatenate([above[0], above[-1], above[:, 0], above[:, -1]])
    return ~above if border.mean() > 0.5 else above


def gradients(gray: np.ndarray) -> np.ndarray:
    """HOG of the whole frame at 128 px, averaged over its cells, and gray statistics: float (F,)."""
    small = resize(gray.astype(np.float64) / 255, (128, 128), anti_aliasing=True)
    cells = hog(small, orientations=12, pixels_per_cell=(16, 16), cells_per_block=(1, 1), feature_vector=False)
    cells = np.sort(cells.reshape(-1, 12), axis=1)  # sorted: turning a micrograph must not change its features
    return np.concatenate([cells.mean(axis=0), cells.std(axis=0), statistics(small)])


def statistics(gray: np.ndarray) -> np.ndarray:
    """Mean, standard deviation and five percentiles of gray values: float (7,)."""
    return np.array([gray.mean(), gray.std(), *np.percentile(gray, (5, 25, 50, 75, 95))])


def orientation_spectrum(gray: np.ndarray) -> np.ndarray:
    """Harmonics of the histogram of edge directions at three scales: float (39,).

    Edges weigh by their gradient. The magnitude of a harmonic does not change when the micrograph is turned or
    flipped: straight edges in few directions (cubes, rods) give high ones, round outlines give none.
    """
    return np.concatenate([_harmonics(gaussian(gray.astype(np.float64) / 255, sigma)) for sigma in SCALES])


def _harmonics(gray: np.ndarray) -> np.ndarray:
    down, across = np.gradient(gray)
    strength = np.hypot(down, across)
    histogram, _ = np.histogram(np.arctan2(down, across), BINS, (-np.pi, np.pi), weights=strength)
    magnitudes = np.abs(np.fft.rfft(histogram / max(histogram.sum(), 1e-12)))[1 : HARMONICS + 1]
    return np.append(magnitudes, strength.mean())


def texture(gray: np.ndarray) -> np.ndarray:
    """The spectrum of edge directions, uniform local binary patterns (Ojala et al. 2002) and gray statistics."""
    return np.concatenate([orientation_spectrum(gray), *map(_patterns, [gray] * 3, RADII), statistics(gray / 255)])


def _patterns(gray: np.ndarray, radius: int) -> np.ndarray:
    """Shares of the rotation-invariant uniform patterns: float (8 radius + 2,)."""
    codes = local_binary_pattern(gray, 8 * radius, radius, method="uniform")
    return np.bincount(codes.astype(int).ravel(), minlength=8 * radius + 2) / codes.size


WHOLE_IMAGE: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "HOG": gradients,
    "edge directions": orientation_spectrum,
    "edge directions + LBP + gray": texture,
}
