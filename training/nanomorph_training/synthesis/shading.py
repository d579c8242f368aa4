"""How much material the beam meets at each pixel of an object: cross-section, beads, faded ends, grain."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from nanomorph_training.synthesis.draws import Rng, chance, smooth_profile
from nanomorph_training.synthesis.raster import Footprint

PROFILES = ("solid", "flat", "walls", "strands")


@dataclass(frozen=True)
class Look:
    """How the wires of one field look.

    profile: cross-section, one of PROFILES. beads: depth of density changes along a wire, over bead_widths
    widths. fade: share of density lost towards the ends. spread: sd of density between wires. speckle: depth
    of the grain inside the material, of correlation speckle_px. opaque: the upper wire hides the lower one (as
    in SEM). saturation: how little crossings add (towards 0 densities add up).
    """

    profile: str
    beads: float
    bead_widths: float
    fade: float
    spread: float
    speckle: float
    speckle_px: float
    opaque: bool
    saturation: float


def draw_look(rng: Rng) -> Look:
    """Draw a look; the ranges are the same for every class."""
    return Look(
        profile=str(rng.choice(PROFILES, p=(0.3, 0.25, 0.15, 0.3))),
        beads=rng.uniform(0, 0.6) if chance(rng, 0.75) else 0.0,
        bead_widths=rng.uniform(0.8, 5.0),
        fade=rng.uniform(0, 0.6) if chance(rng, 0.6) else 0.0,
        spread=rng.uniform(0, 0.35),
        speckle=rng.uniform(0.1, 0.9) if chance(rng, 0.75) else 0.0,
        speckle_px=rng.uniform(1.0, 3.0),
        opaque=chance(rng, 0.15),
        saturation=rng.uniform(0.2, 1.6),
    )


def shade_wire(rng: Rng, footprint: Footprint, length_px: float, look: Look) -> np.ndarray:
    """Density float32 (n,) of a wire at its pixels: about 1 in its middle, anti-aliased at its rim."""
    if not len(footprint.pixels):
        return np.empty(0, np.float32)
    across = np.clip(np.abs(footprint.lateral) / footprint.half_width, 0, 1)
    density = _profile(rng, look.profile, footprint, across)
    density *= rim_coverage(footprint.depth)
    density *= _along(rng, footprint.arc, length_px, 2 * float(footprint.half_width.mean()), look)
    return density * np.float32(max(0.3, 1 + look.spread * rng.standard_normal()))


def rim_coverage(depth: np.ndarray) -> np.ndarray:
    """Share of a pixel that the object covers, from the depth (px) of the pixel's centre below its edge."""
    return np.clip(depth + 0.5, 0, 1).astype(np.float32)


def _profile(rng: Rng, profile: str, footprint: Footprint, across: np.ndarray) -> np.ndarray:
    if profile == "solid":
        return np.sqrt(1 - 0.95 * across**2)
    if profile == "flat":
        return np.ones_like(across)
    if profile == "walls":
        return np.float32(0.55) + np.float32(0.6) * across**2
    return _strands(rng, footprint)


def _strands(rng: Rng, footprint: Footprint) -> np.ndarray:
    """Two or three lines of density that wander within the width, as stained protein wires show."""
    relative = footprint.lateral / footprint.half_width
    count = 2 if chance(rng, 0.7) else 3
    wander = _along_arc(rng, footprint, 6 * float(footprint.half_width.mean()))
    swing = np.float32(rng.uniform(0.0, 0.35)) * wander
    phase = np.pi * count / 2 * (relative + swing) + (0 if count % 2 else np.pi / 2)
    return np.float32(0.35) + np.float32(0.65) * np.cos(phase) ** 2


def _along_arc(rng: Rng, footprint: Footprint, length_px: float) -> np.ndarray:
    stations = np.arange(0.0, float(footprint.arc.max()) + length_px, max(1.0, length_px / 4))
    return np.interp(footprint.arc, stations, smooth_profile(rng, stations, length_px)).astype(np.float32)


def _along(rng: Rng, arc: np.ndarray, length_px: float, width_px: float, look: Look) -> np.ndarray:
    stations = np.arange(0.0, length_px + 2, 1.0, dtype=np.float32)
    density = 1 + look.beads * smooth_profile(rng, stations, look.bead_widths * width_px)
    reach = max(3 * width_px, 0.15 * length_px)
    to_end = np.clip(np.minimum(stations, length_px - stations) / reach, 0, 1)
    density = np.clip(density, 0.25, 1.8) * (1 - look.fade * (1 - to_end))
    return np.interp(arc, stations, density).astype(np.float32)
