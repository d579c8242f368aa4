"""From foreground probability to material: specks and pinholes removed."""

from __future__ import annotations

import math

import numpy as np

from nanomorph.measure.pieces import pieces_of
from nanomorph.measure.separating.rules import DEFAULT, Separation


def cleaned(
    foreground: np.ndarray,
    threshold: float,
    nm_per_px: tuple[float, float] | None = None,
    options: Separation = DEFAULT,
) -> np.ndarray:
    """The material, bool (H, W): where the probability is at least `threshold`, without specks and pinholes.

    nm_per_px: (x, y) where known, for the least diameter in nm.
    """
    return clean(foreground, threshold, least_area(foreground.shape, nm_per_px, options), options.peak)


def clean(foreground: np.ndarray, threshold: float, least: int, peak: float) -> np.ndarray:
    """bool (H, W): foreground by two-level threshold, without pieces and holes of less than `least` px."""
    pieces = pieces_of(foreground >= threshold, 8)
    sure = pieces.greatest(foreground) >= min(threshold + peak * (1 - threshold), 1.0)
    mask = pieces.painted(sure & (pieces.area >= least))
    holes = pieces_of(~mask, 4)
    return mask | holes.painted((holes.area < least) & ~holes.touches_edge)


def least_area(shape: tuple[int, ...], nm_per_px: tuple[float, float] | None, options: Separation) -> int:
    """Least area of a domain or a hole, px."""
    physical = 0.0
    if nm_per_px is not None:
        physical = math.pi / 4 * options.min_diameter_nm**2 / math.prod(nm_per_px)
    return math.ceil(max(options.min_area_px, options.min_field_share * math.prod(shape), physical))
