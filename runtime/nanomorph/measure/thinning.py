"""Thinning of one domain to the pixels of its skeleton, and which of them are neighbours."""

from __future__ import annotations

from itertools import product

import cv2
import numpy as np
from skimage.morphology import skeletonize

from nanomorph.cores import pool, threads

THIN_TO_RADIUS = 8  # domains of a larger inscribed radius (px) are thinned at a coarser scale,
THIN_TO_WIDTH = 4  # but never so coarse that their parts fall below a width of so many px
TILE = 512  # px


def thinning_step(crop: np.ndarray, radius: float, typical_width: float) -> int:
    """How many times coarser a domain is thinned, from its inscribed radius and the usual width of its parts (px).

    Thinning costs a pass over the image per pixel of radius, and a centre line needs no finer grid; but the wires of
    a network must not close up because it is thick where many meet, nor its thin wires be a zigzag of blocks because
    others are thick.
    """
    step = max(1, int(min(radius / THIN_TO_RADIUS, typical_width / THIN_TO_WIDTH)))
    while step > 1 and _has_thin_parts(_coarser(crop, step)):
        step -= 1
    return step


def _has_thin_parts(coarse: np.ndarray) -> bool:
    """Whether anything longer than that is narrower than THIN_TO_WIDTH: lost by an opening, and not as a rough rim.

    In a `_coarser` image everything is wider by a pixel, half of one on either side.
    """
    binary, least = coarse.view(np.uint8), THIN_TO_WIDTH + 1
    opened = cv2.morphologyEx(binary, cv2.MORPH_OPEN, np.ones((least, least), np.uint8))
    lost = cv2.subtract(binary, cv2.dilate(opened, np.ones((3, 3), np.uint8)))
    sides = cv2.connectedComponentsWithStats(lost, connectivity=8)[2][1:, [cv2.CC_STAT_WIDTH, cv2.CC_STAT_HEIGHT]]
    return bool((sides > least).any())


def thin(crop: np.ndarray, step: int) -> tuple[np.ndarray, np.ndarray]:
    """Skeleton (Zhang and Suen 1984) of a crop reduced `step` times: points in px of the crop, and edges."""
    binary = np.pad(crop if step == 1 else _coarser(crop, step), 1)
    at = np.flatnonzero(_skeleton(binary))
    rows, columns = np.divmod(at, binary.shape[1])
    points = (np.stack([columns, rows], axis=1) - 0.5) * step - 0.5
    return points, _edges(at, binary.shape[1])


def _skeleton(binary: np.ndarray) -> np.ndarray:
    """`skeletonize` of bool (H, W), of large ones tile by tile: a tile is done when it is thin, and many are empty.

    A pass looks one pixel far and thinning takes two for every pixel of depth: what the cut at the border of a tile
    changes ends within its margin, and the result is that of the whole.
    """
    if max(binary.shape) <= TILE:
        return skeletonize(binary)
    # In bytes, in a third of the time: from 255 px on all is thinned at once anyway.
    depth = cv2.distanceTransform(binary.view(np.uint8), cv2.DIST_L1, 3, dstType=cv2.CV_8U).max()
    margin = 2 * int(depth) + 4
    if 2 * margin > TILE:
        return skeletonize(binary)
    thinned = np.zeros_like(binary)

    def thin_tile(top: int, left: int) -> None:
        above, before = max(0, top - margin), max(0, left - margin)
        around = binary[above : top + TILE + margin, before : left + TILE + margin]
        if around.any():
            tile = np.s_[top - above : top - above + TILE, left - before : left - before + TILE]
            thinned[top : top + TILE, left : left + TILE] = skeletonize(around)[tile]

    corners = product(*(range(0, side, TILE) for side in binary.shape))
    with pool(threads(), "thin") as workers:
        list(workers.map(thin_tile, *zip(*corners, strict=True)))
    return thinned


def _coarser(crop: np.ndarray, step: int) -> np.ndarray:
    """The largest value of every step x step block: what is thin beside a thick body must not fall apart."""
    binary = np.ascontiguousarray(crop).view(np.uint8)
    below, beside = (-side % step for side in crop.shape)
    whole = cv2.copyMakeBorder(binary, 0, below, 0, beside, cv2.BORDER_CONSTANT, value=0)
    return cv2.dilate(whole, np.ones((step, step), np.uint8), anchor=(0, 0))[::step, ::step].astype(bool)


def _edges(at: np.ndarray, width: int) -> np.ndarray:
    """Pairs of 8-neighbours; no diagonal where two straight steps do it, so that a corner is no branching.

    at: ascending, in the raveled image of so many columns; no point is in the first or last column.
    """
    right, below, left = (_number(at, at + shift) for shift in (1, width, -1))
    pairs = [(right, None), (below, None), (_number(at, at + width + 1), right), (_number(at, at + width - 1), left)]
    found = [other >= 0 if side is None else (other >= 0) & (below < 0) & (side < 0) for other, side in pairs]
    return np.concatenate(
        [np.stack([np.flatnonzero(one), other[one]], axis=1) for one, (other, _) in zip(found, pairs, strict=True)]
    )


def _number(at: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """Which of the places `at` (ascending) each one wanted is, -1 where it is none."""
    number = np.minimum(np.searchsorted(at, wanted), len(at) - 1)
    return np.where(at[number] == wanted, number, -1)
