"""Ink of lines of text that were read: of any gray, told from material by where it lies and ends.

Its box is not masked whole: text often lies on the specimen.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import cv2
import numpy as np

from nanomorph.micrograph import Box

# Percent of a box's pixels that are darker or brighter than what is taken for the gray of its ink.
EXTREME = 3.0
# The fainter of dark and bright may be ink where its contrast is this share of the other's: letters beside particles.
FAINTER = 0.3
# Share of a piece that lies in the box: of a letter all, a particle behind the text goes on outside.
INSIDE = 0.9
# Smaller pieces, in squared heights of the box, are grain.
SMALLEST = 0.005

Region = tuple[slice, slice]


def ink_of_lines(pixels: np.ndarray, lines: Sequence[Box]) -> np.ndarray:
    """Bool (H, W), True on the ink in the boxes `lines` of `pixels` (H, W), any real dtype."""
    found = np.zeros(pixels.shape, bool)
    for box in lines:
        around, inside = _regions(box)
        found[around] |= _ink(pixels[around].astype(np.float32), inside)
    return found


def _regions(box: Box) -> tuple[Region, Region]:
    """A box with its height around it, which shows how far what lies behind the text goes on; and the box therein."""
    left, top = (max(0, math.floor(edge)) for edge in box[:2])
    right, bottom = (math.ceil(edge) for edge in box[2:])
    reach = bottom - top
    first_row, first_column = max(0, top - reach), max(0, left - reach)
    return (
        (slice(first_row, bottom + reach), slice(first_column, right + reach)),
        (slice(top - first_row, bottom - first_row), slice(left - first_column, right - first_column)),
    )


def _ink(gray: np.ndarray, inside: Region) -> np.ndarray:
    """Bool (h, w): pieces of ink that lie in the box `inside`, dark or bright, whichever are the larger ones."""
    ground, dark, bright = np.percentile(gray[inside], (50, EXTREME, 100 - EXTREME))
    contrast = max(ground - dark, bright - ground)
    best, found = 0.0, np.zeros(gray.shape, bool)
    for sign, level in ((-1, dark), (1, bright)):
        if contrast > 0 and abs(level - ground) >= FAINTER * contrast:
            pieces, size = _within(sign * gray >= sign * (level + ground) / 2, inside)
            if size > best:
                best, found = size, pieces
    return found


def _within(ink: np.ndarray, inside: Region) -> tuple[np.ndarray, float]:
    """The pieces of `ink` that lie in the box, and the sum of their squared sizes: letters are few and large."""
    count, numbers = cv2.connectedComponents(ink.view(np.uint8))
    whole = np.bincount(numbers.ravel(), minlength=count)
    kept = np.bincount(numbers[inside].ravel(), minlength=count) >= INSIDE * whole
    kept &= whole >= SMALLEST * (inside[0].stop - inside[0].start) ** 2
    kept[0] = False
    return kept[numbers], float(np.square(whole[kept], dtype=float).sum())
