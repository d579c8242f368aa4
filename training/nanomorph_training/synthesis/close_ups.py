"""One wire so near that its surface shows: grains, a core, a bore, a rough rim. Without such fields a head takes every
thick and structured thing for a bundle."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from nanomorph_training.synthesis.chains import Chain
from nanomorph_training.synthesis.draws import Rng, chance, log_uniform, smooth_noise, smooth_profile
from nanomorph_training.synthesis.raster import Footprint
from nanomorph_training.synthesis.shading import rim_coverage

# A wire wider than this share of the field's shorter side; lone wires of other fields have at most .12 of it.
CLOSE_UP = 0.15
SECTIONS = ("flat", "solid", "bore", "core")


def is_close_up(chain: Chain, shape: tuple[int, int]) -> bool:
    """True where the wire is wide enough to show more than its outline."""
    return bool(2 * np.median(chain.half_width) > CLOSE_UP * min(shape))


def roughened(rng: Rng, chain: Chain) -> Chain:
    """The wire with bumps on its rim, some of them, that are much shorter than its width."""
    width = 2 * float(chain.half_width.mean())
    depth = log_uniform(rng, 0.01, 0.12) if chance(rng, 0.6) else 0.0
    bumps = 1 + depth * smooth_profile(rng, chain.arc, max(8.0, width * log_uniform(rng, 0.05, 0.3)))
    return replace(chain, half_width=(chain.half_width * np.clip(bumps, 0.6, 1.4)).astype(np.float32))


def shade_close_up(rng: Rng, footprint: Footprint, shape: tuple[int, int]) -> np.ndarray:
    """Density float32 (n,): about 1, by the cross-section that the wire has, with grains of one or two sizes."""
    across = np.clip(np.abs(footprint.lateral) / footprint.half_width, 0, 1)
    density = _section(rng, across)
    width = 2 * float(footprint.half_width.mean())
    for _ in range(int(rng.choice([0, 1, 1, 2]))):
        density = density * _grains(rng, footprint, shape, width)
    return (np.clip(density, 0.05, 2) * rim_coverage(footprint.depth)).astype(np.float32)


def _section(rng: Rng, across: np.ndarray) -> np.ndarray:
    """Density by the distance from the axis (0) to the rim (1): a ribbon, a rod, a tube, a coated rod."""
    section = rng.choice(SECTIONS, p=(0.35, 0.2, 0.2, 0.25))
    if section == "flat":
        return np.ones_like(across)
    if section == "solid":
        return np.sqrt(1 - 0.95 * across**2)
    where, softness = rng.uniform(0.35, 0.85), log_uniform(rng, 0.01, 0.15)
    inside = 1 / (1 + np.exp(np.clip((across - where) / softness, -30, 30)))
    low = rng.uniform(0.3, 0.75)
    return low + (1 - low) * (1 - inside if section == "bore" else inside)


def _grains(rng: Rng, footprint: Footprint, shape: tuple[int, int], width: float) -> np.ndarray:
    """Grains as long along the wire as across it, a fiftieth to a fifth of its width; some sharp, as inclusions are."""
    noise = smooth_noise(rng, shape, max(1.5, width * log_uniform(rng, 0.02, 0.2))).ravel()[footprint.pixels]
    if chance(rng, 0.4):
        noise = np.clip((noise - rng.uniform(0, 1.5)) * 6, 0, 1.5)
    return np.clip(1 + rng.choice([-1, 1]) * log_uniform(rng, 0.05, 0.6) * noise, 0.15, 2.2)
