"""Two phases that fill the field: spinodal textures, lamellae, lattices of pores, foams.

A texture is the level set of a smooth scalar field, cut at the share of the area that its material is to have.
Which of two phases is the material cannot be seen where both look alike; the convention is: the lesser phase, and
the darker one where neither is clearly the lesser (`DARK_FROM`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy import ndimage, spatial

from nanomorph_training.synthesis.draws import Rng, chance, log_uniform, smooth_noise
from nanomorph_training.synthesis.raster import RIM_PX, Footprint

DARK_FROM = 0.35  # textures with more material than this are recorded with dark material
FRACTIONS = (0.15, 0.65)
WAVES = 60  # plane waves of a random texture: enough to look Gaussian


@dataclass(frozen=True, eq=False)
class Texture:
    """One texture. depth: float32 (H, W), distance to the edge of the material in px, negative outside."""

    depth: np.ndarray

    @property
    def width_px(self) -> float:
        """Mean width of the material: a slab of width w has a mean depth of w / 4."""
        return 4 * float(self.depth[self.depth > 0].mean())


def draw_texture(rng: Rng, shape: tuple[int, int], width_px: float) -> Texture:
    """One texture whose material is about `width_px` wide."""
    fraction = rng.uniform(*FRACTIONS)
    period = float(np.clip(width_px, 6, 0.1 * min(shape)) / fraction)
    height = _KINDS[int(rng.choice(len(_KINDS), p=_SHARES))](rng, shape, period)
    height += rng.uniform(0, 0.15) * height.std() * smooth_noise(rng, shape, period * rng.uniform(0.3, 2))
    inside = height > np.quantile(height, 1 - fraction)
    return Texture(_signed_depth(inside))


def _signed_depth(inside: np.ndarray) -> np.ndarray:
    within, without = ndimage.distance_transform_edt(inside), ndimage.distance_transform_edt(~inside)
    return np.where(inside, within - 0.5, 0.5 - without).astype(np.float32)


def texture_footprint(texture: Texture) -> Footprint:
    """Pixels of a texture; `half_width` is its largest depth, `lateral` that less the depth."""
    depth = texture.depth.ravel()
    pixels = np.flatnonzero(depth > -RIM_PX)
    half = np.full(len(pixels), max(float(depth.max()), RIM_PX), np.float32)
    return Footprint(pixels, depth[pixels] > 0, half - depth[pixels], np.zeros_like(half), half)


def _warped(rng: Rng, shape: tuple[int, int], period: float) -> tuple[np.ndarray, np.ndarray]:
    """x and y of every pixel in periods, float32 (H, W), bent slowly: real lattices have grains and strain."""
    y, x = np.mgrid[: shape[0], : shape[1]].astype(np.float32) / np.float32(period)
    bend = rng.uniform(0, 0.5) if chance(rng, 0.7) else 0.0
    reach = period * log_uniform(rng, 2, 8)
    return x + bend * smooth_noise(rng, shape, reach), y + bend * smooth_noise(rng, shape, reach)


def _wave(x: np.ndarray, y: np.ndarray, angle: float, phase: float = 0.0) -> np.ndarray:
    turn = np.float32(2 * np.pi)
    return np.cos(turn * (np.float32(np.cos(angle)) * x + np.float32(np.sin(angle)) * y) + np.float32(phase))


def spinodal(rng: Rng, shape: tuple[int, int], period: float) -> np.ndarray:
    """Plane waves of about one length and random directions (Cahn, J. Chem. Phys. 1965, 42, 93, Eq. 19)."""
    y, x = np.mgrid[: shape[0], : shape[1]].astype(np.float32) / np.float32(period)
    spread = rng.uniform(0.02, 0.25)
    height = np.zeros(shape, np.float32)
    for angle, phase in rng.uniform(0, 2 * np.pi, (WAVES, 2)):
        stretch = np.float32(max(0.3, 1 + spread * rng.standard_normal()))
        height += _wave(stretch * x, stretch * y, angle, phase)
    return height


def lamellae(rng: Rng, shape: tuple[int, int], period: float) -> np.ndarray:
    """Stripes, as lamellar block copolymers show."""
    return _wave(*_warped(rng, shape, period), rng.uniform(0, np.pi))


def pores(rng: Rng, shape: tuple[int, int], period: float) -> np.ndarray:
    """A film with holes on a square or hexagonal lattice."""
    x, y = _warped(rng, shape, period)
    first, steps = rng.uniform(0, np.pi), int(rng.choice([2, 3]))
    height = np.zeros(shape, np.float32)
    for step in range(steps):
        height -= _wave(x, y, first + np.pi * step / steps)
    return height


def foam(rng: Rng, shape: tuple[int, int], period: float) -> np.ndarray:
    """Walls of equal width between the cells of seeds that keep their distance."""
    rows, columns = (int(np.ceil(side / period)) + 3 for side in shape)
    row, column = np.mgrid[:rows, :columns].reshape(2, -1).astype(float)
    irregular = rng.uniform(0.1, 0.9)
    seeds = np.stack([row - 1, column - 1 + 0.5 * (row % 2)], axis=1) + irregular * rng.uniform(
        -0.5, 0.5, (len(row), 2)
    )
    pixels = np.mgrid[: shape[0], : shape[1]].reshape(2, -1).T / period
    near, _ = spatial.cKDTree(seeds).query(pixels, k=2)
    return (near[:, 0] - near[:, 1]).reshape(shape).astype(np.float32)


_KINDS: tuple[Callable[[Rng, tuple[int, int], float], np.ndarray], ...] = (spinodal, lamellae, pores, foam)
# Pores are few: bright particles packed on a dark film look the same.
_SHARES = (0.45, 0.15, 0.1, 0.3)
