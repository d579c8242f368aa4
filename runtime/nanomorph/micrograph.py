"""A micrograph: one gray image, its pixel size and where both came from."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np

Box = tuple[float, float, float, float]
"""Left, top, right, bottom in px, edges (right and bottom are outside)."""


class Calibration(StrEnum):
    """Where a pixel size came from."""

    METADATA = "metadata"
    USER = "user"
    SCALE_BAR = "scale-bar"
    NONE = "none"


class ReadError(Exception):
    """An input that cannot be used: a short `reason` to group by and a `detail` for a person."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason
        self.detail = detail


@dataclass(frozen=True, eq=False)
class Micrograph:
    """One image as recorded.

    pixels: (H, W), any real dtype, native byte order, gray.
    nm_per_px: (x, y) in nm, or None where the file holds no believable pixel size.
    source: the name the user knows it by (a path, or `archive.zip!/path`).
    n_frames: frames in the file like this one; only the first is held in `pixels`.
    n_other_images: images in the file of another size or type; `pixels` is the largest.
    calibration_error: of the pixel size, relative, one standard deviation; None where its source states none.
    drawn: boxes known to hold a burnt-in bar, lines: those of lines of text that were read: their ink is no material.
    """

    pixels: np.ndarray
    nm_per_px: tuple[float, float] | None
    calibration: Calibration
    source: str
    n_frames: int = 1
    calibration_error: float | None = None
    drawn: tuple[Box, ...] = ()
    lines: tuple[Box, ...] = ()
    n_other_images: int = 0

    def __post_init__(self) -> None:
        if self.pixels.ndim != 2:
            raise ValueError(f"{self.source}: a micrograph is 2-D, not {self.pixels.shape}")
        if (self.nm_per_px is None) != (self.calibration is Calibration.NONE):
            raise ValueError(f"{self.source}: nm_per_px and calibration contradict each other")
