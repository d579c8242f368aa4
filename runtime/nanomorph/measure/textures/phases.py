"""The two phases of a field, material and background, as textures: chords, local thickness, correlation.

For networks and phase-separated films these are the domain sizes. All lengths are in px of the mask given.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
from scipy import fft

from nanomorph.measure.pieces import runs_of

QUANTILES = (0.1, 0.25, 0.5, 0.75, 0.9)
# Lines of so many rows and columns are enough for a chord distribution; more of them repeat their neighbours.
MOST_LINES = 1024


@dataclass(frozen=True, eq=False)
class Sizes:
    """A length distribution: mean, standard deviation, and its QUANTILES; NaN where there is nothing."""

    mean: float
    sd: float
    quantiles: tuple[float, ...]

    def scaled(self, factor: float) -> Sizes:
        """The same in other units."""
        return Sizes(self.mean * factor, self.sd * factor, tuple(q * factor for q in self.quantiles))


def sizes_of(values: np.ndarray, weight: np.ndarray, mean: float | None = None) -> Sizes:
    """The distribution of `values` (n,), each counted with its weight (n,); of a mean that is known otherwise."""
    if not len(values) or weight.sum() <= 0:
        return Sizes(math.nan if mean is None else mean, math.nan, (math.nan,) * len(QUANTILES))
    order = np.argsort(values, kind="stable")
    values, weight = values[order], weight[order]
    share = (np.cumsum(weight) - 0.5 * weight) / weight.sum()
    centre = float(np.average(values, weights=weight))
    sd = math.sqrt(float(np.average((values - centre) ** 2, weights=weight)))
    quantiles = tuple(float(q) for q in np.interp(QUANTILES, share, values))
    return Sizes(centre if mean is None else mean, sd, quantiles)


def chords(mask: np.ndarray, per_px: tuple[float, float] = (1.0, 1.0)) -> dict[str, Sizes]:
    """Chord lengths of the `foreground` and `background` of a mask (uint8 0/1 (H, W)) along x and along y, pooled.

    per_px: length of a px in x and y. Mean: length in the phase / number of chords, a chord cut by the edge of the
    field counting one half per end inside (unbiased). Distribution: chords that lie wholly in the field, each
    weighted by 1 / (1 - (its px + 1) / the line's), its chance to have a change at both ends (Miles and Lantuejoul, in
    one dimension).
    """
    along_x = mask[:: max(1, mask.shape[0] // MOST_LINES)]
    # numpy would transpose byte by byte.
    along_y = cv2.transpose(np.ascontiguousarray(mask[:, :: max(1, mask.shape[1] // MOST_LINES)]))
    # A line counts by its length: those along x for as much as those along y, however many or coarse they are.
    parts = [_runs(lines, px, 1 / (lines.size * px)) for lines, px in zip((along_x, along_y), per_px, strict=True)]
    return {name: _pooled([part[value] for part in parts]) for value, name in enumerate(("background", "foreground"))}


@dataclass(frozen=True, eq=False)
class _Runs:
    """Whole runs of one value: lengths and weights (n,); total length in the value, number of chords, weighted."""

    length: np.ndarray
    weight: np.ndarray
    total: float
    number: float


def _runs(lines: np.ndarray, per_px: float, share: float) -> tuple[_Runs, _Runs]:
    """Runs of 0 and of 1 along the rows of `lines`."""
    n = lines.shape[1]
    begins = runs_of(lines)
    changed = begins[begins % n > 0]  # those of a row's first runs are no changes
    row, at = np.divmod(changed, n)
    # Whole runs are those between two changes of one row.
    same = row[1:] == row[:-1]
    value = lines.ravel()[changed[:-1]][same]
    length = np.diff(at)[same].astype(float)
    weight = share / (1 - (length + 1) / n)
    total = float(np.count_nonzero(lines))
    # Every change ends one chord of each phase; a chord has two ends.
    number = len(changed) / 2
    lengths_total = (lines.size - total, total)
    return tuple(  # type: ignore[return-value]
        _Runs(length[value == v] * per_px, weight[value == v], lengths_total[v] * per_px * share, number * share)
        for v in (0, 1)
    )


def _pooled(parts: list[_Runs]) -> Sizes:
    number = sum(part.number for part in parts)
    mean = sum(part.total for part in parts) / number if number else math.nan
    length, weight = (np.concatenate([getattr(part, name) for part in parts]) for name in ("length", "weight"))
    return sizes_of(length, weight, mean)


def correlation_length(parts: Sequence[np.ndarray], share: float) -> float:
    """Distance at which the two-point correlation of a phase falls to 1 / e of its excess, in px.

    parts: area fractions (float32 (H, W)) of the phase in the field, or in windows of it drawn as by `resolved`; share:
    that of the field's area. The chance to meet the phase so far from a place in it, in any direction, less the share,
    and in units of 1 - share: what fractions of coarse pixels vary is less, and would make it longer. For random
    two-phase media (Debye et al. 1957) it is exp(-r / a) with this a. NaN where it never falls so far.
    """
    parts = [part for part in parts if min(part.shape) > 1 and part.any()]
    if not parts or not 0 < share < 1:
        return math.nan
    shortest = min(min(part.shape) for part in parts) // 2
    chance = np.mean([_products(part)[:shortest] / part.mean() for part in parts], axis=0)
    profile = (chance - share) / (1 - share)
    profile[0] = 1.0
    return _falls_to(profile, 1 / math.e)


def _products(fractions: np.ndarray) -> np.ndarray:
    """Mean product of two pixels (float32 (H, W)) 0, 1, 2 .. px apart, to half of the shorter side."""
    height, width = fractions.shape
    # Empty pixels for the distances that are asked for: what is farther may come round to the other side.
    shape = [fft.next_fast_len(side + side // 2, real=True) for side in fractions.shape]
    spectrum = fft.fft(fft.rfft(fractions, shape[1]), shape[0], axis=0)
    power = spectrum.real**2 + spectrum.imag**2
    # Back along columns first, as a real transform: power is real. Of the rows few are asked for.
    products = fft.irfft(fft.rfft(power, axis=0, norm="forward")[: height // 2].conj(), shape[1])
    ring, weight = _rings(height, width)
    # Along the other diagonal too: products are symmetric only under reversal of both axes.
    mean = products[:, : width // 2] + products[:, -np.arange(width // 2)]
    return np.bincount(ring, (mean * weight).ravel())[: min(mean.shape)]


@lru_cache(maxsize=8)
def _rings(height: int, width: int) -> tuple[np.ndarray, np.ndarray]:
    """For every shift of a field by less than half: the ring of 1 px that it lies in, int (n,), and what its two sums
    of products count there, 1 / (pixels that overlap x shifts of the ring x 2), each; float32 (h, w).
    """
    dy, dx = np.ogrid[: height // 2, : width // 2]
    ring = np.rint(np.hypot(dy, dx)).astype(int).ravel()
    pairs = (height - dy) * (width - dx)
    weight = 0.5 / (pairs * np.bincount(ring)[ring].reshape(pairs.shape))
    return ring, weight.astype(np.float32)


def _falls_to(profile: np.ndarray, level: float) -> float:
    """Where a profile first falls to a level, between samples by straight line; NaN where it does not."""
    below = np.flatnonzero(profile <= level)
    if not len(below) or below[0] == 0:
        return math.nan
    k = below[0]
    return float(k - 1 + (profile[k - 1] - level) / (profile[k - 1] - profile[k]))
