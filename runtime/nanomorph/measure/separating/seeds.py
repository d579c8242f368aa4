"""Where particles of one component are: the seeds that it is flooded from."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from scipy.ndimage import find_objects

from nanomorph.measure.distance import to_edge
from nanomorph.measure.pieces import Pieces, pieces_of
from nanomorph.measure.separating.flood import flood
from nanomorph.measure.separating.parts import are_particles, merge
from nanomorph.measure.separating.rules import Rule, Separation

# A seed whose box is so nearly square, and filled to that share, is one particle's: a disc fills .79 of its own (one of
# 13 px .67), two side by side .54 at most of a square one.
SQUARE, FILLED = 1.4, 0.6
# Seeds are cut at their necks where such round ones are this share of the area of all.
SINGLE = 0.1


def maxima(depth: np.ndarray) -> np.ndarray:
    """Local maxima (in 5 x 5 px) of the smoothed distance to the background, numbered: int32 (h, w)."""
    smooth = cv2.GaussianBlur(depth, (0, 0), 1.0)
    top = (smooth >= cv2.dilate(smooth, np.ones((5, 5), np.uint8))) & (depth > 1)
    return cv2.connectedComponents(top.astype(np.uint8), connectivity=8)[1]


def learned_seeds(inside: np.ndarray, interior: np.ndarray, options: Separation) -> np.ndarray:
    """Pieces of the learned interior, numbered: int32 (h, w); 4-connected, as touching seeds meet at corners first."""
    on = inside & (interior > options.seed)
    n, seeds = cv2.connectedComponents(on.view(np.uint8), connectivity=4)
    sure = np.bincount(seeds[on & (interior >= options.seed_peak)], minlength=n) > 0
    seeds[on] = (np.cumsum(sure) * sure)[seeds[on]]
    return seeds


def beads_of(seeds: np.ndarray, rule: Rule) -> np.ndarray:
    """Seeds, int32 (h, w), cut at their own necks, and numbered anew."""
    beads, so_far = np.zeros_like(seeds), 0
    for number, box in enumerate(find_objects(seeds), start=1):
        one = seeds[box] == number
        parts = cut_at_necks(one, rule)
        beads[box][one] = parts[one] + so_far
        so_far += int(parts.max())
    return beads


def cut_at_necks(seed: np.ndarray, rule: Rule) -> np.ndarray:
    """One seed, bool (h, w), as what it runs through: int32, 1..n inside.

    Where particles are small the interior of one reaches that of the next: it is a chain of beads, and no wire.
    """
    whole = seed.astype(np.int32)
    depth = to_edge(seed)
    if is_wire(depth[seed], rule):
        return whole
    tops = maxima(depth)
    if tops.max() < 2:
        return whole
    parts = merge(flood(depth, tops * seed, seed), depth, None, rule)
    return parts if are_particles(parts, depth, rule) else whole


@dataclass(frozen=True, eq=False)
class Shown:
    """The sure seeds of a frame, known by their runs alone: cheap.

    owner: int (n,), the piece of material that each lies in. area: px, int (n,). is_round: bool (n,), it lies in one
    particle for sure.
    """

    owner: np.ndarray
    area: np.ndarray
    is_round: np.ndarray

    @classmethod
    def of(cls, pieces: Pieces, mask: np.ndarray, interior: np.ndarray, options: Separation) -> Shown:
        """What `interior` shows of the pieces of a mask, float32 and bool (H, W)."""
        seeds = pieces_of(mask & (interior > options.seed), 4)
        sure = seeds.greatest(interior) >= options.seed_peak
        height, width = (seeds.boxes[:, 2:] - seeds.boxes[:, :2]).T
        square = np.maximum(height, width) <= SQUARE * np.minimum(height, width)
        is_round = square & (seeds.area >= FILLED * height * width)
        return cls(pieces.owner(seeds)[sure], seeds.area[sure], is_round[sure])

    @property
    def beads(self) -> bool:
        """Whether single particles lie about, so that a seed with necks may be a chain of them, and is no network."""
        return bool(self.area[self.is_round].sum() >= SINGLE * self.area.sum() > 0)

    def one_particle(self, n: int) -> np.ndarray:
        """Which of n pieces have one seed, and one that need not be cut: bool (n,)."""
        alone = np.bincount(self.owner, minlength=n) == 1
        chains = np.bincount(self.owner[~self.is_round], minlength=n)
        return alone & (chains == 0) if self.beads else alone


def is_wire(half_width: np.ndarray, rule: Rule) -> bool:
    """Whether distances to the background are those of a long ribbon of one width.

    Over a ribbon of width w they are w/4 on average, w/2 at most; over any shape whose sides touch one circle
    (disc, square, hexagon) a third of that circle's radius, and its radius. Length is area / width.
    """
    mean = max(float(half_width.mean()), 0.25)
    top = float(np.percentile(half_width, 98))
    return top <= rule.uniform * 2 * mean and half_width.size / (4 * mean) ** 2 >= rule.slender
