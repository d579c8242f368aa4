"""Burnt-in letters, bars and info bars: found so that they are neither seen by the model nor measured.

Only what cannot be material is taken: its gray is extreme, it has no grain and ends at once, and it has the shape of
letters, boxes or bars, and lies where people and microscopes put them, in the outer part of a frame; or it was read.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import cv2
import numpy as np

from nanomorph.annotations.boxes import boxes
from nanomorph.annotations.letters import letters
from nanomorph.annotations.lines import ink_of_lines
from nanomorph.annotations.strips import strips
from nanomorph.micrograph import Box

__all__ = ["burnt_in"]

# Reach of antialiasing around what is drawn, share of the frame's shorter side.
MARGIN = 0.008
# Gray that is neither dark nor bright.
MIDDLE = np.uint8(128)


def burnt_in(pixels: np.ndarray, drawn: Sequence[Box] = (), lines: Sequence[Box] = ()) -> np.ndarray | None:
    """Bool (H, W), True on burnt-in annotation and just around it; None where there is none.

    Sought in 8-bit frames alone: nobody draws into what a camera wrote. drawn: boxes already known to hold a bar;
    lines: lines of text, of which the ink is taken; both of any gray (from the reader of scale bars).
    """
    sought = _drawn(pixels) if pixels.dtype == np.uint8 else None
    if sought is None and not drawn and not lines:
        return None
    found = np.zeros(pixels.shape, bool) if sought is None else _widened(sought)
    margin = _margin(pixels)
    for left, top, right, bottom in drawn:
        rows = slice(max(0, int(top) - margin), math.ceil(bottom) + margin)
        found[rows, max(0, int(left) - margin) : math.ceil(right) + margin] = True
    if lines:
        found |= cv2.dilate(ink_of_lines(pixels, lines).view(np.uint8), _square(margin)) > 0
    return found


def _drawn(gray: np.ndarray) -> np.ndarray | None:
    """Bool (H, W), True on what is drawn itself, dark or bright."""
    info = strips(gray)
    rest = gray if info is None else np.where(info, MIDDLE, gray)
    inks = (rest, ~rest)
    bars = _united([boxes(ink) for ink in inks])
    # Of both inks: black letters stand beside a white bar.
    return _united([info, bars, *(letters(ink, bars) for ink in inks)])


def _united(masks: Sequence[np.ndarray | None]) -> np.ndarray | None:
    """True where any of them is; None where none is there."""
    found = [mask for mask in masks if mask is not None]
    return np.logical_or.reduce(found) if found else None


def _widened(drawn: np.ndarray) -> np.ndarray:
    """Closed, so that the gaps of letters go with them, and with a margin."""
    margin = _margin(drawn)
    closed = cv2.morphologyEx(drawn.astype(np.uint8), cv2.MORPH_CLOSE, _square(3 * margin))
    return cv2.dilate(closed, _square(margin)) > 0


def _margin(pixels: np.ndarray) -> int:
    return max(2, round(MARGIN * min(pixels.shape)))


def _square(reach: int) -> np.ndarray:
    return np.ones((2 * reach + 1, 2 * reach + 1), np.uint8)
