"""The domains of a label image, each on a crop of its own, its pixels made squares."""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np

from nanomorph.measure.pieces import boxes_of, runs_of

# Where it stretches OpenCV interpolates at 32 places between two pixels: by one of them it looks farther on, so that of
# places half-way between a pixel inside and one outside those at a domain's begin are in, those at its end out.
_NEXT = 1 / 32
ISOTROPIC = 1e-3  # pixel sizes in x and y that differ by less than this share are taken as equal


@dataclass(frozen=True, eq=False)
class Crop:
    """The pixels of one domain (bool (H, W)); `corner` is their first row and column in the field."""

    domain: int
    corner: tuple[int, int]
    pixels: np.ndarray


def crops_of(labels: np.ndarray) -> list[Crop]:
    """One crop for every domain of a label image (H, W), ascending."""
    bounds = np.append(runs_of(labels), labels.size)
    owner = labels.ravel()[bounds[:-1]].astype(int)
    boxes = boxes_of(owner, bounds[:-1], bounds[1:], labels.shape[1], int(owner.max(initial=0)) + 1)
    return [
        Crop(domain, (top, left), labels[top:bottom, left:right] == domain)
        for domain, (top, left, bottom, right) in enumerate(boxes.tolist())
        if domain and bottom
    ]


def anisotropic(nm_per_px: tuple[float, float]) -> bool:
    """Whether pixels are oblong enough for lengths to depend on it."""
    return abs(nm_per_px[0] - nm_per_px[1]) > ISOTROPIC * min(nm_per_px)


def to_square_pixels(crop: np.ndarray, nm_per_px: tuple[float, float]) -> np.ndarray:
    """Resample a crop (bool) onto squares of the smaller of the two pixel sizes (linear, cut at one half)."""
    side = min(nm_per_px)
    padded = np.pad(crop.astype(np.float32), 1)
    x, y = nm_per_px[0] / side, nm_per_px[1] / side
    size = tuple(math.ceil(n * by) for n, by in zip(padded.shape[::-1], (x, y), strict=True))
    # By exactly that factor: rounded to whole pixels a narrow domain would be up to half a pixel wider or narrower.
    by = np.array([[x, 0, _begin(x)], [0, y, _begin(y)]])
    return cv2.warpAffine(padded, by, size, flags=cv2.INTER_LINEAR) > 0.5


def _begin(stretch: float) -> float:
    """Where the first pixel's centre comes to lie along an axis that is stretched so many times."""
    return 0.5 * stretch - 0.5 - (_NEXT * stretch if stretch > 1 else 0.0)
