"""Pieces of black in a gray image, and what tells drawn ones from recorded ones. Bright ones: of the negative."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from nanomorph.micrograph import Box

# Gray (of 255) that a tenth and half of the pixels of drawn ink have at the most; thin, compressed letters are as pale.
INKY = {15: 0.1, 35: 0.5}
# The same of pure ink, as letters some px thick have it: what is recorded has grain.
PURE = {6: 0.25, 30: 0.5}
# Gray that three quarters of the ring 2 to 4 px outside a piece exceed, by the level of ink: drawn ink ends at once.
BESIDE = {30: 75, 70: 95}
# The same beside a drawn bar, where text is expected: enough on a dark film.
BESIDE_BAR = {30: 45, 70: 85}
# Bars, and boxes with text in them, are so many times wider than high; the 1 of a length is not.
WIDER = 1.5
# How far above or below a bar its text stands, and how far beside it that goes on, in its own heights.
BAR_REACH, ALONG = 2.0, 4.0
# Half-width of the thickest stroke, as a share of the frame's shorter side.
THICKEST = 0.04


@dataclass(frozen=True)
class Piece:
    """A connected piece: `number` in the image of pieces; its box in px, right and bottom excluded; `area` in px.

    pure: whether it is of one extreme gray but for its margin.
    """

    number: int
    pure: bool
    left: int
    top: int
    right: int
    bottom: int
    area: int

    @property
    def width(self) -> int:
        """In px."""
        return self.right - self.left

    @property
    def height(self) -> int:
        """In px."""
        return self.bottom - self.top

    @property
    def fill(self) -> float:
        """Share of the box that is ink."""
        return self.area / (self.width * self.height)

    def overlap(self, other: Piece) -> int:
        """Rows that both have."""
        return min(self.bottom, other.bottom) - max(self.top, other.top)

    def gap(self, other: Piece) -> int:
        """Columns between both; negative where they overlap."""
        return max(self.left, other.left) - min(self.right, other.right)


class Ink:
    """The pieces of `gray` (uint8 (H, W)) that are at most `level`. boxes: bool (H, W), those and bars found so far."""

    def __init__(self, gray: np.ndarray, level: int, boxes: np.ndarray | None = None) -> None:
        self.gray = gray
        self.level = level
        self.side = min(gray.shape)
        self._bars = [] if boxes is None else _bars_of(boxes)
        _, self.numbers, self._stats, _ = cv2.connectedComponentsWithStats((gray <= level).view(np.uint8))

    def pieces(self, tallest: float, outer: float) -> list[Piece]:
        """Inky ones at most `tallest` px high, not at the frame's edge but at most `outer` px from it."""
        left, top, width, height, area = self._stats.T
        rows, columns = self.gray.shape
        gap = np.minimum.reduce([left, top, columns - left - width, rows - top - height])
        fits = (height <= tallest) & (gap > 0) & (gap <= outer) & self._reach(INKY)
        fits[0] = False
        pure = self._reach(PURE)
        edges = np.stack([left, top, left + width, top + height, area], axis=1)
        return [Piece(n, bool(pure[n]), *map(int, edges[n])) for n in np.flatnonzero(fits).tolist()]

    def _reach(self, shares: dict[int, float]) -> np.ndarray:
        """By number: whether these shares of a piece are as dark as these grays."""
        dark = self.gray <= max(shares)
        numbers, grays = self.numbers[dark], self.gray[dark]
        area = self._stats[:, cv2.CC_STAT_AREA]
        counts = {gray: np.bincount(numbers[grays <= gray], minlength=len(area)) for gray in shares}
        return np.logical_and.reduce([counts[gray] >= share * area for gray, share in shares.items()])

    def drawn(self, pieces: list[Piece]) -> np.ndarray:
        """Bool (H, W), True on these pieces."""
        kept = np.zeros(len(self._stats), bool)
        kept[[piece.number for piece in pieces]] = True
        return kept[self.numbers]

    def is_drawn(self, piece: Piece) -> bool:
        """Whether it is thin and ends at once."""
        gray, mask, others = self._crop(piece)
        near, far = (cv2.dilate(mask, np.ones((size, size), np.uint8)) > 0 for size in (5, 9))
        ring = gray[far & ~near & (cv2.dilate(others, np.ones((5, 5), np.uint8)) == 0)]
        beside = BESIDE_BAR if any(_is_beside(bar, piece) for bar in self._bars) else BESIDE
        ends = ring.size > 0 and np.percentile(ring, 25) >= beside[self.level]
        return bool(ends and _half_width(mask) <= THICKEST * self.side)

    def stroke(self, piece: Piece) -> float:
        """Area over the squared half-width of the stroke."""
        return piece.area / _half_width(self._crop(piece)[1]) ** 2

    def solidity(self, piece: Piece, filled: bool = False) -> float:
        """Area, with that of its holes where `filled`, over that of the convex hull."""
        outline = cv2.findContours(self._crop(piece)[1], cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)[0][0]
        return (_area(outline) if filled else piece.area) / _area(cv2.convexHull(outline))

    def from_corner(self, piece: Piece) -> int:
        """Greater of its distances from the nearest upright and the nearest level edge, px."""
        rows, columns = self.gray.shape
        return max(min(piece.left, columns - piece.right), min(piece.top, rows - piece.bottom))

    def _crop(self, piece: Piece) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Gray, the piece and other pieces (uint8) in its box and 5 px around it, as far as the frame goes."""
        region = (slice(max(0, piece.top - 5), piece.bottom + 5), slice(max(0, piece.left - 5), piece.right + 5))
        numbers = self.numbers[region]
        mask = (numbers == piece.number).astype(np.uint8)
        return self.gray[region], mask, (numbers > 0).astype(np.uint8) - mask


def _bars_of(boxes: np.ndarray) -> list[Box]:
    """Left, top, right and bottom (px, right and bottom outside) of what vouches for text beside it, bool (H, W)."""
    stats = cv2.connectedComponentsWithStats(boxes.view(np.uint8))[2][1:, :4]
    return [(x, y, x + width, y + height) for x, y, width, height in stats.tolist() if width >= WIDER * height]


def _is_beside(bar: Box, piece: Piece) -> bool:
    """Whether a piece stands above or below a bar, as its length in words does, which may be the wider one."""
    left, top, right, bottom = bar
    along = ALONG * piece.height
    return (
        max(piece.top - bottom, top - piece.bottom) <= BAR_REACH * piece.height
        and piece.left <= right + along
        and piece.right >= left - along
    )


def _half_width(mask: np.ndarray) -> float:
    return float(cv2.distanceTransform(mask, cv2.DIST_L2, 3).max())


def _area(outline: np.ndarray) -> float:
    """Px inside, and on, an outline through the middles of pixels."""
    return float(cv2.contourArea(outline) + cv2.arcLength(outline, True) / 2 + 1)
