"""Exact footprints: the pixels within a wire's half width of its axis, and where along it they lie."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from nanomorph_training.synthesis.chains import Chain

RIM_PX = 0.75  # pixels up to so far outside still receive a share of the object when it is shaded
_CHUNK = 1_500_000  # pixel-segment pairs worked on at once


@dataclass(frozen=True, eq=False)
class Footprint:
    """The pixels of one object and their place in it.

    pixels: int64 (n,), flat index into the field; some lie in the rim outside. inside: bool (n,), the exact
    mask. lateral: float32 (n,), signed distance from the axis in px. arc: float32 (n,), position along it in
    px. half_width: float32 (n,) in px, at that position.
    """

    pixels: np.ndarray
    inside: np.ndarray
    lateral: np.ndarray
    arc: np.ndarray
    half_width: np.ndarray

    @property
    def depth(self) -> np.ndarray:
        """Distance to the edge in px, float32 (n,), negative in the rim."""
        return self.half_width - np.abs(self.lateral)


class Raster:
    """Draws chains into a field of `shape` (H, W); holds the scratch memory that makes it quick."""

    def __init__(self, shape: tuple[int, int]) -> None:
        self.shape = shape
        self._nearest = np.full(shape[0] * shape[1], np.inf, np.float32)
        self._owner = np.zeros(shape[0] * shape[1], np.int64)

    def footprint(self, chain: Chain) -> Footprint:
        """Every pixel within half width (+ rim) of the chain's axis; round caps at both ends."""
        pieces = [self._near(chain, *part) for part in self._parts(chain)]
        if not pieces:
            empty = np.empty(0, np.float32)
            return Footprint(np.empty(0, np.int64), np.empty(0, bool), empty, empty, empty)
        pixels, squared, side, arc, half = (np.concatenate(column) for column in zip(*pieces, strict=True))
        keep = self._closest(pixels, squared)
        distance = np.sqrt(squared[keep])
        return Footprint(pixels[keep], distance <= half[keep], np.copysign(distance, side[keep]), arc[keep], half[keep])

    def _parts(self, chain: Chain) -> list[tuple[np.ndarray, int]]:
        """Segments that reach into the field, in batches, with the window's half side in px."""
        a, b = chain.axis[:-1], chain.axis[1:]
        reach = float(chain.half_width.max()) + RIM_PX
        low, high = np.minimum(a, b) - reach, np.maximum(a, b) + reach
        size = np.array(self.shape[::-1])
        seen = np.flatnonzero(((high >= 0) & (low <= size - 1)).all(axis=1))
        if not len(seen):
            return []
        window = int(np.ceil(reach + np.abs(b - a).max() / 2 + 0.5))
        batches = -(-len(seen) * (2 * window + 1) ** 2 // _CHUNK)
        return [(part, window) for part in np.array_split(seen, batches) if len(part)]

    def _near(self, chain: Chain, segments: np.ndarray, window: int) -> tuple[np.ndarray, ...]:
        a, b = chain.axis[segments], chain.axis[segments + 1]
        span = b - a
        squared_length = np.maximum((span**2).sum(axis=1), 1e-9)
        around = np.arange(-window, window + 1, dtype=np.float32)
        middle = np.rint((a + b) / 2).astype(np.float32)
        x = (middle[:, 0, None] + around)[:, None, :]  # (n, 1, K)
        y = (middle[:, 1, None] + around)[:, :, None]  # (n, K, 1)
        dx, dy = x - a[:, 0, None, None], y - a[:, 1, None, None]
        ux, uy = span[:, 0, None, None], span[:, 1, None, None]
        t = (dx * (ux / squared_length[:, None, None]) + dy * (uy / squared_length[:, None, None])).clip(0, 1)
        squared = (dx - t * ux) ** 2
        squared += (dy - t * uy) ** 2
        h0, h1 = chain.half_width[segments, None, None], chain.half_width[segments + 1, None, None]
        half = h0 + t * (h1 - h0)
        height, width = self.shape
        inside_x, inside_y = (x >= 0) & (x < width), (y >= 0) & (y < height)
        keep = squared <= (half + np.float32(RIM_PX)) ** 2
        if not (inside_x.all() and inside_y.all()):
            keep &= inside_x & inside_y
        n, row, column = np.nonzero(keep)
        pixels = (y[n, row, 0].astype(np.int64) * width) + x[n, 0, column].astype(np.int64)
        t = t[keep]
        arcs = chain.arc
        arc = arcs[segments][n] + t * (arcs[segments + 1] - arcs[segments])[n]
        side = (ux * dy - uy * dx)[keep]
        return pixels, squared[keep], side, arc.astype(np.float32), half[keep]

    def _closest(self, pixels: np.ndarray, squared: np.ndarray) -> np.ndarray:
        """Indices of one entry per pixel: the segment that is nearest to it."""
        np.minimum.at(self._nearest, pixels, squared)
        winners = np.flatnonzero(squared == self._nearest[pixels])
        self._nearest[pixels] = np.inf
        owner = self._owner
        owner[pixels[winners]] = winners  # of equally near segments the last one written stays
        return winners[owner[pixels[winners]] == winners]
