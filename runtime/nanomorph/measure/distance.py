"""The distance transform that every measure shares."""

from __future__ import annotations

import cv2
import numpy as np


def distance_to_background(mask: np.ndarray) -> np.ndarray:
    """Exact Euclidean distance (px) of every pixel of `mask`, bool or 0/1 (H, W), to the nearest 0; float32.

    OpenCV's precise transform differs in its last bits from call to call (seen with 5.0), enough to turn a tie and
    so a table's digit. Squared distances between pixels are whole numbers: rounded to them, the result is one and
    the same.
    """
    distance = cv2.distanceTransform(
        np.ascontiguousarray(mask).astype(np.uint8, copy=False), cv2.DIST_L2, cv2.DIST_MASK_PRECISE
    )
    return np.sqrt(np.rint(np.square(distance)))
