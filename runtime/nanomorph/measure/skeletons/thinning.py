"""At what scale a domain is thinned, and which pixels of its skeleton are neighbours."""

from __future__ import annotations

import cv2
import numpy as np

from nanomorph.measure.skeletons.zhang_suen import Skeletons

THIN_TO_RADIUS = 8  # domains of a larger inscribed radius (px) are thinned at a coarser scale,
THIN_TO_WIDTH = 4  # but never so coarse that their parts fall below a width of so many px


def thinning_step(crop: np.ndarray, radius: float, typical_width: float) -> int:
    """How many times coarser a domain is thinned, from its inscribed radius and the usual width of its parts (px).

    Thinning costs a pass over the image per pixel of radius, and a centre line needs no finer grid; but the wires of
    a network must not close up because it is thick where many meet, nor its thin wires be a zigzag of blocks because
    others are thick.
    """
    step = max(1, int(min(radius / THIN_TO_RADIUS, typical_width / THIN_TO_WIDTH)))
    while step > 1 and _has_thin_parts(coarser(crop, step)):
        step -= 1
    return step


def _has_thin_parts(coarse: np.ndarray) -> bool:
    """Whether anything longer than that is narrower than THIN_TO_WIDTH: lost by an opening, and not as a rough rim.

    In a `coarser` image everything is wider by a pixel, half of one on either side.
    """
    binary, least = coarse.view(np.uint8), THIN_TO_WIDTH + 1
    opened = cv2.morphologyEx(binary, cv2.MORPH_OPEN, np.ones((least, least), np.uint8))
    lost = cv2.subtract(binary, cv2.dilate(opened, np.ones((3, 3), np.uint8)))
    sides = cv2.connectedComponentsWithStats(lost, connectivity=8)[2][1:, [cv2.CC_STAT_WIDTH, cv2.CC_STAT_HEIGHT]]
    return bool((sides > least).any())


def coarser(crop: np.ndarray, step: int) -> np.ndarray:
    """The largest value of every step x step block: what is thin beside a thick body must not fall apart."""
    binary = np.ascontiguousarray(crop).view(np.uint8)
    below, beside = (-side % step for side in crop.shape)
    whole = cv2.copyMakeBorder(binary, 0, below, 0, beside, cv2.BORDER_CONSTANT, value=0)
    return cv2.dilate(whole, np.ones((step, step), np.uint8), anchor=(0, 0))[::step, ::step].astype(bool)


def neighbours(skeletons: Skeletons) -> np.ndarray:
    """Pairs of 8-neighbours, int (2, m), by mask; no diagonal where two straight steps do it, so that a corner is no
    branching.
    """
    place = np.append(skeletons.place, [-1, -1, -1])
    here, n = skeletons.place, len(skeletons.place)
    right = place[1 : n + 1] == here + 1
    left = np.append(False, right[:-1])[:n]
    # The three below follow each other, where they are.
    wanted = here + skeletons.stride
    at = np.searchsorted(here, wanted - 1)
    below_left = place[at] == wanted - 1
    straight = at + below_left
    below = place[straight] == wanted
    across = straight + below
    below_right = place[across] == wanted + 1
    alone = ~below
    first = [np.flatnonzero(one) for one in (right, below, below_right & alone & ~right, below_left & alone & ~left)]
    second = (first[0] + 1, straight[first[1]], across[first[2]], at[first[3]])
    edges = np.stack([np.concatenate(first), np.concatenate(second)])
    return edges.take(np.argsort(skeletons.mask[edges[0]], kind="stable"), axis=1)
