"""The distance transform that every measure shares."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np


def distance_to_background(mask: np.ndarray) -> np.ndarray:
    """Exact Euclidean distance (px) of every pixel of `mask`, bool or 0/1 uint8 (H, W), to the nearest 0; float32.

    OpenCV's precise transform differs in its last bits from call to call (seen with 5.0), enough to turn a tie and
    so a table's digit. Squared distances between pixels are whole numbers: rounded to them, the result is one and
    the same.
    """
    distance = cv2.distanceTransform(np.ascontiguousarray(mask).view(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    # In place: frames can be large.
    for step in (np.square, np.rint, np.sqrt):
        step(distance, out=distance)
    return distance


LARGE = 1024  # crops with a longer side are searched for their deepest point at a coarser scale first


@dataclass(frozen=True, eq=False)
class Depth:
    """at: the pixel (x, y) of a domain farthest from its background; greatest, mean: how far pixels are from it (px).

    Over a ribbon the mean is a quarter of its width, over a disc a third of its radius.
    """

    at: np.ndarray
    greatest: float
    mean: float


def depth_of(crop: np.ndarray) -> Depth:
    """Depth of the pixels of a domain (bool (H, W)); beyond the crop all is background.

    Of a large crop the deepest point is sought among blocks of pixels that are foreground throughout and then around
    the deepest of them: it may miss a place that is deeper by less than a block.
    """
    height, width = crop.shape
    factor = -(-max(height, width) // LARGE)
    if factor == 1:
        return _depth(crop)
    binary = np.ascontiguousarray(crop).view(np.uint8)
    small = cv2.resize(binary * np.uint8(255), None, fx=1 / factor, fy=1 / factor, interpolation=cv2.INTER_AREA)
    usual = _depth(small >= 128)
    # Blocks with a hole in them are no place for an inscribed circle; a domain too thin for whole blocks has no other.
    whole = small == 255
    coarse = _depth(whole) if whole.any() else usual
    x, y = ((coarse.at + 0.5) * factor).astype(int)
    reach = int((coarse.greatest + 4) * factor)
    left, top = max(0, x - reach), max(0, y - reach)
    around = crop[top : y + reach, left : x + reach]
    fine = _alone(around)
    # Near the window's rim the distance to its outside is none to the background.
    centre = (slice(max(0, y - top - 2 * factor), y - top + 2 * factor + 1),
              slice(max(0, x - left - 2 * factor), x - left + 2 * factor + 1))  # fmt: skip
    row, column = np.unravel_index(int(fine[centre].argmax()), fine[centre].shape)
    at = np.array([left + centre[1].start + column, top + centre[0].start + row], float)
    return Depth(at, float(fine[centre][row, column]), usual.mean * factor)


def _depth(crop: np.ndarray) -> Depth:
    distance = _alone(crop)
    deepest = np.flatnonzero(distance == distance.max())
    # Along a ribbon of one width many are: one in the middle, as at the ends corners are rounded.
    row, column = np.unravel_index(int(deepest[len(deepest) // 2]), distance.shape)
    mean = float(distance.sum(dtype=np.float64)) / max(int(np.count_nonzero(crop)), 1)
    return Depth(np.array([column, row], float), float(distance[row, column]), mean)


def to_edge(mask: np.ndarray) -> np.ndarray:
    """Distance (px, float32) of the pixels of a mask (bool (H, W)) to its edge, which lies between pixels."""
    distance = _alone(mask)
    return np.subtract(distance, np.float32(0.5), out=distance, where=mask)


def _alone(mask: np.ndarray) -> np.ndarray:
    """`distance_to_background` where beyond a mask (bool (H, W)) all is background."""
    binary = np.ascontiguousarray(mask).view(np.uint8)
    return distance_to_background(cv2.copyMakeBorder(binary, 1, 1, 1, 1, cv2.BORDER_CONSTANT, value=0))[1:-1, 1:-1]
