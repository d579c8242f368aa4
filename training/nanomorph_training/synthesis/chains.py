"""Wires as worm-like chains: axis, width along it, taper.

A worm-like chain in the plane loses its direction as <cos(angle)> = exp(-s / (2 P)) with the persistence
length P (Rivetti, Guthold, Bustamante, J. Mol. Biol. 1996, 264, 919), so its tangent is a random walk whose
angle grows by a normal step of variance ds / P.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from nanomorph_training.synthesis.draws import Rng, smooth_profile


@dataclass(frozen=True, eq=False)
class Chain:
    """One wire before it is drawn.

    axis: float32 (N, 2), x and y in px; pixel (row, column) has its centre at x=column, y=row.
    half_width: float32 (N,) in px. persistence_px: of the walk. taper: share of width lost at the ends.
    """

    axis: np.ndarray
    half_width: np.ndarray
    persistence_px: float
    taper: float = 0.0

    @cached_property
    def arc(self) -> np.ndarray:
        """Arc length float32 (N,) in px at every point of the axis, from 0."""
        return arc_lengths(self.axis)


def arc_lengths(axis: np.ndarray) -> np.ndarray:
    """Arc length float32 (N,) in px at every vertex of `axis` (N, 2), from 0."""
    steps = np.hypot(*np.diff(axis, axis=0).T)
    return np.concatenate([[0.0], np.cumsum(steps)]).astype(np.float32)


def worm_like_axis(
    rng: Rng,
    middle: tuple[float, float],
    direction: float,
    length: float,
    persistence: float,
    step: float = 2.0,
) -> np.ndarray:
    """Axis float32 (N, 2) of a worm-like chain, `middle` (x, y) at half its length. All in px and rad."""
    half = max(1, round(length / step / 2))
    sd = np.sqrt(step / persistence)
    forward = _walk(direction + np.cumsum(rng.normal(0, sd, half)), step)
    backward = _walk(direction + np.pi + np.cumsum(rng.normal(0, sd, half)), step)
    axis = np.concatenate([backward[::-1], [[0.0, 0.0]], forward])
    return (axis + np.asarray(middle)).astype(np.float32)


def _walk(angles: np.ndarray, step: float) -> np.ndarray:
    return np.cumsum(step * np.stack([np.cos(angles), np.sin(angles)], axis=1), axis=0)


def width_along(rng: Rng, axis: np.ndarray, width: float, raggedness: float, taper: float) -> np.ndarray:
    """Half width float32 (N,) in px: width / 2, varying by `raggedness`, less towards the ends."""
    arc = arc_lengths(axis)
    wobble = np.clip(1 + raggedness * smooth_profile(rng, arc, 2.5 * width), 0.5, 1.6)
    to_end = np.minimum(arc, arc[-1] - arc) / max(min(4 * width, arc[-1] / 2), 1e-6)
    return (width / 2 * wobble * (1 - taper * np.clip(1 - to_end, 0, 1))).astype(np.float32)


def chain(
    rng: Rng,
    middle: tuple[float, float],
    direction: float,
    length: float,
    width: float,
    persistence: float,
    raggedness: float = 0.0,
    taper: float = 0.0,
) -> Chain:
    """Draw one wire around `middle` (x, y). All lengths in px, direction in rad."""
    step = float(np.clip(0.6 * width, 2.0, 8.0))
    axis = worm_like_axis(rng, middle, direction, length, persistence, step)
    return Chain(axis, width_along(rng, axis, width, raggedness, taper), persistence, taper)


def companion(rng: Rng, of: Chain, offset: float) -> Chain:
    """A wire that runs beside a part of another at about `offset` px, as strands of protein wires do."""
    n = len(of.axis)
    start = int(rng.integers(0, max(1, n // 2)))
    part = slice(start, min(n, start + max(3, int(n * rng.uniform(0.3, 0.8)))))
    axis = of.axis[part]
    if len(axis) < 3:
        return of
    tangent = np.gradient(axis, axis=0)
    normal = np.stack([-tangent[:, 1], tangent[:, 0]], axis=1) / (np.hypot(*tangent.T)[:, None] + 1e-6)
    drift = offset * (1 + 0.35 * smooth_profile(rng, arc_lengths(axis), 12 * abs(offset) + 4))
    beside = (axis + normal * drift[:, None]).astype(np.float32)
    return Chain(beside, of.half_width[part], of.persistence_px, of.taper)
