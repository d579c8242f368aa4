"""Boxes of one pure gray with text in them, and bars: level rectangles that no specimen has."""

from __future__ import annotations

import cv2
import numpy as np

# Gray (of 255) of what is drawn, of a frame whose boxes are black (bright ones: of its negative).
PURE = 3
# Share of its upright box that the hull fills; at most, of the frame's area and, from an edge, of its side.
RECTANGLE, LARGEST, OUTER = 0.95, 0.1, 0.25
# Share of a box that is text, at least and at most. A bar has none, and is so many times longer than thick.
TEXT, SLENDER = (0.02, 0.5), 2.5
# Its shorter side, px, and its width, as a share of the frame's shorter side, at the least.
SHORTEST_PX, NARROWEST = 4, 0.02
# Gray that three quarters of the ring 1 to 4 px outside exceed.
BESIDE = 30

Rectangle = tuple[int, int, int, int]  # left, top, width, height


def boxes(gray: np.ndarray) -> np.ndarray | None:
    """Bool (H, W), True on black boxes and bars of `gray` (uint8 (H, W)); None where there are none."""
    black = (gray <= PURE).view(np.uint8)
    if not black.any():
        return None
    found = np.zeros(gray.shape, bool)
    _, numbers, stats, _ = cv2.connectedComponentsWithStats(black)
    for number in _candidates(stats, gray.shape):
        left, top, width, height = map(int, stats[number, :4])
        box = (left, top, width, height)
        if _is_rectangle(numbers[_around(box, 0)] == number) and _is_drawn(gray, black, box):
            found[_around(box, 0)] = True
    return found if found.any() else None


def _candidates(stats: np.ndarray, shape: tuple[int, ...]) -> list[int]:
    """Pieces of black that fill enough of their boxes, in the outer part of the frame: few, however noisy it is."""
    left, top, width, height, area = stats.T
    gap = np.minimum.reduce([left, top, shape[1] - left - width, shape[0] - top - height])
    size = width * height
    fits = (
        (np.minimum(width, height) >= SHORTEST_PX)
        & (width >= NARROWEST * min(shape))
        & (size <= LARGEST * shape[0] * shape[1])
    )
    fits &= (gap <= OUTER * min(shape)) & (area >= (1 - TEXT[1]) * size)
    fits[0] = False
    return np.flatnonzero(fits).tolist()


def _is_rectangle(piece: np.ndarray) -> bool:
    # The hull, as text may touch a margin that is less pure. Its corners are middles of pixels.
    hull = cv2.convexHull(cv2.findNonZero(piece.astype(np.uint8)))
    return cv2.contourArea(hull) >= RECTANGLE * (piece.shape[0] - 1) * (piece.shape[1] - 1)


def _is_drawn(gray: np.ndarray, black: np.ndarray, box: Rectangle) -> bool:
    """Whether it ends at once, and holds text or is as long as a bar."""
    text = 1 - black[_around(box, 0)].mean()
    slender = box[2] >= SLENDER * box[3]
    return (slender or TEXT[0] <= text <= TEXT[1]) and _beside(gray, box) >= BESIDE


def _beside(gray: np.ndarray, box: Rectangle) -> float:
    """Gray that three quarters of what lies 1 to 4 px outside a box exceed; 0 where nothing does."""
    inner, outer = _around(box, 1), _around(box, 4)
    ring = np.ones(gray[outer].shape, bool)
    ring[tuple(slice(i.start - o.start, i.stop - o.start) for i, o in zip(inner, outer, strict=True))] = False
    beside = gray[outer][ring]
    return float(np.percentile(beside, 25)) if beside.size else 0.0


def _around(box: Rectangle, margin: int) -> tuple[slice, slice]:
    left, top, width, height = box
    return (
        slice(max(0, top - margin), top + height + margin),
        slice(max(0, left - margin), left + width + margin),
    )
