"""A micrograph's pixel size from elsewhere than its file: from the user, or from a burnt-in scale bar.

Apart from `model`, so that `inspect` loads neither an engine nor pandas.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from nanomorph.micrograph import Calibration, Micrograph
from nanomorph.scalebar import read_scale_bar


def with_pixel_size(micrograph: Micrograph, nm_per_px: float | Sequence[float] | None) -> Micrograph:
    """The same micrograph with the user's pixel size, where one is given."""
    if nm_per_px is None:
        return micrograph
    x, y = (nm_per_px, nm_per_px) if isinstance(nm_per_px, int | float) else nm_per_px
    return replace(micrograph, nm_per_px=(float(x), float(y)), calibration=Calibration.USER, calibration_error=None)


def with_scale_bar(micrograph: Micrograph) -> Micrograph:
    """The same micrograph calibrated by its burnt-in scale bar, where nothing else is known and one can be read.

    Needs the extra `scalebar`; raises ModuleNotFoundError without it. A bar shows x: pixels are taken as square.
    """
    if micrograph.nm_per_px is not None:
        return micrograph
    reading = read_scale_bar(micrograph.pixels)
    if reading is None:
        return micrograph
    return replace(
        micrograph,
        nm_per_px=(reading.nm_per_px, reading.nm_per_px),
        calibration=Calibration.SCALE_BAR,
        calibration_error=reading.error,
        drawn=reading.boxes,
    )
