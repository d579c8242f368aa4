"""How long a drawn scale bar is and what stands beside it."""

from __future__ import annotations

import math

SHARE = 0.22


def scale_bar(field_px: float, nm_per_px: float | None) -> tuple[float, str]:
    """Length in px and caption of a bar: 1, 2 or 5 times a power of ten, at most SHARE of the width.

    Uncalibrated fields get a bar in px, and say so.
    """
    per_px = nm_per_px or 1.0
    length = _round_down(SHARE * field_px * per_px)
    return length / per_px, _caption(length) if nm_per_px else f"{length:g} px, uncalibrated"


def _round_down(value: float) -> float:
    power = 10.0 ** math.floor(math.log10(value))
    return max(step for step in (1, 2, 5) if step * power <= value * (1 + 1e-9)) * power


def _caption(nm: float) -> str:
    for size, unit in ((1e6, "mm"), (1e3, "µm"), (1.0, "nm")):
        if nm >= size:
            return f"{nm / size:g} {unit}"
    return f"{nm * 1000:g} pm"
