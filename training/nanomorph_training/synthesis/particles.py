"""Fields of nanoparticles: spheres, cubes, rods, polygons, spindles; scattered, clustered or packed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from nanomorph_training.synthesis.draws import Rng, chance, log_uniform

Place = tuple[float, float, float]  # x, y in px, angle in rad
KINDS = ("sphere", "cube", "rod", "polyhedron", "triangle", "bipyramid_or_spindle")

CORNERS = {"sphere": 0, "cube": 4, "rod": 4, "triangle": 3, "bipyramid_or_spindle": 4}


@dataclass(frozen=True)
class Particle:
    """One particle before it is drawn.

    kind: one of KINDS. x, y: centre in px. radius: of the inscribed circle in px. aspect: length over width.
    angle in rad. corners: of the outline (0: round). rounding: share of radius by which corners are rounded.
    bumps, seed: roughness of the outline as a share of radius, and what it is drawn from.
    """

    kind: str
    x: float
    y: float
    radius: float
    aspect: float
    angle: float
    corners: int
    rounding: float
    bumps: float
    seed: int


def draw_particles(rng: Rng, shape: tuple[int, int], diameter_px: float | None = None) -> list[Particle]:
    """The particles of one field: one kind (mostly), one size with a spread, one arrangement."""
    size = min(shape)
    radius = (size * log_uniform(rng, 0.018, 0.2) if diameter_px is None else diameter_px) / 2
    radius = max(3.0, radius)
    kind, other = rng.choice(KINDS, 2)
    mixed = rng.uniform(0.05, 0.5) if chance(rng, 0.25) else 0.0
    aspect = rng.uniform(1.6, 6) if kind in ("rod", "bipyramid_or_spindle") else 1.0
    places = _places(rng, shape, radius, aspect)
    sd, bumps = rng.uniform(0, 0.3), rng.uniform(0, 0.06) if chance(rng, 0.5) else 0.0
    rounding = rng.uniform(0.1, 0.6)
    particles = []
    for x, y, angle in (place for place in places if _in_sight(place, shape, radius * aspect)):
        this = str(other if chance(rng, mixed) else kind)
        scale = radius * float(np.clip(np.exp(sd * rng.standard_normal()), 0.4, 2.2))
        particles.append(_particle(rng, this, x, y, angle, scale, aspect, rounding, bumps))
    return particles


def _in_sight(place: Place, shape: tuple[int, int], reach: float) -> bool:
    return -reach < place[0] < shape[1] + reach and -reach < place[1] < shape[0] + reach


def _particle(
    rng: Rng,
    kind: str,
    x: float,
    y: float,
    angle: float,
    radius: float,
    aspect: float,
    rounding: float,
    bumps: float,
) -> Particle:
    corners = CORNERS.get(kind, int(rng.integers(5, 9)))
    if kind == "sphere":
        aspect = rng.uniform(1.0, 1.12)
    elif kind in ("rod", "bipyramid_or_spindle"):
        aspect = max(1.4, (aspect if aspect > 1 else 3.0) * rng.uniform(0.75, 1.25))
    else:
        aspect = rng.uniform(1.0, 1.2)
    if kind == "rod" and rounding > 0.4:
        rounding = 1.0  # a capsule
    return Particle(kind, x, y, radius, float(aspect), angle, corners, rounding, bumps, int(rng.integers(2**31)))


def _places(rng: Rng, shape: tuple[int, int], radius: float, aspect: float) -> list[Place]:
    """x, y, angle of every particle: scattered at random, grown as aggregates, or packed on a lattice."""
    arrangement = rng.choice(3, p=(0.4, 0.4, 0.2))
    return (_scattered, _aggregates, _lattice)[arrangement](rng, shape, radius, aspect)


def _most(shape: tuple[int, int], radius: float, aspect: float, coverage: float) -> int:
    return int(np.clip(coverage * shape[0] * shape[1] / (np.pi * radius**2 * aspect), 1, 250))


def _scattered(rng: Rng, shape: tuple[int, int], radius: float, aspect: float) -> list[Place]:
    count = _most(shape, radius, aspect, log_uniform(rng, 0.03, 0.5))
    x, y = rng.uniform(0, shape[1], count), rng.uniform(0, shape[0], count)
    return list(zip(x, y, rng.uniform(0, np.pi, count), strict=True))


def _aggregates(rng: Rng, shape: tuple[int, int], radius: float, aspect: float) -> list[Place]:
    """Each particle touches one that lies there already, or starts a new aggregate."""
    count = _most(shape, radius, aspect, log_uniform(rng, 0.08, 0.6))
    fresh, contact = log_uniform(rng, 0.02, 0.4), rng.uniform(1.85, 2.3)
    places: list[Place] = []
    for _ in range(count):
        if not places or chance(rng, fresh):
            places.append((rng.uniform(0, shape[1]), rng.uniform(0, shape[0]), rng.uniform(0, np.pi)))
            continue
        candidates = [_beside(rng, places, contact * radius, aspect) for _ in range(12)]
        taken = np.array([place[:2] for place in places])
        room = [np.hypot(*(taken - c[:2]).T).min() for c in candidates]
        places.append(candidates[int(np.argmax(room))])
    return places


def _beside(rng: Rng, places: list[Place], distance: float, aspect: float) -> Place:
    x, y, angle = places[int(rng.integers(len(places)))]
    if aspect > 1.3:  # long particles lie side by side
        direction = angle + np.pi / 2 * rng.choice([-1, 1]) + 0.2 * rng.standard_normal()
        turned = angle + 0.2 * rng.standard_normal()
    else:
        direction, turned = rng.uniform(0, 2 * np.pi), rng.uniform(0, np.pi)
    return x + distance * np.cos(direction), y + distance * np.sin(direction), turned


def _lattice(rng: Rng, shape: tuple[int, int], radius: float, aspect: float) -> list[Place]:
    """Rows of particles with a gap, in part of the field."""
    pitch = 2 * radius * rng.uniform(1.0, 1.3)
    angle, shift = rng.uniform(0, np.pi), 0.5 if chance(rng, 0.5) else rng.uniform(0, 1)
    reach = int(min(np.hypot(*shape) / 2 / pitch + 1, 14))
    rise = 0.87 if aspect <= 1.3 and shift == 0.5 else 1.0
    across = np.array([-np.sin(angle), np.cos(angle)])
    along = np.array([np.cos(angle), np.sin(angle)])
    middle = np.array([shape[1], shape[0]]) / 2 + rng.normal(0, 0.1, 2) * min(shape)
    places = []
    for row in range(-reach, reach + 1):
        for column in range(-reach, reach + 1):
            if chance(rng, 0.08):
                continue
            offset = (column + shift * (row % 2)) * pitch * aspect * along + row * pitch * rise * across
            x, y = middle + offset + rng.normal(0, 0.04 * radius, 2)
            if -radius < x < shape[1] + radius and -radius < y < shape[0] + radius:
                places.append((float(x), float(y), angle + 0.05 * rng.standard_normal()))
    return places
