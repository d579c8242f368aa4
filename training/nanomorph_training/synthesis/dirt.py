"""What lies on a support film besides the specimen: specks, soft blobs, a grid bar. Never foreground."""

from __future__ import annotations

import cv2
import numpy as np

from nanomorph_training.synthesis.draws import Rng, chance, log_uniform

_SHIFT = 4  # cv2 draws to 1/16 px
CRUMBS_FROM = 40.0  # px: beside smaller particles crumbs would be particles themselves


def draw_dirt(rng: Rng, shape: tuple[int, int], particle_px: float | None = None) -> np.ndarray:
    """Extra density float32 (H, W) of everything that is not specimen, in units of the wires' density.

    particle_px: diameter of the particles, where there are such; crumbs much smaller than they are dirt.
    """
    film = np.zeros(shape, np.float32)
    if chance(rng, 0.5):
        _specks(rng, film)
    if chance(rng, 0.35):
        _blobs(rng, film)
    if chance(rng, 0.06):
        _hole_rim(rng, film)
    if particle_px is not None and particle_px >= CRUMBS_FROM and chance(rng, 0.3):
        _crumbs(rng, film, particle_px)
    return film


def _crumbs(rng: Rng, film: np.ndarray, particle_px: float) -> None:
    """Ragged grains of one residue, all over the field or in a heap."""
    height, width = film.shape
    where, spread = rng.uniform(0, 1, 2), log_uniform(rng, 0.05, 1)
    strength = rng.uniform(0.2, 1.3)
    for _ in range(int(log_uniform(rng, 5, 80))):
        centre = (rng.uniform(0, 1, 2) if spread > 0.3 else where + spread * rng.standard_normal(2)) * (width, height)
        _grain(rng, film, centre, particle_px * log_uniform(rng, 0.02, 0.1), strength * rng.uniform(0.6, 1.2))


def _specks(rng: Rng, film: np.ndarray) -> None:
    """A few compact ragged grains, 1.5 to 6 px."""
    height, width = film.shape
    for _ in range(int(log_uniform(rng, 1, 14))):
        centre = rng.uniform(0, 1, 2) * (width, height)
        _grain(rng, film, centre, log_uniform(rng, 1.0, 3.5), rng.uniform(0.4, 1.5))


def _grain(rng: Rng, film: np.ndarray, centre: np.ndarray, radius: float, density: float) -> None:
    angles = np.linspace(0, 2 * np.pi, 9)[:-1]
    round_ = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    corners = centre + radius * rng.uniform(0.5, 1.4, (8, 1)) * round_
    points = np.rint(corners * 2**_SHIFT).astype(np.int32)
    cv2.fillPoly(film, [points], float(density), lineType=cv2.LINE_8, shift=_SHIFT)


def _blobs(rng: Rng, film: np.ndarray) -> None:
    """Soft round spots of either sign, out of focus; drawn on every 3rd pixel, which does not show."""
    height, width = film.shape
    y, x = np.ogrid[1:height:3, 1:width:3]
    blobs = np.zeros((y.size, x.size), np.float32)
    for _ in range(int(rng.integers(1, 5))):
        radius = min(height, width) * log_uniform(rng, 0.015, 0.09)
        cx, cy = rng.uniform(0, width), rng.uniform(0, height)
        squared = ((x - cx) ** 2 + (y - cy) ** 2) / radius**2
        strength = rng.uniform(0.1, 0.45) * rng.choice([1, 1, -1])
        blobs += strength * np.exp(-squared if chance(rng, 0.5) else -squared * squared * squared)
    film += cv2.resize(blobs, (width, height), interpolation=cv2.INTER_LINEAR)


def _hole_rim(rng: Rng, film: np.ndarray) -> None:
    """The edge of a hole in the film or of a thicker patch: a large arc with a step of density."""
    height, width = film.shape
    radius = max(height, width) * rng.uniform(0.5, 3)
    angle = rng.uniform(0, 2 * np.pi)
    away = radius + min(height, width) * rng.uniform(0.1, 0.45)
    cx, cy = width / 2 + away * np.cos(angle), height / 2 + away * np.sin(angle)
    y, x = np.ogrid[:height, :width]
    distance = np.hypot(x - cx, y - cy).astype(np.float32) - np.float32(radius)
    softness = rng.uniform(0.7, 4)
    film += np.float32(rng.uniform(-0.8, 0.5)) / (1 + np.exp(np.clip(distance / softness, -30, 30)))


def draw_grid_edge(rng: Rng, shape: tuple[int, int]) -> np.ndarray:
    """bool (H, W): a grid bar that hides one edge or corner of the field, in few images; mostly empty."""
    covered = np.zeros(shape, bool)
    if not chance(rng, 0.04):
        return covered
    height, width = shape
    angle, depth = rng.uniform(0, 2 * np.pi), min(shape) * rng.uniform(0.04, 0.15)
    normal = np.array([np.cos(angle), np.sin(angle)])
    y, x = np.ogrid[:height, :width]
    reach = abs(normal[0]) * width / 2 + abs(normal[1]) * height / 2
    return (x - width / 2) * normal[0] + (y - height / 2) * normal[1] > reach - depth
