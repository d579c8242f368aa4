"""Which words say a length, and how many nm: `200 nm`, `0.5 µm`, a number and its unit read apart."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import replace

from nanomorph.pixel_size import nm_per_unit
from nanomorph.scalebar.words import Word

# Numbers that scale bars carry, as leading digits.
SERIES = frozenset({1.0, 1.5, 2.0, 2.5, 3.0, 3.5, 4.0, 5.0, 6.0, 7.0, 7.5, 8.0, 9.0})

_LENGTH = re.compile(r"[-–—|·.\s]*(\d{1,4}(?:[.,]\d{1,2})?)\s*(nm|[uµμ]m|Å)[-–—|·.,'’`\s]*")
_NUMBER, _UNIT = re.compile(r"\d{1,4}(?:[.,]\d{1,2})?"), re.compile(r"nm|[uµμ]m")
# JEOL writes its magnification in front: `X50,000 0.5µm`.
_MAGNIFICATION = re.compile(r"[xX×][\d.,]+[kK]?\s+")


def length_nm(text: str) -> float | None:
    """nm that a text like `200 nm` or `0.5 µm` says; None where it is anything else, or no number of a scale bar."""
    match = _LENGTH.fullmatch(text)
    if match is None:
        return None
    number = float(match[1].replace(",", "."))
    if number <= 0 or not any(math.isclose(_leading(number), digits) for digits in SERIES):
        return None
    return number * (nm_per_unit(match[2].replace("u", "µ")) or math.nan)


def _leading(number: float) -> float:
    return number / 10 ** math.floor(math.log10(number) + 1e-9)


def lengths(words: Sequence[Word]) -> list[Word]:
    """The words that say a length; a number and its unit read apart are joined, a magnification in front is cut."""
    found = [_without_magnification(word) for word in words]
    for number in (word for word in words if _NUMBER.fullmatch(word.text)):
        for unit in (word for word in words if _UNIT.fullmatch(word.text)):
            level = abs(number.top - unit.top) + abs(number.bottom - unit.bottom) < 0.8 * number.height
            if level and -0.5 * number.height < unit.left - number.right < 0.8 * number.height:
                found.append(_joined(number, unit))
    return [word for word in found if length_nm(word.text) is not None]


def _joined(number: Word, unit: Word) -> Word:
    return Word(
        f"{number.text} {unit.text}",
        min(number.sure, unit.sure),
        number.left,
        min(number.top, unit.top),
        unit.right,
        max(number.bottom, unit.bottom),
    )


def _without_magnification(word: Word) -> Word:
    front = _MAGNIFICATION.match(word.text)
    if front is None:
        return word
    # Letters of one line are about equally wide.
    cut = word.left + (word.right - word.left) * front.end() / len(word.text)
    return replace(word, text=word.text[front.end() :], left=cut)
