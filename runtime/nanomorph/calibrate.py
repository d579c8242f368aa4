"""A micrograph's pixel size from elsewhere than its file: from the user, or from a burnt-in scale bar.

Apart from `model`, so that `inspect` loads neither an engine nor pandas.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from nanomorph.micrograph import Calibration, Micrograph
from nanomorph.pixel_size import given_pixel_size
from nanomorph.scalebar import read_burnt_in


def with_pixel_size(micrograph: Micrograph, nm_per_px: float | Sequence[float] | None) -> Micrograph:
    """The same micrograph with the user's pixel size, where one is given. Raises ValueError as `given_pixel_size`."""
    if nm_per_px is None:
        return micrograph
    size = given_pixel_size(nm_per_px)
    return replace(micrograph, nm_per_px=size, calibration=Calibration.USER, calibration_error=None)


def with_scale_bar(micrograph: Micrograph) -> Micrograph:
    """The same micrograph calibrated by its burnt-in scale bar, where nothing else is known and one can be read.

    It knows of the text and bars that were read on the way, too (`drawn`, `lines`). Needs the extra `scalebar`; raises
    ModuleNotFoundError without it. A bar shows x: pixels are taken as square.
    """
    if micrograph.nm_per_px is not None:
        return micrograph
    found = read_burnt_in(micrograph.pixels)
    marked = replace(micrograph, drawn=found.bars, lines=found.lines)
    if found.reading is None:
        return marked
    return replace(
        marked,
        nm_per_px=(found.reading.nm_per_px, found.reading.nm_per_px),
        calibration=Calibration.SCALE_BAR,
        calibration_error=found.reading.error,
    )
