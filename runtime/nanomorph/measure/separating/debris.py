"""What a frame of particles shows beside them: grain of the support, residue, letters. It is no particle."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from nanomorph.measure.distance import to_edge
from nanomorph.measure.pieces import greatest_of
from nanomorph.measure.separating.parts import are_particles, compact
from nanomorph.measure.separating.rules import Rule, Separation

# Longer side, px, from which on every second (third, ...) pixel tells whether a frame is one of particles.
COARSE = 512


@dataclass(frozen=True, eq=False)
class Coarse:
    """A label image at every so many pixels: int32 (h, w), and the area of each domain there."""

    labels: np.ndarray
    area: np.ndarray

    @classmethod
    def of(cls, labels: np.ndarray) -> Coarse:
        """Of a label image, int32 (H, W)."""
        step = math.ceil(max(labels.shape) / COARSE)
        coarse = labels[::step, ::step]
        area = np.bincount(coarse[coarse > 0], minlength=int(labels.max()) + 1)
        return cls(coarse, area)

    @cached_property
    def depth(self) -> np.ndarray:
        """Distance to the background, float32 (h, w)."""
        return to_edge(self.labels > 0)

    def particles(self, kept: np.ndarray, rule: Rule) -> np.ndarray | None:
        """The kept domains, bool (n + 1,), where they are most of the material and particles: int32 (h, w)."""
        shown = np.where(kept[self.labels], self.labels, 0)
        most = 2 * self.area[kept].sum() >= self.area.sum()
        return shown if most and are_particles(shown, self.depth, rule) else None


def without_debris(labels: np.ndarray, interior: np.ndarray, options: Separation) -> np.ndarray:
    """A label image, int32 (H, W), without what is none of its particles, numbered anew.

    First goes what the model is sure of nowhere and that is not `alike` what it is sure of, then crumbs, each only
    where what stays is a frame of particles. Of wires, networks and textures nothing is left out: their faint and small
    parts belong to them.
    interior: float32 (H, W) in 0..1, as learned.
    """
    coarse, rule = Coarse.of(labels), options.by_interior
    peak = greatest_of(labels, interior)
    kept = peak >= options.sure
    kept |= (peak >= options.seed) & alike(coarse.area, kept, options)
    # Of what holds no crumb beside its largest domain, either, it need not be known whether it is one of particles.
    if kept[1:].all() and not (coarse.area[1:] < options.crumb * coarse.area.max()).any():
        return labels
    particles = coarse.particles(kept, rule)
    if particles is None and not kept[1:].all():
        kept[:] = True
        particles = coarse.particles(kept, rule)
    if particles is not None:
        cut = np.concatenate([labels[0], labels[-1], labels[:, 0], labels[:, -1]])
        whole = np.setdiff1d(compact(particles, coarse.depth, rule), cut)
        kept &= ~crumbs(coarse.area * kept, whole, options)
    kept[0] = False
    return labels if kept[1:].all() else (np.cumsum(kept, dtype=np.int32) * kept)[labels]


def alike(area: np.ndarray, sure: np.ndarray, options: Separation) -> np.ndarray:
    """Which domains have about the area that many sure ones have: bool (n + 1,), for areas in any unit.

    Of particles of few px the model is never sure, and of a population it is so of the larger ones: without the others
    sizes came out a fifth too large.
    """
    if np.count_nonzero(sure[1:]) < options.many:
        return np.zeros_like(sure)
    usual = float(np.median(area[1:][sure[1:]]))
    return np.asarray((area * options.alike >= usual) & (area <= options.alike * usual))


def crumbs(area: np.ndarray, whole: np.ndarray, options: Separation) -> np.ndarray:
    """Which domains are far smaller than the largest whole particle: bool (n,).

    None where together they are more than a trifle: then there are particles of two sizes. area: of each, any unit.
    whole: numbers of the compact domains that the frame does not cut; a grid bar is none of them.
    """
    small = area < options.crumb * area[whole].max(initial=0)
    return small & bool(area[small].sum() <= options.trifle * area.sum())
