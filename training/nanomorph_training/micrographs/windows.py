"""Random square windows of cached frames: the one place where position and zoom are drawn (NumPy, CPU)."""

from __future__ import annotations

import cv2
import numpy as np

# A window with less spread than this (gray values of 255) shows nothing: an info bar, a mask, a saturated corner.
FLAT = 4.0
TRIES = 4


def pair(image: np.ndarray, size: int, zoom: float, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Two overlapping windows (size, size) uint8 of one place: centres at most a third of a window apart."""
    for _ in range(TRIES):
        centre = _centre(image.shape, size, rng)
        views = [window(image, size, centre + rng.uniform(-1, 1, size=2) * size / 6, _factor(zoom, rng)) for _ in "12"]
        if min(view.std() for view in views) > FLAT:
            break
    return views[0], views[1]


def single(
    image: np.ndarray, target: np.ndarray, size: int, scales: tuple[float, float], rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """A window of an image and the same window of its target, (size, size) uint8 each, at a scale from `scales`.

    A small scale shows more of the frame; none shows more than the whole of it.
    """
    factor = max(_between(*scales, rng), min(1.0, size / max(image.shape)))
    centre = _centre(image.shape, round(size / factor), rng)
    return window(image, size, centre, factor), window(target, size, centre, factor, cv2.INTER_NEAREST)


def _centre(shape: tuple[int, ...], size: int, rng: np.random.Generator) -> np.ndarray:
    """Even over the places where a window of `size` lies inside."""
    return size / 2 + rng.uniform(0, 1, size=2) * np.maximum(0, np.array(shape) - size)


def _factor(zoom: float, rng: np.random.Generator) -> float:
    """Even in its logarithm between 1 / (1 + zoom) and 1 + zoom."""
    return float(np.exp(rng.uniform(-1, 1) * np.log1p(zoom)))


def _between(low: float, high: float, rng: np.random.Generator) -> float:
    """Even in its logarithm."""
    return float(np.exp(rng.uniform(np.log(low), np.log(high))))


def window(
    image: np.ndarray, size: int, centre: np.ndarray, factor: float = 1.0, interpolation: int = cv2.INTER_LINEAR
) -> np.ndarray:
    """The window (size, size) about `centre` (y, x), moved inside the image; `factor` > 1 enlarges.

    An image smaller than the window is mirrored at its edges.
    """
    side = max(2, round(size / factor))
    starts = [int(np.clip(round(c - side / 2), 0, max(0, n - side))) for c, n in zip(centre, image.shape, strict=True)]
    part = np.asarray(image[starts[0] : starts[0] + side, starts[1] : starts[1] + side])
    missing = [side - n for n in part.shape]
    if any(missing):
        part = np.pad(part, [(0, missing[0]), (0, missing[1])], mode="symmetric")
    if side == size:
        return part
    # Reducing by more than a little averages, so that grain does not alias.
    if interpolation == cv2.INTER_LINEAR and factor < 0.95:
        interpolation = cv2.INTER_AREA
    return cv2.resize(part, (size, size), interpolation=interpolation)
