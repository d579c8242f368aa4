"""Outlines around bars: whether they count as length nobody can know, so half of them does, and the rest is error."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

# Px that an outline is thick, at most; film is read from there to FAR px beyond a bar.
THICKEST, FAR = 4, 9
# Share of the step from bar to film by which an outline overshoots it, and in gray levels, at the least.
OVERSHOOT, OVERSHOOT_LEVELS = 0.5, 20.0
# Blurred px between a bar and its outline.
BLUR = 2


def outline_thickness(sides: Sequence[np.ndarray], level: float) -> float:
    """Px of the outline around a bright bar of gray `level`, mean of all sides; 0 where it is not all around.

    sides: gray from the bar outwards, beyond both ends, above and below. A box that holds bar and number is no outline:
    its gray goes on where the number stands.
    """
    rims = [_rim(side, level) for side in sides]
    return float(np.mean(rims)) if all(rims) else 0.0


def _rim(outwards: np.ndarray, level: float) -> int:
    """Px of the first FAR that overshoot the film; 0 where none does, or they are no thin rim at the bar."""
    far = outwards[THICKEST + 1 : FAR]
    if not len(far):
        return 0
    film = float(np.median(far))
    overshoot = film - outwards[: THICKEST + 1]
    if overshoot.max() < max(OVERSHOOT * (level - film), OVERSHOOT_LEVELS):
        return 0
    over = overshoot >= overshoot.max() / 2
    return int(over.sum()) if over[:BLUR].any() and not over[THICKEST] else 0
