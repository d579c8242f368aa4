"""From foreground to domains: touching particles separated.

Particles are cut apart only where their shape asks for it. Wires and networks are left whole: their pieces
between two narrow places are no particles. What a frame of particles shows beside them (`debris`) is left out.
"""

from __future__ import annotations

import numpy as np

from nanomorph.measure.distance import to_edge
from nanomorph.measure.pieces import pieces_of
from nanomorph.measure.separating.debris import without_debris
from nanomorph.measure.separating.flood import flood, hung_on
from nanomorph.measure.separating.material import cleaned, least_area
from nanomorph.measure.separating.parts import are_particles, merge, too_few
from nanomorph.measure.separating.rules import DEFAULT, Separation
from nanomorph.measure.separating.seeds import Shown, beads_of, is_wire, learned_seeds, maxima

# So few pieces are painted one by one: a label image of a large frame takes four times the memory.
FEW = 4


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
    shown = None if interior is None else Shown.of(pieces, mask, interior, options)
    asks = pieces.area >= 2 * least
    if shown is not None:
        asks &= ~shown.one_particle(len(pieces))
    large = np.flatnonzero(asks).tolist()
    for number in large:
        top, left, bottom, right = pieces.boxes[number].tolist()
        box = np.s_[top:bottom, left:right]
        inside = pieces.only(number)[box] if len(large) <= FEW else pieces.labels[box] == number + 1
        depth, learned = (None if whole is None else whole[box] for whole in (distance, interior))
        parts = split(inside, depth, learned, options, beads=shown is not None and shown.beads)
        if parts is not None:
            cut[number] = box, inside, parts
    counts = np.ones(len(pieces), np.int32)
    counts[list(cut)] = [parts.max() for _, _, parts in cut.values()]
    before = np.cumsum(counts, dtype=np.int32) - counts
    result = pieces.painted(before + 1)
    for number, (box, inside, parts) in cut.items():
        result[box][inside] = parts[inside] + before[number]
    return result if interior is None else without_debris(result, interior, options)


def split(
    inside: np.ndarray,
    distance: np.ndarray | None,
    interior: np.ndarray | None,
    options: Separation,
    beads: bool = False,
) -> np.ndarray | None:
    """Cut one component into particles: int32, 1..n inside, 0 outside; None where it is to stay whole.

    inside: bool (h, w), its pixels. distance: `to_edge` of them, None where it is not known. interior: as in `segment`.
    beads: whether what was learned may run from particle to particle.
    """
    if interior is not None and interior.max(where=inside, initial=0) < options.seed_peak:
        interior = None  # nothing was learned about this one
    rule = options.by_shape if interior is None else options.by_interior
    seeds = None if interior is None else learned_seeds(inside, interior, options)
    if beads and seeds is not None:
        seeds = beads_of(seeds, options.by_neck)
    if seeds is not None and seeds.max() < 2:
        return None
    depth = to_edge(inside) if distance is None else np.where(inside, distance, np.float32(0))
    if is_wire(depth[inside], rule):
        return None
    if seeds is None:
        seeds = maxima(depth)
    if seeds.max() < 2 or too_few(seeds, inside, depth, rule):
        return None
    # Particles that overlap have no narrow place, but an interior each.
    height = depth if interior is None else interior
    parts = merge(flood(height, seeds, inside), depth, interior, rule)
    return hung_on(parts, inside) if parts.max() > 1 and are_particles(parts, depth, rule) else None
