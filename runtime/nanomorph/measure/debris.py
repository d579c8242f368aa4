"""What a frame of particles shows beside them: grain of the support, residue, letters. It is no particle."""

from __future__ import annotations

import math

import numpy as np

from nanomorph.measure.distance import to_edge
from nanomorph.measure.parts import are_particles, compact
from nanomorph.measure.pieces import greatest_of
from nanomorph.measure.rules import Separation

# Longer side, px, from which on every second (third, ...) pixel tells whether a frame is one of particles.
COARSE = 512


def without_debris(labels: np.ndarray, interior: np.ndarray, options: Separation) -> np.ndarray:
    """A label image, int32 (H, W), without what is none of its particles, numbered anew.

    Of wires, networks and textures nothing is left out: their faint and small parts belong to them.
    interior: float32 (H, W) in 0..1, as learned.
    """
    kept = greatest_of(labels, interior) >= options.sure
    kept[0] = False
    step = math.ceil(max(labels.shape) / COARSE)
    coarse = labels[::step, ::step]
    depth, area = to_edge(coarse > 0), np.bincount(coarse[coarse > 0], minlength=len(kept))

    def particles() -> np.ndarray | None:
        """The kept domains, where they are most of the material and most of them are particles."""
        shown = np.where(kept[coarse], coarse, 0)
        most = 2 * area[kept].sum() >= area.sum()
        return shown if most and are_particles(shown, depth, options.by_interior) else None

    if particles() is None:
        kept[1:] = True
    if (shown := particles()) is not None:
        cut = np.unique([*labels[0], *labels[-1], *labels[:, 0], *labels[:, -1]])
        whole = np.setdiff1d(compact(shown, depth, options.by_interior), cut)
        kept &= ~crumbs(area * kept, whole, options)
    return labels if kept[1:].all() else (np.cumsum(kept, dtype=np.int32) * kept)[labels]


def crumbs(area: np.ndarray, whole: np.ndarray, options: Separation) -> np.ndarray:
    """Which domains are far smaller than the largest whole particle: bool (n,).

    None where together they are more than a trifle: then there are particles of two sizes. area: of each, any unit.
    whole: numbers of the compact domains that the frame does not cut; a grid bar is none of them.
    """
    small = area < options.crumb * area[whole].max(initial=0)
    return small & bool(area[small].sum() <= options.trifle * area.sum())
