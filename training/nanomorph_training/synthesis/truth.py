"""Is the label of a synthetic field true? Decided on its exact mask alone."""

from __future__ import annotations

import cv2
import numpy as np

from nanomorph_training.kinds import EMPTY, FOREIGN

GAP_PX = 2  # pieces no further apart than this count as joined


def domain_labels(mask: np.ndarray, gap: bool = False) -> tuple[np.ndarray, np.ndarray]:
    """Connected pieces of a bool mask (H, W): labels int32, cv2's statistics; `gap`: joined over 2 px."""
    reach = GAP_PX + 1 if gap else 1
    image = cv2.dilate(mask.astype(np.uint8), np.ones((reach, reach), np.uint8))
    _, labels, stats, _ = cv2.connectedComponentsWithStats(image, connectivity=8)
    return labels, stats


def percolates(mask: np.ndarray) -> bool:
    """True where one piece, joined over gaps of 2 px, spans the field (H, W) in x and y (to 2 px)."""
    _, stats = domain_labels(mask, gap=True)
    height, width = mask.shape
    wide = stats[1:, cv2.CC_STAT_WIDTH] >= width - 2
    return bool((wide & (stats[1:, cv2.CC_STAT_HEIGHT] >= height - 2)).any())


def domain_sizes(mask: np.ndarray, least_px: float, gap: bool = False) -> np.ndarray:
    """Areas in px of the domains larger than `least_px`, largest first."""
    areas = domain_labels(mask, gap)[1][1:, cv2.CC_STAT_AREA]
    return np.sort(areas[areas >= least_px])[::-1]


def is_true(label: str, mask: np.ndarray, width_px: float) -> bool:
    """Does the visible foreground (H, W) deserve its label? width_px: typical width of its wires."""
    least = 2 * width_px**2  # smaller pieces are stumps at the edge of the field
    if label == "singular":
        return _singular(mask, least)
    if label == "dispersed":
        return _dispersed(mask, least)
    if label == "network":
        return _network(mask, least)
    if label == "grid":
        return percolates(mask) and bool(mask.mean() < 0.7)
    if label in (EMPTY, FOREIGN):
        return not mask.any()
    return _bundle(mask) if label == "bundle" else bool(mask.any())


def _singular(mask: np.ndarray, least: float) -> bool:
    sizes = domain_sizes(mask, least)
    seen = domain_sizes(mask, 1)
    return bool(1 <= len(sizes) <= 2 and len(seen) <= 2 and 0.002 < mask.mean() < 0.3)


def _dispersed(mask: np.ndarray, least: float) -> bool:
    sizes = domain_sizes(mask, least, gap=True)
    return bool(len(sizes) >= 5 and sizes[0] < 0.5 * sizes.sum()) and not percolates(mask)


def _network(mask: np.ndarray, least: float) -> bool:
    sizes = domain_sizes(mask, least, gap=True)
    return percolates(mask) and bool(mask.mean() < 0.7 and sizes[0] > 0.7 * sizes.sum())


def _bundle(mask: np.ndarray) -> bool:
    """One mass: a disc of 0.14 of the field's side fits into the foreground."""
    if not 0.15 <= mask.mean() <= 0.7:
        return False
    padded = cv2.copyMakeBorder(mask.astype(np.uint8), 1, 1, 1, 1, cv2.BORDER_REPLICATE)
    return bool(2 * cv2.distanceTransform(padded, cv2.DIST_L2, 3).max() >= 0.14 * min(mask.shape))
