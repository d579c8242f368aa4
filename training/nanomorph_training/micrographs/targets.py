"""What the segmenter learns from a mask: foreground, and the interior that tells touching particles apart."""

from __future__ import annotations

import cv2
import numpy as np
from scipy import ndimage
from skimage.morphology import skeletonize

FOREGROUND, INTERIOR, SEAM = 1, 2, 4
# Interior begins at this share of the way from an edge to the middle: separate enough for touching
# particles to fall apart, large enough for small particles to keep a core.
CORE = 0.35
# A seam: two instances lie within a disc of so many px across.
ACROSS = 7


def target(mask: np.ndarray, by_instance: bool) -> np.ndarray:
    """uint8 (H, W) of bits for an integer mask (H, W): FOREGROUND, INTERIOR, SEAM where instances are told apart."""
    foreground = mask > 0
    interior = instance_interior(mask) if by_instance else union_interior(foreground)
    bits = foreground * np.uint8(FOREGROUND) + interior * np.uint8(INTERIOR)
    return bits + seams(mask) * np.uint8(SEAM) if by_instance else bits


def seams(instances: np.ndarray) -> np.ndarray:
    """bool (H, W): pixels with two instances within reach, which their interiors are to keep apart.

    instances: int (H, W), 0 = background.
    """
    around = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (ACROSS, ACROSS))
    numbers = instances.astype(np.float32)
    greatest = cv2.dilate(numbers, around)
    least = cv2.erode(np.where(instances > 0, numbers, np.inf).astype(np.float32), around)
    return np.isfinite(least) & (greatest > least)


def instance_interior(instances: np.ndarray) -> np.ndarray:
    """Pixels farther from their own instance's edge than CORE of that instance's largest inner distance.

    instances: int (H, W), 0 = background. The border of the image is no edge: a particle cut by it goes on.
    """
    interior = np.zeros(instances.shape, dtype=bool)
    for number, box in enumerate(ndimage.find_objects(instances), start=1):
        if box is not None:
            distance = _inner_distance(instances[box] == number, box, instances.shape)
            interior[box] |= distance > CORE * distance.max()
    return interior


def _inner_distance(inside: np.ndarray, box: tuple[slice, slice], shape: tuple[int, int]) -> np.ndarray:
    at_border = [(span.start == 0, span.stop == side) for span, side in zip(box, shape, strict=True)]
    padded = np.pad(inside, 1)
    for axis, (first, last) in enumerate(at_border):
        edges = np.moveaxis(padded, axis, 0)
        if first:
            edges[0] = edges[1]
        if last:
            edges[-1] = edges[-2]
    if padded.all():
        return np.ones(inside.shape)
    return ndimage.distance_transform_edt(padded)[1:-1, 1:-1]


def union_interior(foreground: np.ndarray) -> np.ndarray:
    """Interior relative to the local width: a wire that thins out, or a net of wires, stays in one piece.

    The local half width of a pixel is the inner distance at the nearest pixel of the skeleton.
    """
    if not foreground.any():
        return np.zeros(foreground.shape, dtype=bool)
    padded = np.pad(foreground, 1, mode="edge")
    if padded.all():
        return np.ones(foreground.shape, dtype=bool)
    distance = ndimage.distance_transform_edt(padded)
    skeleton = skeletonize(padded)
    nearest = ndimage.distance_transform_edt(~skeleton, return_distances=False, return_indices=True)
    half_width = distance[tuple(nearest)]
    return (padded & (distance > CORE * half_width))[1:-1, 1:-1]
