"""Boxes of one pure gray with text in them, and bars: level rectangles that no specimen has."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

# Gray (of 255) of what is drawn, of a frame whose boxes are black (bright ones: of its negative).
PURE = 3
# Share of its upright box that the outline's hull fills; at most, of the frame's area and, from an edge, of its side.
RECTANGLE, LARGEST, OUTER = 0.95, 0.1, 0.25
# Share of a box that is text, at least and at most. A bar has none, and is so many times longer than thick.
TEXT, SLENDER = (0.02, 0.5), 2.5
SHORTEST_PX = 4
# Gray that three quarters of the ring 1 to 4 px outside exceed.
BESIDE = 30


def boxes(gray: np.ndarray) -> np.ndarray | None:
    """Bool (H, W), True on black boxes and bars of `gray` (uint8 (H, W)); None where there are none."""
    black = (gray <= PURE).view(np.uint8)
    found = np.zeros(gray.shape, bool)
    for outline in cv2.findContours(black, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)[0]:
        box = cv2.boundingRect(outline)
        if _fits(box, gray.shape) and _is_rectangle(outline, box) and _is_drawn(gray, black, box):
            found[_around(box, 0)] = True
    return found if found.any() else None


def _fits(box: Sequence[int], shape: tuple[int, ...]) -> bool:
    left, top, width, height = box
    gap = min(left, top, shape[1] - left - width, shape[0] - top - height)
    small = width * height <= LARGEST * shape[0] * shape[1]
    return min(width, height) >= SHORTEST_PX and small and gap <= OUTER * min(shape)


def _is_rectangle(outline: np.ndarray, box: Sequence[int]) -> bool:
    # The hull, as text may touch a margin that is less pure. Its corners are middles of pixels.
    return cv2.contourArea(cv2.convexHull(outline)) >= RECTANGLE * (box[2] - 1) * (box[3] - 1)


def _is_drawn(gray: np.ndarray, black: np.ndarray, box: Sequence[int]) -> bool:
    """Whether it ends at once, and holds text or is as long as a bar."""
    text = 1 - black[_around(box, 0)].mean()
    slender = box[2] >= SLENDER * box[3]
    return (slender or TEXT[0] <= text <= TEXT[1]) and _beside(gray, box) >= BESIDE


def _beside(gray: np.ndarray, box: Sequence[int]) -> float:
    """Gray that three quarters of what lies 1 to 4 px outside a box exceed; 0 where nothing does."""
    inner, outer = _around(box, 1), _around(box, 4)
    ring = np.ones(gray[outer].shape, bool)
    ring[tuple(slice(i.start - o.start, i.stop - o.start) for i, o in zip(inner, outer, strict=True))] = False
    beside = gray[outer][ring]
    return float(np.percentile(beside, 25)) if beside.size else 0.0


def _around(box: Sequence[int], margin: int) -> tuple[slice, slice]:
    left, top, width, height = box
    return (
        slice(max(0, top - margin), top + height + margin),
        slice(max(0, left - margin), left + width + margin),
    )
