"""Drawn letters and the bars beside them, told from material by their shape.

A letter is a stroke: long against its width, far from convex, of one extreme gray, and it ends at once. Particles are
convex or fade; wires are longer than letters are high. One such piece is no text: letters stand in lines, or alone in
a corner of the frame (the letter of a panel).
"""

from __future__ import annotations

from itertools import combinations

import cv2
import numpy as np

from nanomorph.annotations.boxes import SLENDER
from nanomorph.annotations.ink import INKY, PURE, Ink, Piece

# Gray up to which pixels are one piece of ink: what parts letters from a dark film leaves thin ones in fragments.
LEVELS = (30, 70)
# Shares of the frame's shorter side: height of a letter, distance from an edge; of a single letter from two edges.
TALLEST, OUTER, CORNER = 0.15, 0.15, 0.12
SHORTEST_PX, LEAST_PX = 6, 12
# More pure ink (share of the frame), pieces of ink or of letter size are a clipped specimen; text has 32 of the last.
MOST, MOST_PIECES, MOST_LETTERS = 0.3, 3000, 200
# Area over the squared half-width: a disc has 3, a square 4, a letter 8 to 45; and area over that of the convex hull.
STROKE, SOLID = 9.0, 0.8
# A D or an 0 is bent by its hole alone, as is the rim of a particle: solidity without it, and how high (share of the
# frame's shorter side) and slender one must be to be a letter without others.
FILLED, RING, UPRIGHT = 0.88, 0.05, 1.15
# In heights of a letter: a neighbour's own height, its width, its gap; height of a dot; distance of a bar.
HEIGHTS, WIDEST, NEIGHBOUR, DOT, BAR_REACH = (0.1, 1.7), 3.0, 1.0, 0.4, 3.0
# How far apart the feet of two letters of a line are: px, or a share of their height.
ALIGNED_PX, ALIGNED = 2, 0.1
# The share of its box that a bar fills.
BAR_FILL = 0.85


def letters(gray: np.ndarray, boxes: np.ndarray | None = None) -> np.ndarray | None:
    """Bool (H, W), True on black letters of `gray` (uint8 (H, W)) and the bars that stand with them, None if none.

    boxes: bool (H, W), what `boxes` has found: beside a bar the film may be as dark as it is.
    """
    black = (gray <= min(INKY)).view(np.uint8)
    # Where no 2 x 2 px are black there are no letters, as in nearly every frame without text.
    if (gray <= min(PURE)).mean() > MOST or not cv2.erode(black, np.ones((2, 2), np.uint8)).any():
        return None
    found = [mask for level in LEVELS if (mask := _at_level(Ink(gray, level, boxes))) is not None]
    return np.logical_or.reduce(found) if found else None


def _at_level(ink: Ink) -> np.ndarray | None:
    pieces = ink.pieces(TALLEST * ink.side, OUTER * ink.side)
    text: list[Piece] = []
    left = [piece for piece in pieces if _has_letter_size(ink, piece)]
    if len(pieces) > MOST_PIECES or len(left) > MOST_LETTERS:
        return None
    left = [piece for piece in left if _is_letter(ink, piece)]
    while left:
        line = _line(ink, left[0], pieces)
        if _is_text(ink, line, [piece for piece in line if piece in left]):
            text += [*line, *_bars(ink, line, pieces)]
        left = [piece for piece in left if piece not in line]
    return ink.drawn(text) if text else None


def _has_letter_size(ink: Ink, piece: Piece) -> bool:
    """Whether it is pure and no smaller, wider or fuller than a letter."""
    fits = piece.height >= SHORTEST_PX and piece.area >= LEAST_PX and piece.width <= TALLEST * ink.side
    return fits and piece.pure and piece.fill <= SOLID


def _is_letter(ink: Ink, piece: Piece) -> bool:
    """Whether it is one beyond doubt."""
    return ink.solidity(piece) <= SOLID and ink.stroke(piece) >= STROKE and ink.is_drawn(piece)


def _line(ink: Ink, first: Piece, pieces: list[Piece]) -> list[Piece]:
    """What stands in a level line with a letter, from neighbour to neighbour; the letter first."""
    candidates = [piece for piece in pieces if piece != first and _is_alike(ink, first, piece)]
    line, reached = [], [first]
    while reached:
        line.append(reached.pop())
        near = [piece for piece in candidates if line[-1].gap(piece) <= NEIGHBOUR * first.height]
        candidates = [piece for piece in candidates if piece not in near]
        reached += near
    return line


def _is_alike(ink: Ink, letter: Piece, piece: Piece) -> bool:
    """Whether `piece` may be a character of the line of `letter`: a dot, or drawn with strokes, but no disc."""
    height, width = piece.height / letter.height, piece.width / letter.height
    in_line = 2 * letter.overlap(piece) >= min(letter.height, piece.height)
    if not in_line or not HEIGHTS[0] <= height <= HEIGHTS[1] or width > WIDEST:
        return False
    return (max(height, width) <= DOT or ink.stroke(piece) >= STROKE) and ink.is_drawn(piece)


def _is_text(ink: Ink, line: list[Piece], sure: list[Piece]) -> bool:
    """Aligned characters, half of them letters beyond doubt; or something in a corner."""
    if all(_is_ring(ink, piece) for piece in sure):
        return False
    characters = [piece for piece in line if piece.height > DOT * line[0].height]
    return (2 * len(sure) >= len(characters) and _aligned(sure)) or ink.from_corner(line[0]) <= CORNER * ink.side


def _is_ring(ink: Ink, piece: Piece) -> bool:
    letter = piece.height >= UPRIGHT * piece.width and piece.height >= RING * ink.side
    return not letter and ink.solidity(piece, filled=True) > FILLED


def _aligned(sure: list[Piece]) -> bool:
    """Whether two letters are of a size and stand on one line."""
    return any(
        abs(one.bottom - other.bottom) <= max(ALIGNED_PX, ALIGNED * one.height)
        and 2 * abs(one.height - other.height) <= one.height
        for one, other in combinations(sure, 2)
    )


def _bars(ink: Ink, line: list[Piece], pieces: list[Piece]) -> list[Piece]:
    """Level bars above or below a line of text."""
    top, bottom = min(piece.top for piece in line), max(piece.bottom for piece in line)
    left, right = min(piece.left for piece in line), max(piece.right for piece in line)
    return [
        piece
        for piece in pieces
        if piece.width >= SLENDER * piece.height
        and piece.fill >= BAR_FILL
        and max(piece.top - bottom, top - piece.bottom) <= BAR_REACH * (bottom - top)
        and max(piece.left, left) < min(piece.right, right)
        and ink.is_drawn(piece)
    ]
