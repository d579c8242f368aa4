"""Components flooded from seeds: which particle every pixel belongs to."""

from __future__ import annotations

import cv2
import numpy as np

# Seed pixels up to which all of them are flooded from. Of more the rims alone: of packed particles that takes from an
# eighteenth to a sixth of the time, and none of the queue's 40 bytes for each pixel within. Not always, because pixels
# of equal height wait in no order of their own: 123 of 4.7 million px of real micrographs would go to the other side.
MANY = 2**20


def flood(height: np.ndarray, seeds: np.ndarray, inside: np.ndarray) -> np.ndarray:
    """The seed from which each pixel is reached first, highest pixels before others: int32 (h, w), 0 outside.

    height: float32 (h, w). seeds: int32 (h, w), numbered from 1, which keep their pixels. inside: bool (h, w):
    4-connected ways lead through it, and what none leads to stays 0. Watershed by flooding (Meyer 1991).
    """
    # Few frames have particles that touch.
    from skimage.segmentation import watershed

    if np.count_nonzero(seeds) <= MANY:
        return watershed(-height, seeds, mask=inside)
    loose = inside & (seeds == 0)
    reached = cv2.dilate(loose.view(np.uint8), cv2.getStructuringElement(cv2.MORPH_CROSS, (3, 3))).view(bool) & inside
    parts = watershed(-height, np.where(reached, seeds, 0), mask=reached)
    np.copyto(parts, seeds, where=seeds > 0)
    return parts
