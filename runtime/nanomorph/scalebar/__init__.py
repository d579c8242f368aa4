"""Pixel size from a burnt-in scale bar (extra `scalebar`): the last resort, and never a guess."""

from __future__ import annotations

import cv2
import numpy as np

from nanomorph.scalebar.bars import Bar, find_bars
from nanomorph.scalebar.lengths import length_nm, lengths
from nanomorph.scalebar.reading import SURE, Reading, agreed, pair
from nanomorph.scalebar.ticks import find_ticks
from nanomorph.scalebar.words import Word, installed, read_again, read_words

__all__ = ["Reading", "installed", "read_scale_bar"]

# Larger frames are reduced to this side: their letters are large too.
LONGEST = 1600
# Bars looked at closely where the whole frame shows no number, and how far around them, as a share of the height.
CLOSER_LOOKS, REACH = 2, 0.12


def read_scale_bar(pixels: np.ndarray) -> Reading | None:
    """The scale bar of a gray image (H, W) of any dtype, in its own px; None where none is read beyond doubt."""
    scale = min(1.0, LONGEST / max(pixels.shape))
    gray = _gray(pixels, scale)
    bars = find_bars(gray) + find_ticks(gray)
    if not bars:
        return None
    words = lengths(read_words(gray))
    if not words:
        strongest = sorted(bars, key=lambda bar: -bar.contrast)[:CLOSER_LOOKS]
        words = [word for bar in strongest for word in lengths(_closely(gray, bar))]
    readings = [pair(bars, word, gray) for word in words if confirmed(gray, word)]
    reading = agreed(one for one in readings if one is not None)
    return reading if reading is None or scale == 1 else _enlarged(reading, scale)


def confirmed(gray: np.ndarray, word: Word) -> bool:
    """Whether a second look reads the same length, and no look is sure of another one."""
    nm = length_nm(word.text)
    sure = [length_nm(again.text) for again in read_again(gray, word) if again.sure >= SURE]
    return word.sure >= SURE and nm in sure and all(other in (nm, None) for other in sure)


def _closely(gray: np.ndarray, bar: Bar) -> list[Word]:
    """Words around a bar, enlarged: small or crowded letters are overlooked in the whole frame."""
    reach = max(32, round(REACH * gray.shape[0]))
    top, left = max(0, bar.top - reach), max(0, round(bar.left) - 2 * reach)
    crop = gray[top : bar.bottom + reach, left : round(bar.right) + 2 * reach]
    words = read_words(cv2.resize(crop, None, fx=2, fy=2, interpolation=cv2.INTER_CUBIC))
    return [
        Word(
            word.text, word.sure, left + word.left / 2, top + word.top / 2, left + word.right / 2, top + word.bottom / 2
        )
        for word in words
    ]


def _gray(pixels: np.ndarray, scale: float) -> np.ndarray:
    if pixels.dtype != np.uint8:
        finite = np.nan_to_num(pixels.astype(np.float32))
        low, high = np.percentile(finite, (0.1, 99.9))
        pixels = np.clip((finite - low) * (255 / max(high - low, 1e-12)), 0, 255).astype(np.uint8)
    return cv2.resize(pixels, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA) if scale < 1 else pixels


def _enlarged(reading: Reading, scale: float) -> Reading:
    boxes = tuple(tuple(edge / scale for edge in box) for box in reading.boxes)
    return Reading(reading.nm, reading.px / scale, reading.error, boxes)  # type: ignore[arg-type]
