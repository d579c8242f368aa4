"""Where a drawn bar ends, to a fraction of a px: half-way between its gray and that of the film beyond."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

# Px beyond an end where the film is read; nearer it is blurred.
NEAR, FAR = 2, 9
# Gray levels between bar and film, at the least.
CONTRAST = 20
# A search begins so many px inside.
INSIDE = 3


@dataclass(frozen=True)
class End:
    """at: edge in px (pixel i reaches from i to i + 1); blur: px from 80 % to 20 % of the step from bar to film."""

    at: float
    blur: float


def find_end(profile: np.ndarray, start: int, level: float, contrast: float, step: int) -> End | None:
    """The end near `start`, towards `step` (1 or -1), of a bright bar of gray `level`; None where it fades or is cut.

    profile: gray along the bar's middle over the whole width; contrast: of the bar to what lies above and below.
    """
    outwards = profile[start + 1 : start + 1 + FAR] if step > 0 else profile[max(0, start - FAR) : start][::-1]
    film = _film(outwards, level, contrast)
    if film is None:
        return None
    height = (profile - film) / (level - film)
    inner, half, outer = (_crossing(height, start - INSIDE * step, step, at) for at in (0.8, 0.5, 0.2))
    if inner is None or half is None or outer is None:
        return None
    # From the middles of pixels to edges.
    return End(half + 0.5, abs(outer - inner))


def _film(outwards: np.ndarray, level: float, contrast: float) -> float | None:
    """Gray beyond an end, from the pixels outwards of it; None where the bar does not end."""
    far = outwards[NEAR:]
    film = float(np.median(far)) if len(far) else 0.0
    if len(far) and level - film >= max(CONTRAST, 0.25 * contrast):
        return film
    # A tight box around bar and number, or the frame's edge: a rim is all that is seen of the film. Where the gray
    # of the bar goes on beyond that rim, the rim is an end tick, and this the gap beside a bar.
    rim = float(outwards[: NEAR + 2].min(initial=level))
    return rim if level - rim >= max(0.6 * contrast, CONTRAST) and level - film >= CONTRAST / 2 else None


def _crossing(height: np.ndarray, start: int, step: int, at: float) -> float | None:
    """Where `height` first falls below `at`, from `start` outwards."""
    for i in range(start, start + step * (FAR + INSIDE), step):
        if not (0 <= i < len(height) and 0 <= i + step < len(height)):
            return None
        if height[i] >= at > height[i + step]:
            return float(i + step * (height[i] - at) / (height[i] - height[i + step]))
    return None
