"""At what scale a texture is looked at: a whole field reduced, or windows of it where that would blur what it holds."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass

import cv2
import numpy as np

# Longer side, px, to which a field is reduced; of windows where it would be too coarse.
REDUCED = 384
WINDOWS = 4
# Shorter side, px, that shows a texture as a whole however large all in it is.
COARSE = 128


@dataclass(frozen=True, eq=False)
class Scaled:
    """Material as area fractions (float32 (H, W)) on square pixels of side `size`, in sides of recorded ones."""

    fractions: np.ndarray
    size: float


def reduced(mask: np.ndarray, per_px: tuple[float, float] = (1.0, 1.0)) -> Scaled:
    """All of a mask (uint8 0/1), whose pixels are `per_px` wide and high, longer side at most REDUCED."""
    return _scaled(mask, per_px, max(min(per_px), max(_extent(mask, per_px)) / REDUCED))


def resolved(
    mask: np.ndarray, per_px: tuple[float, float], whole: Scaled, phase: int, size: float
) -> tuple[Scaled, ...]:
    """Parts of a mask on square pixels of at most `size`, as far as it has any so small, to look at one of its phases.

    That is `whole` (as from `reduced`) where its pixels are small enough; else WINDOWS windows of at most REDUCED px.
    Of all places for one, side by side, each is taken with a chance in proportion to what it holds of the phase (0 or
    1), some perhaps twice: a mean over windows of what they show of a pixel of the phase is that of the field
    (systematic sampling with probability proportional to size, Madow 1949).
    """
    size = max(min(per_px), size)
    if not whole.size > size:
        return (whole,)
    columns, rows = (_places(side, px, size) for side, px in zip(mask.shape[::-1], per_px, strict=True))
    held = cv2.resize(whole.fractions, (len(columns), len(rows)), interpolation=cv2.INTER_AREA).ravel()
    held = np.cumsum(held if phase else 1 - held, dtype=float)
    taken = np.searchsorted(held, (np.arange(WINDOWS) + 0.5) / WINDOWS * held[-1])
    places = [(rows[k // len(columns)], columns[k % len(columns)]) for k in taken.tolist()]
    return tuple(_scaled(np.ascontiguousarray(mask[place]), per_px, size) for place in places)


def coarsened(fine: Scaled, size: float) -> Scaled:
    """The same on pixels of at most `size`, made of whole ones of `fine`, COARSE at least along its shorter side."""
    factor = min(int(size / fine.size), min(fine.fractions.shape) // COARSE)
    if factor < 2:
        return fine
    height, width = (round(side / factor) for side in fine.fractions.shape)
    return Scaled(cv2.resize(fine.fractions, (width, height), interpolation=cv2.INTER_AREA), fine.size * factor)


def _places(side: int, per_px: float, size: float) -> list[slice]:
    """A side of the field cut into equal stretches of at most REDUCED px of that size."""
    bounds = np.linspace(0, side, math.ceil(side * per_px / (REDUCED * size)) + 1).astype(int).tolist()
    return [slice(*pair) for pair in itertools.pairwise(bounds)]


def _extent(mask: np.ndarray, per_px: tuple[float, float]) -> tuple[float, float]:
    return mask.shape[1] * per_px[0], mask.shape[0] * per_px[1]


def _scaled(mask: np.ndarray, per_px: tuple[float, float], size: float) -> Scaled:
    if size == 1.0 and per_px == (1.0, 1.0):
        return Scaled(mask.astype(np.float32), 1.0)
    width, height = (max(1, round(side / size)) for side in _extent(mask, per_px))
    fractions = cv2.resize(mask * np.uint8(255), (width, height), interpolation=cv2.INTER_AREA)
    return Scaled(fractions.astype(np.float32) / 255, size)
