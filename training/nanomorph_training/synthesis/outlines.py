"""Particles as pixels: signed depth below the outline of every shape, and shading by it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from nanomorph_training.synthesis.draws import Rng, chance, log_uniform, smooth_profile
from nanomorph_training.synthesis.particles import Particle
from nanomorph_training.synthesis.raster import RIM_PX, Footprint
from nanomorph_training.synthesis.shading import rim_coverage


def particle_footprint(particle: Particle, shape: tuple[int, int]) -> Footprint:
    """Pixels of a particle; `half_width` is its inscribed radius, `lateral` that less the depth inside."""
    reach = int(np.ceil(particle.radius * max(2.0, particle.aspect + 0.3) * 1.15 + 2))
    left, right = np.clip([round(particle.x) - reach, round(particle.x) + reach + 1], 0, shape[1])
    top, bottom = np.clip([round(particle.y) - reach, round(particle.y) + reach + 1], 0, shape[0])
    y, x = np.arange(top, bottom)[:, None], np.arange(left, right)
    depth, along = _depth(particle, (x - particle.x).astype(np.float32), (y - particle.y).astype(np.float32))
    keep = depth > -RIM_PX
    pixels = (y * shape[1] + x)[keep]
    radius = np.full(len(pixels), particle.radius, np.float32)
    return Footprint(pixels, depth[keep] >= 0, (radius - depth[keep]).astype(np.float32), along[keep], radius)


def _depth(particle: Particle, x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Signed depth below the outline in px, and the place along the long axis in px (from its left end)."""
    c, s = np.float32(np.cos(particle.angle)), np.float32(np.sin(particle.angle))
    u, v = c * x + s * y, c * y - s * x
    r, half = particle.radius, particle.radius * particle.aspect
    if particle.kind == "sphere":
        depth = r - np.hypot(u / particle.aspect, v)
    elif particle.kind in ("rod", "cube"):
        depth = _rounded_box(u, v, half, r, particle.rounding * r)
    elif particle.kind == "bipyramid_or_spindle":
        slope = np.hypot(1.0, 1 / particle.aspect)
        soft = 0.25 * particle.rounding * r
        sides = np.sqrt(v * v + soft**2) + np.sqrt(u * u + soft**2) / particle.aspect
        depth = (r - soft * 0.3 - sides) / slope + soft
    else:
        depth = _polygon(u / particle.aspect, v, r, particle.corners, particle.rounding)
    return depth + particle.bumps * r * _roughness(particle, u, v), u + half


def _rounded_box(u: np.ndarray, v: np.ndarray, half: float, r: float, rounding: float) -> np.ndarray:
    du, dv = np.abs(u) - (half - rounding), np.abs(v) - (r - rounding)
    outside = np.hypot(np.maximum(du, 0), np.maximum(dv, 0))
    return rounding - outside - np.minimum(np.maximum(du, dv), 0)


def _polygon(u: np.ndarray, v: np.ndarray, r: float, corners: int, rounding: float) -> np.ndarray:
    """Depth below the nearest side; corners are rounded by a soft maximum over the sides."""
    normals = 2 * np.pi * np.arange(corners) / corners
    sides = np.stack([np.float32(np.cos(a)) * u + np.float32(np.sin(a)) * v for a in normals])
    sharpness = np.float32(6 / max(rounding, 0.05) / r)
    highest = sides.max(axis=0)
    return r - highest - np.log(np.exp(sharpness * (sides - highest)).sum(axis=0)) / sharpness


def _roughness(particle: Particle, u: np.ndarray, v: np.ndarray) -> np.ndarray:
    if not particle.bumps:
        return np.zeros_like(u)
    angles = np.linspace(-np.pi, np.pi, 181)
    profile = smooth_profile(np.random.default_rng(particle.seed), angles, 0.2, rounded=True)
    profile[-10:] += (profile[0] - profile[-1]) * np.linspace(0, 1, 10)
    return np.interp(np.arctan2(v, u), angles, profile).astype(np.float32)


@dataclass(frozen=True)
class ParticleLook:
    """How the particles of one field look.

    rise: share of the radius over which density grows from the edge. core: density of the middle. rim,
    rim_px: extra density at the edge (SEM edge effect, shells). slope: change along the particle. spread: sd
    between particles.
    """

    rise: float
    core: float
    rim: float
    rim_px: float
    slope: float
    spread: float


def draw_particle_look(rng: Rng) -> ParticleLook:
    """Draw the look of one field of particles."""
    return ParticleLook(
        rise=rng.uniform(0.02, 1.0),
        core=_core(rng),
        rim=rng.uniform(0.1, 0.8) if chance(rng, 0.35) else 0.0,
        rim_px=log_uniform(rng, 1.0, 5.0),
        slope=rng.uniform(0, 0.4) if chance(rng, 0.4) else 0.0,
        spread=rng.uniform(0, 0.35),
    )


def _core(rng: Rng) -> float:
    """Half of the fields are even; some particles are hollow, and their middle shows no more than the film does."""
    if chance(rng, 0.1):
        return rng.uniform(0.0, 0.4)
    return rng.uniform(0.5, 1.2) if chance(rng, 0.5) else 1.0


def shade_particle(rng: Rng, footprint: Footprint, look: ParticleLook) -> np.ndarray:
    """Density float32 (n,) of a particle at its pixels, about 1."""
    inner = np.clip(footprint.depth / footprint.half_width, 0, 1)
    rise = np.clip(inner / look.rise, 0, 1)
    density = np.sqrt(1 - (1 - rise) ** 2 * 0.95) * (1 + (look.core - 1) * inner)
    density += look.rim * np.exp(-np.maximum(footprint.depth, 0) / look.rim_px)
    if look.slope and len(density):
        place = footprint.arc / max(float(footprint.arc.max()), 1.0) - 0.5
        density *= 1 + look.slope * place
    brightness = max(0.35, 1 + look.spread * rng.standard_normal())
    return (density * rim_coverage(footprint.depth) * brightness).astype(np.float32)
