"""A scale bar is read where a bar and a number with a unit stand together and nothing contradicts them.

Never a guess: a wrong pixel size makes every nm of a micrograph wrong, a missing one is seen and can be given.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from nanomorph.pixel_size import believable
from nanomorph.scalebar.bars import Bar
from nanomorph.scalebar.lengths import length_nm
from nanomorph.scalebar.words import Word

# Both readings of the number are at least so sure.
SURE = 0.8
# A field of an electron micrograph, nm.
NARROWEST, WIDEST = 3.0, 2e7
# Pixel sizes from several bars, and with and without a bar's outline, agree to this share.
AGREE = 0.02
# A length that is known no better is none: a bar of few px.
WORST = 0.03
# In heights of the letters: from text to a bar above or below, from text to a bar beside it, thickness of a bar.
ABOVE, BESIDE, THICK = 1.1, 2.0, 1.8
# Gray levels within which a segment may be a piece of what its text is written on.
GROUND = 25.0
# Strokes of letters are shorter than this share of their text.
STROKE = 0.4
# A bar that is interrupted by its text: the two parts are equal to this share.
EQUAL_PARTS = 0.15
# A candidate of less than this share of the strongest one's contrast is a piece of the specimen.
FAINT = 0.6


@dataclass(frozen=True)
class Reading:
    """A scale bar as read. error: of the pixel size, relative, one standard deviation."""

    nm: float
    px: float
    error: float

    @property
    def nm_per_px(self) -> float:
        """Along x, the only direction that a bar shows."""
        return self.nm / self.px


def pair(bars: Sequence[Bar], word: Word, gray: np.ndarray) -> Reading | None:
    """The one bar that `word` stands at, as a pixel size; None where there is none, or more than one length."""
    nm = length_nm(word.text)
    if nm is None:
        return None
    split = _interrupted(bars, word)
    at = _at(bars, word, gray) if split is None else [split]
    if not at:
        return None
    if split is None and any(_is_segment(bar, bars) or _goes_on(gray, word, bar) for bar in at):
        return None
    at = _strongest(at)
    longest, shortest = max(bar.length for bar in at), min(bar.length for bar in at)
    if longest - shortest > AGREE * longest:
        return None
    bar = max(at, key=lambda one: one.contrast)
    nm_per_px = nm / bar.length
    if bar.error > WORST * bar.length or bar.outline > AGREE * bar.length or believable(nm_per_px) is None:
        return None
    if not NARROWEST <= nm_per_px * gray.shape[1] <= WIDEST:
        return None
    return Reading(nm, bar.length, bar.error / bar.length)


def near(bars: Sequence[Bar], word: Word, gray: np.ndarray) -> list[Bar]:
    """The bars that `word` stands at, of whatever length: enough to know that they are drawn."""
    split = _interrupted(bars, word)
    return _strongest(_at(bars, word, gray)) if split is None else [split]


def _at(bars: Sequence[Bar], word: Word, gray: np.ndarray) -> list[Bar]:
    return [bar for bar in bars if stands_at(word, bar) and not _is_ground(gray, word, bar)]


def _strongest(bars: Sequence[Bar]) -> list[Bar]:
    most = max((bar.contrast for bar in bars), default=0.0)
    return [bar for bar in bars if bar.contrast >= FAINT * most]


def stands_at(word: Word, bar: Bar) -> bool:
    """Whether a text is that of a bar: just above, just below, or beside it in the same line."""
    if bar.bottom - bar.top + 1 > THICK * word.height or _is_stroke(word, bar):
        return False
    overlap = min(word.right, bar.right) - max(word.left, bar.left)
    if overlap >= 0.5 * min(word.right - word.left, bar.length):
        gap = max(bar.top - word.bottom, word.top - bar.bottom)
        return -0.4 * word.height <= gap <= ABOVE * word.height
    level = word.top < (bar.top + bar.bottom) / 2 < word.bottom
    return level and -overlap <= BESIDE * word.height


def _is_stroke(word: Word, bar: Bar) -> bool:
    """Whether a segment is a piece of a letter."""
    inside = word.left <= bar.left and bar.right <= word.right
    deep = word.top - 1 < (bar.top + bar.bottom) / 2 < word.bottom - 0.12 * word.height
    return inside and deep and bar.length < STROKE * (word.right - word.left)


def _is_segment(bar: Bar, bars: Sequence[Bar]) -> bool:
    """Whether a bar is a piece of a chequered one: another of its length stands in its rows."""
    return any(
        other is not bar
        and abs(other.top - bar.top) + abs(other.bottom - bar.bottom) <= 3
        and abs(other.length - bar.length) <= 0.1 * bar.length + 1
        for other in bars
    )


def _goes_on(gray: np.ndarray, word: Word, bar: Bar) -> bool:
    """Whether a bar beside its text goes on behind it: then it is only a part of what the text means."""
    reach, middle = round(1.5 * word.height), (bar.left + bar.right) / 2
    if bar.ticks or word.left < middle < word.right:
        return False
    begin = round(word.right) - 2 if middle <= word.left else max(0, round(word.left) + 2 - reach)
    row = (bar.top + bar.bottom) // 2
    beyond = gray[max(0, row - 1) : row + 2, begin : begin + reach].astype(float)
    off = np.abs(beyond - _level(gray, bar)).min(axis=0)
    return float((off < 0.4 * bar.contrast).mean()) > 0.5


def _is_ground(gray: np.ndarray, word: Word, bar: Bar) -> bool:
    """Whether a segment at a text is a strip of what the text is written on, as the margin of a white label."""
    touch = min(word.right, bar.right) > max(word.left, bar.left)
    near = word.top < bar.bottom and bar.top < word.bottom
    alike = abs(_level(gray, bar) - _ground(gray, word, bar)) < max(GROUND, 0.25 * bar.contrast)
    return not bar.ticks and touch and near and alike


def _ground(gray: np.ndarray, word: Word, bar: Bar) -> float:
    """Gray that a text is written on: along the sides of its box and its edge away from the bar, a little inside."""
    inset = round(0.12 * word.height)
    rows = slice(round(word.top) + inset, max(round(word.top) + inset + 1, round(word.bottom) - inset))
    box = gray[rows, round(word.left) + inset : round(word.right) - inset]
    low = bar.top + bar.bottom > word.top + word.bottom
    away = box[: bar.top - rows.start] if low else box[max(0, bar.bottom + 1 - rows.start) :]
    if not away.size:
        return float("inf")
    return float(np.median(np.concatenate([away[:, 0], away[:, -1], away[0 if low else -1]])))


def _level(gray: np.ndarray, bar: Bar) -> float:
    return float(np.median(gray[(bar.top + bar.bottom) // 2, round(bar.left) + 2 : round(bar.right) - 2]))


def _interrupted(bars: Sequence[Bar], word: Word) -> Bar | None:
    """The bar whose middle is this text (`|--- 5 µm ---|`), from its two parts."""
    level = [bar for bar in bars if word.top < (bar.top + bar.bottom) / 2 < word.bottom]
    slack = 0.5 * word.height
    lefts = [bar for bar in level if 0 <= word.left - bar.right + slack <= 3 * slack]
    rights = [bar for bar in level if 0 <= bar.left - word.right + slack <= 3 * slack]
    for left in lefts:
        for right in rights:
            if left.dark == right.dark and abs(left.length - right.length) <= EQUAL_PARTS * left.length + 3:
                return Bar(
                    left.left,
                    right.right,
                    min(left.top, right.top),
                    max(left.bottom, right.bottom),
                    left.dark,
                    min(left.contrast, right.contrast),
                    max(left.blur, right.blur),
                )
    return None


def agreed(readings: Iterable[Reading]) -> Reading | None:
    """The reading that all of them support: the longest bar's; None where two contradict each other."""
    found = sorted(readings, key=lambda reading: -reading.px)
    if not found:
        return None
    sizes = np.array([reading.nm_per_px for reading in found])
    if sizes.max() - sizes.min() > AGREE * sizes.max():
        return None
    return found[0]
