"""Burnt-in white letters and scale bars: found so that they are neither seen by the model nor measured.

Only what cannot be material is taken: 8-bit frames, plateaus of pure white (a recorded image has grain, drawn
letters have none) with strokes thin against the frame, lying in its outer part, and little of it altogether.
Dark letters are left alone: small dark particles look like them.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import cv2
import numpy as np

from nanomorph.micrograph import Box

WHITE = 253
# Shares of the shorter side: half-width of the thickest stroke, how far from an edge, reach of antialiasing.
THICKEST, OUTER, MARGIN = 0.04, 0.25, 0.008
# Gray a few px beside a stroke: drawn letters end at once, a saturated specimen fades out.
BESIDE = 225
# More white than this is a saturated specimen, not a label.
MOST = 0.06


def burnt_in(pixels: np.ndarray, drawn: Sequence[Box] = ()) -> np.ndarray | None:
    """Bool (H, W), True on burnt-in annotation and just around it; None where there is none.

    drawn: boxes already known to hold text or a bar, of any gray (from the reader of scale bars).
    """
    white = _white(pixels) if pixels.dtype == np.uint8 else None
    if not drawn:
        return white
    found = np.zeros(pixels.shape, bool) if white is None else white
    margin = max(2, round(MARGIN * min(pixels.shape)))
    for left, top, right, bottom in drawn:
        rows = slice(max(0, int(top) - margin), math.ceil(bottom) + margin)
        found[rows, max(0, int(left) - margin) : math.ceil(right) + margin] = True
    return found


def _white(pixels: np.ndarray) -> np.ndarray | None:
    """Burnt-in white letters and bars of an 8-bit frame."""
    white = (pixels >= WHITE).astype(np.uint8)
    plateau = cv2.erode(white, np.ones((3, 3), np.uint8))
    if not plateau.any() or white.mean() > MOST:
        return None
    drawn = _drawn_pieces(pixels, white, plateau)
    if not drawn.any():
        return None
    side = min(pixels.shape)
    # Closed, so that the text inside a white box and the gaps of letters go with them.
    reach = max(3, round(3 * MARGIN * side))
    closed = cv2.morphologyEx(drawn, cv2.MORPH_CLOSE, np.ones((2 * reach + 1, 2 * reach + 1), np.uint8))
    margin = max(2, round(MARGIN * side))
    return cv2.dilate(closed, np.ones((2 * margin + 1, 2 * margin + 1), np.uint8)) > 0


def _drawn_pieces(pixels: np.ndarray, white: np.ndarray, plateau: np.ndarray) -> np.ndarray:
    """uint8 (H, W): white pieces that hold a plateau, are thin, end sharply and reach into the outer part."""
    height, width = white.shape
    side = min(height, width)
    _, pieces, boxes, _ = cv2.connectedComponentsWithStats(white, connectivity=8)
    thickness = cv2.distanceTransform(np.pad(white, 1), cv2.DIST_L2, 3)[1:-1, 1:-1]
    kept = np.zeros(len(boxes), np.uint8)
    for number in np.unique(pieces[plateau > 0]):
        left, top, wide, high, _ = boxes[number]
        gap = min(left, top, width - left - wide, height - top - high)
        region = (slice(max(0, top - 4), top + high + 4), slice(max(0, left - 4), left + wide + 4))
        piece = (pieces[region] == number).astype(np.uint8)
        thickest = (thickness[region] * piece).max()
        thin_and_outer = number > 0 and gap <= OUTER * side and thickest <= THICKEST * side
        kept[number] = thin_and_outer and _beside(pixels[region], piece) <= BESIDE
    return kept[pieces]


def _beside(pixels: np.ndarray, piece: np.ndarray) -> float:
    """Gray that three quarters of the ring 2 to 4 px outside a piece stay below.

    Not the median: a saturated rim (particles in an SEM) ends sharply on its outer side, and fades on its inner one.
    """
    near, far = (cv2.dilate(piece, np.ones((size, size), np.uint8)) > 0 for size in (5, 9))
    ring = pixels[far & ~near]
    return float(np.percentile(ring, 75)) if ring.size else 255.0
