"""Which words that OCR reads are text beyond doubt: particles, and whole frames of them, are read as `8` or `O`."""

from __future__ import annotations

from nanomorph.scalebar.words import Word

# At least so sure; of a single letter, which particles look like more often, and which lies in a corner of the frame.
SURE, SURE_OF_ONE = 0.8, 0.95
# Shares of the frame's shorter side: height of a line, distance of a single letter from two edges.
TALLEST, CORNER = 0.25, 0.12
SHORTEST_PX = 6


def is_text(word: Word, shape: tuple[int, ...]) -> bool:
    """Whether a word of a frame of `shape` (rows, columns) is written there: a line, or the letter of a panel."""
    if not SHORTEST_PX <= word.height <= TALLEST * min(shape):
        return False
    text = word.text.strip()
    if len(text) > 1:
        return word.sure >= SURE and any(map(str.isalnum, text))
    return word.sure >= SURE_OF_ONE and text.isascii() and text.isalpha() and _in_corner(word, shape)


def _in_corner(word: Word, shape: tuple[int, ...]) -> bool:
    beside, above = min(word.left, shape[1] - word.right), min(word.top, shape[0] - word.bottom)
    return max(beside, above) <= CORNER * min(shape)
