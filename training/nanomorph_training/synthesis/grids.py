"""Regular grids of wires: two or three families of parallel bars, as woven or printed meshes and lattices show."""

from __future__ import annotations

import numpy as np

from nanomorph_training.synthesis.chains import Chain, chain
from nanomorph_training.synthesis.draws import Rng, chance, log_uniform

THREE_FAMILIES = 0.25  # share of the grids with a third family of bars


def draw_grid(rng: Rng, shape: tuple[int, int], width_px: float) -> list[Chain]:
    """Bars of about `width_px`, at pitches of 2 to 9 widths, each family at its own."""
    size = min(shape)
    width = float(np.clip(width_px, 3, 0.05 * size))
    pitch = float(np.clip(width * log_uniform(rng, 2.2, 9), 3 * size / 40, 0.3 * size))
    width = min(width, 0.45 * pitch)
    first, bars = rng.uniform(0, np.pi), []
    for direction in _directions(rng, first):
        even = 1.0 if chance(rng, 0.6) else rng.uniform(0.7, 1.4)
        bars += _family(rng, shape, width, pitch * even, direction)
    return bars


def _directions(rng: Rng, first: float) -> list[float]:
    if chance(rng, THREE_FAMILIES):
        return [first, first + np.pi / 3, first + 2 * np.pi / 3]
    return [first, first + (np.pi / 2 if chance(rng, 0.7) else rng.uniform(0.3, 0.7) * np.pi)]


def _family(rng: Rng, shape: tuple[int, int], width: float, pitch: float, direction: float) -> list[Chain]:
    """Parallel bars across the field, of one straightness, with a little disorder."""
    length = 1.5 * float(np.hypot(*shape))
    stiffness = length * log_uniform(rng, 20, 2000)
    ragged = rng.uniform(0, 0.15) if chance(rng, 0.5) else 0.0
    disorder = rng.uniform(0, 0.12) if chance(rng, 0.5) else 0.0
    normal = np.array([-np.sin(direction), np.cos(direction)])
    reach = float(np.hypot(*shape)) / 2 + pitch
    bars = []
    for offset in np.arange(-reach, reach, pitch) + rng.uniform(0, pitch):
        x, y = np.array(shape[::-1]) / 2 + (offset + disorder * pitch * rng.standard_normal()) * normal
        turned = direction + 0.1 * disorder * rng.standard_normal()
        bars.append(chain(rng, (float(x), float(y)), turned, length, width, stiffness, ragged))
    return bars
