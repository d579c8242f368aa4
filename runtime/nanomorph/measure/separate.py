"""From foreground probability to domains: specks and pinholes removed, touching particles separated.

Particles are cut apart only where their shape asks for it. Wires and networks are left whole: their pieces
between two narrow places are no particles.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np
from scipy.ndimage import find_objects
from skimage.segmentation import watershed


@dataclass(frozen=True)
class Separation:
    """What is removed and what is cut.

    min_area_px, min_field_share, min_diameter_nm: the largest of the three areas (px, share of the field,
        disc of that diameter) is the least a domain or a hole must have.
    peak: a domain reaches at least this share of the way from the threshold to certainty somewhere.
    neck: two maxima of the distance transform are two particles where the pass between them is lower than
        this share of the lower maximum.
    neck_learned: the same for seeds that the segmenter has drawn (its `interior` channel).
    compact: a piece is a particle if its area is at most so many times its inscribed circle's.
    uniform: a component is a wire if its greatest half-width is at most so many times the mean one (discs,
        squares and other compact shapes: 1.5; a ribbon: 1) and it is at least `slender` widths long.
    """

    min_area_px: int = 12
    min_field_share: float = 2e-5
    min_diameter_nm: float = 1.0
    peak: float = 0.3
    neck: float = 0.8
    neck_learned: float = 0.95
    compact: float = 3.0
    majority: float = 0.5
    uniform: float = 1.15
    seed_peak: float = 0.7
    valley: float = 0.35
    slender: float = 6.0


DEFAULT = Separation()


def segment(
    foreground: np.ndarray,
    interior: np.ndarray | None,
    threshold: float,
    nm_per_px: tuple[float, float] | None = None,
    options: Separation = DEFAULT,
) -> np.ndarray:
    """Domains of a foreground probability.

    foreground, interior: float32 (H, W) in 0..1; interior is high deep inside an instance and low between
    touching ones, or None where no segmenter has learned it. threshold: foreground where p >= threshold.
    nm_per_px: (x, y) where known, for the least diameter in nm.

    Returns int32 (H, W), 0 = background, domains numbered from 1 in reading order of their first pixels.
    """
    least = least_area(foreground.shape, nm_per_px, options)
    mask = clean(foreground, threshold, least, options.peak)
    _, labels = cv2.connectedComponents(mask, connectivity=8)
    distance = cv2.distanceTransform(np.pad(mask, 1), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)[1:-1, 1:-1]
    distance -= 0.5 * mask
    offset = 0
    result = np.zeros(labels.shape, np.int32)
    for index, box in enumerate(find_objects(labels)):
        if box is None:
            continue
        inside = labels[box] == index + 1
        parts = split(inside, distance[box], None if interior is None else interior[box], least, options)
        result[box][inside] = parts[inside] + offset
        offset += int(parts.max())
    return result


def least_area(shape: tuple[int, ...], nm_per_px: tuple[float, float] | None, options: Separation) -> int:
    """Least area of a domain or a hole, px."""
    physical = 0.0
    if nm_per_px is not None:
        physical = math.pi / 4 * options.min_diameter_nm**2 / math.prod(nm_per_px)
    return math.ceil(max(options.min_area_px, options.min_field_share * math.prod(shape), physical))


def clean(foreground: np.ndarray, threshold: float, least: int, peak: float) -> np.ndarray:
    """uint8 (H, W): foreground by two-level threshold, without pieces and holes of less than `least` px."""
    mask = (foreground >= threshold).astype(np.uint8)
    n, pieces, stats, _ = cv2.connectedComponentsWithStats(mask, connectivity=8)
    sure = foreground >= min(threshold + peak * (1 - threshold), 1.0)
    kept = (np.bincount(pieces[sure], minlength=n) > 0) & (stats[:, cv2.CC_STAT_AREA] >= least)
    kept[0] = False
    mask = kept[pieces].astype(np.uint8)
    _, holes, stats, _ = cv2.connectedComponentsWithStats(1 - mask, connectivity=4)
    filled = stats[:, cv2.CC_STAT_AREA] < least
    filled[0] = False
    filled &= ~_at_edge(stats, mask.shape)
    mask[filled[holes]] = 1
    return mask


def _at_edge(stats: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    left, top, width, height = stats[:, :4].T
    return (left == 0) | (top == 0) | (left + width == shape[1]) | (top + height == shape[0])


def split(
    inside: np.ndarray,
    distance: np.ndarray,
    interior: np.ndarray | None,
    least: int,
    options: Separation,
) -> np.ndarray:
    """Cut one component into particles: int32, 1..n inside, 0 outside; all 1 where it is to stay whole.

    inside: bool (h, w), its pixels. distance: to the background (px). interior: learned channel or None.
    """
    whole = inside.astype(np.int32)
    half_width = distance[inside]
    if len(half_width) < 2 * least or is_wire(half_width, options):
        return whole
    seeds = _seeds(inside, distance, interior, options)
    if seeds.max() < 2:
        return whole
    depth = np.where(inside, distance, 0).astype(np.float32)
    parts = watershed(-depth, seeds, mask=inside)
    if interior is None:
        parts = merge(parts, depth, options.neck)
    else:
        parts = merge(parts, depth, options.neck_learned, interior, options.valley)
    return parts if parts.max() > 1 and _are_particles(parts, depth, options) else whole


def is_wire(half_width: np.ndarray, options: Separation) -> bool:
    """Whether distances to the background are those of a long ribbon of one width.

    Over a ribbon of width w they are w/4 on average, w/2 at most; over any shape whose sides touch one circle
    (disc, square, hexagon) a third of that circle's radius, and its radius. Length is area / width.
    """
    mean = float(half_width.mean())
    top = float(np.percentile(half_width, 98))
    return top <= options.uniform * 2 * mean and half_width.size / (4 * mean) ** 2 >= options.slender


def _seeds(inside: np.ndarray, distance: np.ndarray, interior: np.ndarray | None, options) -> np.ndarray:
    """int32 (h, w): where particles may be, from the learned interior or the maxima of the distance."""
    if interior is not None:
        found = ((interior > 0.5) & inside).astype(np.uint8)
        n, seeds = cv2.connectedComponents(found, connectivity=4)
        sure = np.bincount(seeds[(interior >= options.seed_peak)&inside], minlength=n) > 0
        sure[0] = False
        return (np.cumsum(sure)*sure)[seeds]
    smooth = cv2.GaussianBlur(np.where(inside, distance, 0).astype(np.float32), (0, 0), 1.0)
    top = (smooth >= cv2.dilate(smooth, np.ones((5, 5), np.uint8))) & inside & (distance > 1)
    return cv2.connectedComponents(top.astype(np.uint8), connectivity=8)[1]


def merge(parts: np.ndarray, depth: np.ndarray, neck: float, interior=None, valley=2.) -> np.ndarray:
    """Join adjacent parts between which the pass is not lower than `neck` x the lower maximum."""
    n = int(parts.max())
    height = np.zeros(n + 1)
    np.maximum.at(height, parts.ravel(), depth.ravel())
    first, second, saddle = borders(parts, depth)
    shallow = borders(parts, interior)[2] > valley if interior is not None else np.ones(len(saddle),bool)
    first,second,saddle = first[shallow],second[shallow],saddle[shallow]
    root = np.arange(n + 1)
    joined = True
    while joined:
        joined = False
        for k in np.argsort(-saddle, kind="stable"):
            a, b = _root(root, first[k]), _root(root, second[k])
            if a != b and saddle[k] > neck * min(height[a], height[b]):
                a, b = min(a, b), max(a, b)
                root[b], height[a], joined = a, max(height[a], height[b]), True
    _, number = np.unique([_root(root, k) for k in range(n + 1)], return_inverse=True)
    return number[parts].astype(np.int32)


def _root(root: np.ndarray, k: int) -> int:
    while root[k] != k:
        k = int(root[k])
    return int(k)


def borders(parts: np.ndarray, depth: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Pairs of adjacent parts (a < b), and the highest pass between them."""
    a, b, height = [], [], []
    for here, there in ((np.s_[:, :-1], np.s_[:, 1:]), (np.s_[:-1], np.s_[1:])):
        touching = (parts[here] != parts[there]) & (parts[here] > 0) & (parts[there] > 0)
        a.append(np.minimum(parts[here], parts[there])[touching])
        b.append(np.maximum(parts[here], parts[there])[touching])
        height.append(np.minimum(depth[here], depth[there])[touching])
    pairs, which = np.unique(np.stack([np.concatenate(a), np.concatenate(b)]), axis=1, return_inverse=True)
    saddle = np.zeros(pairs.shape[1])
    np.maximum.at(saddle, which.ravel(), np.concatenate(height))
    return pairs[0], pairs[1], saddle


def _are_particles(parts: np.ndarray, depth: np.ndarray, options: Separation) -> bool:
    """Whether most of the area is in compact parts."""
    area = np.bincount(parts.ravel())[1:]
    radius = np.zeros(len(area) + 1)
    np.maximum.at(radius, parts.ravel(), depth.ravel())
    compact = area <= options.compact * math.pi * radius[1:] ** 2
    return bool(area[compact].sum() > options.majority * area.sum())
