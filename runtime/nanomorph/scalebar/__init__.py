"""What is burnt into a micrograph and can be read (extra `scalebar`): text, bars, and a pixel size, never a guess."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np

from nanomorph.micrograph import Box
from nanomorph.scalebar.bars import Bar, find_bars
from nanomorph.scalebar.lengths import length_nm, lengths
from nanomorph.scalebar.reading import SURE, Reading, agreed, near, pair
from nanomorph.scalebar.text import is_text
from nanomorph.scalebar.ticks import find_ticks
from nanomorph.scalebar.words import Word, installed, read_again, read_words

__all__ = ["BurntIn", "Reading", "installed", "read_burnt_in", "read_scale_bar"]

# Larger frames are reduced to this side: their letters are large too.
LONGEST = 1600
# Bars looked at closely where the whole frame shows no number, and how far around them, as a share of the height.
CLOSER_LOOKS, REACH = 2, 0.12


@dataclass(frozen=True)
class BurntIn:
    """What was read in a frame, px of the frame.

    reading: the scale bar, None where none is read beyond doubt. bars: boxes of bars that stand at a length, whether
    or not that gives a reading; lines: boxes of lines of text.
    """

    reading: Reading | None = None
    bars: tuple[Box, ...] = ()
    lines: tuple[Box, ...] = ()


def read_scale_bar(pixels: np.ndarray) -> Reading | None:
    """The scale bar of a gray image (H, W) of any dtype, in its own px; None where none is read beyond doubt."""
    return read_burnt_in(pixels).reading


def read_burnt_in(pixels: np.ndarray) -> BurntIn:
    """What is read in a gray image (H, W) of any dtype; nothing where no segment may be a scale bar: OCR is costly."""
    scale = min(1.0, LONGEST / max(pixels.shape))
    gray = _gray(pixels, scale)
    bars = find_bars(gray) + find_ticks(gray)
    if not bars:
        return BurntIn()
    words = read_words(gray)
    numbers = lengths(words) or _lengths_closely(gray, bars)
    found = [pair(bars, word, gray) for word in numbers if confirmed(gray, word)]
    lines = [word for word in (*words, *numbers) if is_text(word, gray.shape)]
    at = [bar for word in numbers if word in lines for bar in near(bars, word, gray)]
    reading = agreed(one for one in found if one is not None)
    return BurntIn(_enlarged(reading, scale), _boxes(at, scale), _boxes(lines, scale))


def _lengths_closely(gray: np.ndarray, bars: Sequence[Bar]) -> list[Word]:
    strongest = sorted(bars, key=lambda bar: -bar.contrast)[:CLOSER_LOOKS]
    return [word for bar in strongest for word in lengths(_closely(gray, bar))]


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


def _enlarged(reading: Reading | None, scale: float) -> Reading | None:
    return None if reading is None else replace(reading, px=reading.px / scale)


def _boxes(found: Sequence[Bar | Word], scale: float) -> tuple[Box, ...]:
    """Each once, in px of the recorded frame."""
    boxes = dict.fromkeys(one.box for one in found)
    return tuple((left / scale, top / scale, right / scale, bottom / scale) for left, top, right, bottom in boxes)
