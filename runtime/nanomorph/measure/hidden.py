"""What burnt-in letters and bars may hide a part of: domains and wires beside them."""

from __future__ import annotations

import cv2
import numpy as np
from scipy.spatial import cKDTree

from nanomorph.measure.ragged import Ragged

_AROUND = np.ones((3, 3), np.uint8)


def domains_beside(labels: np.ndarray, burnt_in: np.ndarray | None) -> np.ndarray:
    """The domains of a label image (H, W) next to what is burnt in (bool (H, W), or None), ascending."""
    if burnt_in is None:
        return np.zeros(0, labels.dtype)
    return np.setdiff1d(labels[cv2.dilate(burnt_in.view(np.uint8), _AROUND) > 0], 0)


def paths_beside(paths: Ragged, reach: np.ndarray, burnt_in: np.ndarray | None) -> np.ndarray:
    """Which of m paths, px of the field, come within their `reach` (m,) px of what is burnt in; bool (m,)."""
    if burnt_in is None or not burnt_in.any() or not len(paths):
        return np.zeros(len(paths), bool)
    inner = cv2.erode(burnt_in.view(np.uint8), _AROUND).view(bool)
    rim = np.argwhere(burnt_in & ~inner)[:, ::-1]
    gap = cKDTree(rim).query(paths.values, distance_upper_bound=np.nextafter(reach.max(), np.inf))[0]
    return np.asarray(np.minimum.reduceat(gap, paths.starts[:-1]) <= reach)
