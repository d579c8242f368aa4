"""From foreground to domains: touching particles separated.

Particles are cut apart only where their shape asks for it. Wires and networks are left whole: their pieces
between two narrow places are no particles. What a frame of particles shows beside them without being sure of it
(debris, grain of the support) is left out.
"""

from __future__ import annotations

import math

import cv2
import numpy as np

from nanomorph.measure.distance import to_edge
from nanomorph.measure.flood import flood
from nanomorph.measure.material import cleaned, least_area
from nanomorph.measure.parts import are_particles, merge, too_few
from nanomorph.measure.pieces import Pieces, greatest_of, pieces_of
from nanomorph.measure.rules import DEFAULT, Rule, Separation

# So few pieces are painted one by one: a label image of a large frame takes four times the memory.
FEW = 4
# Longer side, px, from which on every second (third, ...) pixel tells whether a frame is one of particles.
COARSE = 512


def segment(
    foreground: np.ndarray,
    interior: np.ndarray | None,
    threshold: float,
    nm_per_px: tuple[float, float] | None = None,
    options: Separation = DEFAULT,
) -> np.ndarray:
    """Domains of a foreground probability, float32 (H, W) in 0..1: `cleaned`, then `separated`."""
    return separated(cleaned(foreground, threshold, nm_per_px, options), interior, nm_per_px, options)


def separated(
    mask: np.ndarray,
    interior: np.ndarray | None,
    nm_per_px: tuple[float, float] | None = None,
    options: Separation = DEFAULT,
) -> np.ndarray:
    """Domains of a mask, bool (H, W).

    interior: float32 (H, W) in 0..1, high deep inside an instance and low between touching ones, or None where no
    segmenter has learned it.

    Returns int32 (H, W), 0 = background, domains numbered from 1 without gaps.
    """
    least = least_area(mask.shape, nm_per_px, options)
    pieces = pieces_of(mask, 8)
    # Without a learned interior all large ones ask for it, and boxes may overlap.
    distance = to_edge(mask) if interior is None else None
    cut = {}
    large = _large(pieces, mask, interior, 2 * least, options).tolist()
    for number in large:
        top, left, bottom, right = pieces.boxes[number].tolist()
        box = np.s_[top:bottom, left:right]
        inside = pieces.only(number)[box] if len(large) <= FEW else pieces.labels[box] == number + 1
        depth, learned = (None if whole is None else whole[box] for whole in (distance, interior))
        parts = split(inside, depth, learned, options)
        if parts is not None:
            cut[number] = box, inside, parts
    counts = np.ones(len(pieces), np.int32)
    counts[list(cut)] = [parts.max() for _, _, parts in cut.values()]
    before = np.cumsum(counts, dtype=np.int32) - counts
    result = pieces.painted(before + 1)
    for number, (box, inside, parts) in cut.items():
        result[box][inside] = parts[inside] + before[number]
    return result if interior is None else without_unsure(result, interior, options)


def _large(
    pieces: Pieces, mask: np.ndarray, interior: np.ndarray | None, least: int, options: Separation
) -> np.ndarray:
    """Pieces of at least so many px, without those in whose learned interior just one particle shows: int (k,)."""
    large = pieces.area >= least
    if interior is not None:
        seeds = pieces_of(mask & (interior > options.seed), 4)
        owner = pieces.owner(seeds)[seeds.greatest(interior) >= options.seed_peak]
        large &= np.bincount(owner, minlength=len(pieces)) != 1
    return np.flatnonzero(large)


def split(
    inside: np.ndarray, distance: np.ndarray | None, interior: np.ndarray | None, options: Separation
) -> np.ndarray | None:
    """Cut one component into particles: int32, 1..n inside, 0 outside; None where it is to stay whole.

    inside: bool (h, w), its pixels. distance: `to_edge` of them, None where it is not known. interior: as in `segment`.
    """
    if interior is not None and interior.max(where=inside, initial=0) < options.seed_peak:
        interior = None  # nothing was learned about this one
    rule = options.by_shape if interior is None else options.by_interior
    seeds = None if interior is None else _learned_seeds(inside, interior, options)
    if seeds is not None and seeds.max() < 2:
        return None
    depth = to_edge(inside) if distance is None else np.where(inside, distance, np.float32(0))
    if is_wire(depth[inside], rule):
        return None
    if seeds is None:
        seeds = _maxima(depth)
    if seeds.max() < 2 or too_few(seeds, inside, depth, rule):
        return None
    # Particles that overlap have no narrow place, but an interior each.
    height = depth if interior is None else interior
    parts = merge(flood(height, seeds, inside), depth, interior, rule)
    return parts if parts.max() > 1 and are_particles(parts, depth, rule) else None


def without_unsure(labels: np.ndarray, interior: np.ndarray, options: Separation) -> np.ndarray:
    """Leave the unsure domains of a label image (int32 (H, W)) out, where the sure ones are particles: int32 (H, W).

    Of wires, networks and textures nothing is left out: their faint parts belong to them.
    """
    sure = greatest_of(labels, interior) >= options.sure
    sure[0] = False
    if sure[1:].all():
        return labels
    step = math.ceil(max(labels.shape) / COARSE)
    coarse = labels[::step, ::step]
    if not are_particles(np.where(sure[coarse], coarse, 0), to_edge(coarse > 0), options.by_shape):
        return labels
    return (np.cumsum(sure, dtype=np.int32) * sure)[labels]


def is_wire(half_width: np.ndarray, rule: Rule) -> bool:
    """Whether distances to the background are those of a long ribbon of one width.

    Over a ribbon of width w they are w/4 on average, w/2 at most; over any shape whose sides touch one circle
    (disc, square, hexagon) a third of that circle's radius, and its radius. Length is area / width.
    """
    mean = max(float(half_width.mean()), 0.25)
    top = float(np.percentile(half_width, 98))
    return top <= rule.uniform * 2 * mean and half_width.size / (4 * mean) ** 2 >= rule.slender


def _maxima(depth: np.ndarray) -> np.ndarray:
    """Local maxima (in 5 x 5 px) of the smoothed distance to the background, numbered."""
    smooth = cv2.GaussianBlur(depth, (0, 0), 1.0)
    top = (smooth >= cv2.dilate(smooth, np.ones((5, 5), np.uint8))) & (depth > 1)
    return cv2.connectedComponents(top.astype(np.uint8), connectivity=8)[1]


def _learned_seeds(inside: np.ndarray, interior: np.ndarray, options: Separation) -> np.ndarray:
    """Pieces of the learned interior, numbered; 4-connected, as touching seeds meet at corners first."""
    on = inside & (interior > options.seed)
    n, seeds = cv2.connectedComponents(on.view(np.uint8), connectivity=4)
    sure = np.bincount(seeds[on & (interior >= options.seed_peak)], minlength=n) > 0
    seeds[on] = (np.cumsum(sure) * sure)[seeds[on]]
    return seeds
