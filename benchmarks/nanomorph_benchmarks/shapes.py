"""Shapes of exactly known geometry as masks: a pixel belongs to one when its centre lies inside."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np


@dataclass(frozen=True)
class Wire:
    """A straight or circular wire with square ends, px; y points down. centre: of its middle. deg: direction there,
    counterclockwise from +x. turning: rad from one end to the other (0 = straight).
    """

    centre: tuple[float, float]
    length: float
    width: float
    deg: float
    turning: float = 0.0

    def line(self, n: int = 200) -> np.ndarray:
        """Points (n, 2), x and y, evenly along the middle line."""
        s = np.linspace(-0.5, 0.5, n)
        tangent = math.radians(self.deg)
        if self.turning == 0:
            along, across = s * self.length, np.zeros(n)
        else:
            radius = self.length / self.turning
            along, across = radius * np.sin(s * self.turning), radius * (1 - np.cos(s * self.turning))
        x = along * math.cos(tangent) - across * math.sin(tangent)
        y = along * math.sin(tangent) + across * math.cos(tangent)
        return np.stack([self.centre[0] + x, self.centre[1] - y], axis=1)

    def inside(self, shape: tuple[int, int]) -> np.ndarray:
        """Bool (H, W): the pixels of the wire."""
        y, x = np.mgrid[: shape[0], : shape[1]].astype(float)
        t = math.radians(self.deg)
        dx, dy = x - self.centre[0], self.centre[1] - y
        along, across = dx * math.cos(t) + dy * math.sin(t), dy * math.cos(t) - dx * math.sin(t)
        if self.turning:
            radius = self.length / self.turning
            turn = np.arctan2(along * np.sign(radius), (radius - across) * np.sign(radius))
            along, across = turn * radius * np.sign(radius), abs(radius) - np.hypot(along, radius - across)
        return (np.abs(along) <= self.length / 2) & (np.abs(across) <= self.width / 2)

    def draw(self, mask: np.ndarray) -> None:
        """Set the pixels of the wire in a mask (bool (H, W))."""
        line = self.line()
        left, top = np.floor(line.min(axis=0) - self.width).astype(int).clip(0)
        right, bottom = np.ceil(line.max(axis=0) + self.width).astype(int).clip(0) + 1
        around = mask[top:bottom, left:right]
        there = replace(self, centre=(self.centre[0] - left, self.centre[1] - top))
        around |= there.inside((around.shape[0], around.shape[1]))

    @property
    def end_to_end(self) -> float:
        """Distance of the two ends of the middle line."""
        return self.length if not self.turning else abs(2 * self.length / self.turning * math.sin(self.turning / 2))


def disc(radius: float, offset: tuple[float, float] = (0.2, -0.3)) -> np.ndarray:
    """Bool (H, W) of a disc."""
    x, y = _grid(radius, offset)
    return np.hypot(x, y) <= radius


def polygon(radius: float, corners: int, deg: float) -> np.ndarray:
    """Bool (H, W) of a regular polygon of a circumradius."""
    x, y = _grid(radius)
    normals = np.deg2rad(deg) + 2 * np.pi * np.arange(corners) / corners
    return np.max([x * np.cos(n) + y * np.sin(n) for n in normals], axis=0) <= radius * np.cos(np.pi / corners)


def grid_network(side: int, pitch: float, width: float, deg: float) -> np.ndarray:
    """Bool (side, side): two sets of parallel lines, `width` wide and `pitch` apart, turned by `deg`."""
    y, x = np.mgrid[:side, :side] - side / 2 + 0.37
    t = math.radians(deg)
    along, across = x * math.cos(t) - y * math.sin(t), x * math.sin(t) + y * math.cos(t)
    return (along % pitch < width) | (across % pitch < width)


def grid_chord(pitch: float, width: float, deg: float) -> float:
    """Mean chord of such a network's square pores along x and along y: side / (|cos| + |sin|)."""
    t = math.radians(deg)
    return (pitch - width) / (abs(math.cos(t)) + abs(math.sin(t)))


def _grid(radius: float, offset: tuple[float, float] = (0.2, -0.3)) -> tuple[np.ndarray, np.ndarray]:
    side = int(2 * radius) + 13
    y, x = np.mgrid[:side, :side] - side / 2
    return x - offset[0], y - offset[1]


def random_field(n: int, side: int, width: tuple[float, float], length: tuple[float, float], seed: int) -> list[Wire]:
    """`n` wires at random places and directions wholly inside a field; half of them curved by up to 1 rad."""
    rng = np.random.default_rng(seed)
    wires: list[Wire] = []
    while len(wires) < n:
        size = rng.uniform(*width)
        turning = float(rng.uniform(-1, 1)) * (len(wires) % 2)
        wire = Wire(tuple(rng.uniform(0, side, 2)), rng.uniform(*length), size, rng.uniform(0, 180), turning)
        line = wire.line()
        if line.min() > size and line.max() < side - 1 - size:
            wires.append(wire)
    return wires


def crossings(a: Wire, b: Wire) -> list[tuple[int, int, float]]:
    """Where two middle lines cross: indices into `a.line()` and `b.line()`, and the angle (rad, <= pi/2)."""
    p, q = a.line(), b.line()
    d, e = np.diff(p, axis=0)[:, None], np.diff(q, axis=0)[None]
    r = q[None, :-1] - p[:-1, None]
    cross = d[..., 0] * e[..., 1] - d[..., 1] * e[..., 0]
    with np.errstate(divide="ignore", invalid="ignore"):
        t = (r[..., 0] * e[..., 1] - r[..., 1] * e[..., 0]) / cross
        u = (r[..., 0] * d[..., 1] - r[..., 1] * d[..., 0]) / cross
    sine = np.abs(cross) / (np.linalg.norm(d, axis=2) * np.linalg.norm(e, axis=2))
    hits = np.argwhere((t >= 0) & (t < 1) & (u >= 0) & (u < 1))
    return [(int(i), int(j), float(np.arcsin(min(sine[i, j], 1.0)))) for i, j in hits]
