"""The two phases of a field, material and background, as textures: chords, local thickness, correlation.

For networks and phase-separated films these are the domain sizes. All lengths are in px of the mask given.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise

import cv2
import numpy as np
from scipy import fft

from nanomorph.measure.distance import distance_to_background

QUANTILES = (0.1, 0.25, 0.5, 0.75, 0.9)
# Lines of so many rows and columns are enough for a chord distribution; more of them repeat their neighbours.
MOST_LINES = 1024
# Longer side, px, at which discs are inscribed and correlations taken; larger fields are reduced to it.
REDUCED = 384
# A pixel is on the ridge of the distance transform where none beside it is deeper by more than so many px.
RIDGE = 0.3
_FAR = 1e9  # px
_SUBPIXEL = 4  # bits of OpenCV's fixed-point coordinates
_FIXED = 1 << _SUBPIXEL


@dataclass(frozen=True, eq=False)
class Sizes:
    """A length distribution: mean, standard deviation, and its QUANTILES; NaN where there is nothing."""

    mean: float
    sd: float
    quantiles: tuple[float, ...]

    def scaled(self, factor: float) -> Sizes:
        """The same in other units."""
        return Sizes(self.mean * factor, self.sd * factor, tuple(q * factor for q in self.quantiles))


def _sizes(values: np.ndarray, weight: np.ndarray, mean: float | None = None) -> Sizes:
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
    weighted by 1 / (1 - its length / the line's), its chance to do so (Miles and Lantuejoul, in one dimension).
    """
    along_x = mask[:: max(1, mask.shape[0] // MOST_LINES)]
    # numpy would transpose byte by byte.
    along_y = cv2.transpose(np.ascontiguousarray(mask[:, :: max(1, mask.shape[1] // MOST_LINES)]))
    # Lines along x stand for as much of the field as lines along y, however many there are of each.
    parts = [_runs(along_x, per_px[0], 1 / along_x.size), _runs(along_y, per_px[1], 1 / along_y.size)]
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
    changed = np.flatnonzero(lines[:, 1:] != lines[:, :-1])
    row, at = np.divmod(changed, n - 1)
    same = row[1:] == row[:-1]
    # The value of a run between two changes is the one after its first change.
    value = lines[row[:-1], at[:-1] + 1][same]
    length = np.diff(at)[same].astype(float)
    weight = share / (1 - length / n)
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
    return _sizes(length, weight, mean)


def reduce(mask: np.ndarray, per_px: tuple[float, float] = (1.0, 1.0)) -> tuple[np.ndarray, float]:
    """A mask (uint8 0/1) as area fractions (float32) on square pixels, longer side at most REDUCED, and their size."""
    height, width = mask.shape[0] * per_px[1], mask.shape[1] * per_px[0]
    size = max(min(per_px), max(height, width) / REDUCED)
    if size == 1.0 and per_px == (1.0, 1.0):
        return mask.astype(np.float32), 1.0
    shape = max(1, round(width / size)), max(1, round(height / size))
    return cv2.resize(mask * np.uint8(255), shape, interpolation=cv2.INTER_AREA).astype(np.float32) / 255, size


def local_thickness(phase: np.ndarray) -> Sizes:
    """Diameters of the largest discs inscribed in a phase (bool (H, W)) around each of its pixels, by area.

    Hildebrand and Ruegsegger 1997. What lies beyond the edge of the field is taken to go on as at the edge. Discs are
    drawn around the ridge of the distance transform, smallest first, so that the largest stays.
    """
    if not phase.any() or phase.all():
        return _sizes(np.zeros(0), np.zeros(0))
    distance = distance_to_background(phase)
    ridge = (distance >= cv2.dilate(distance, _AROUND) - RIDGE) & phase
    row, column = np.divmod(np.flatnonzero(ridge), ridge.shape[1])
    radius = np.rint(distance[row, column] * _FIXED).astype(int)
    diameter = _diameters(distance, row, column)
    order = np.lexsort((radius, diameter))
    row, column, radius, diameter = (values[order] for values in (row, column, radius, diameter))
    begins = np.flatnonzero((np.diff(radius, prepend=-1) != 0) | (np.diff(diameter, prepend=-1) != 0))
    number = _covered(phase.shape, np.stack([column, row], axis=1), radius, np.append(begins, len(radius)))
    area = np.bincount(number[phase], minlength=len(begins) + 1)[1:]
    values = np.repeat(diameter[begins].astype(float), area)
    return _sizes(values, np.ones(len(values)))


def _covered(shape: tuple[int, ...], at: np.ndarray, radius: np.ndarray, starts: np.ndarray) -> np.ndarray:
    """Discs drawn one over the other: the last group that covers a pixel, from 1, 0 where none does; int32 (H, W).

    at: int (n, 2), their x and y; radius: int (n,), in parts of a px (_FIXED); starts: int (m + 1,), where groups of
    equal ones begin.
    """
    drawn = np.zeros(shape, np.int32)
    reach = radius // _FIXED + 1
    size = np.diff(starts)
    # Of more discs than one has pixels all are drawn at once. Those that the edge cuts OpenCV draws a little otherwise.
    many = np.repeat(size > (2 * reach[starts[:-1]] + 1) ** 2, size)
    many &= (np.minimum(at, np.array(shape)[::-1] - 1 - at) >= reach[:, None]).all(axis=1)
    alone, done = np.flatnonzero(~many), 0
    group = np.repeat(np.arange(1, len(size) + 1), size)
    discs = list(zip((at[alone] * _FIXED).tolist(), radius[alone].tolist(), group[alone].tolist(), strict=True))
    for k in np.unique(group[many]).tolist():
        before, done = done, int(np.searchsorted(alone, starts[k]))
        _draw(drawn, discs[before:done])
        here = np.s_[starts[k - 1] : starts[k]]
        drawn[_dilated(shape, at[here][many[here]], int(radius[starts[k - 1]]))] = k
    _draw(drawn, discs[done:])
    return drawn


def _draw(image: np.ndarray, discs: list[tuple[list[int], int, int]]) -> None:
    for centre, radius, value in discs:
        cv2.circle(image, centre, radius, value, -1, cv2.LINE_8, _SUBPIXEL)


def _dilated(shape: tuple[int, ...], at: np.ndarray, radius: int) -> np.ndarray:
    """Whether a pixel lies in a disc of that radius around one of the pixels `at`, none cut by the edge; bool (H, W)."""
    reach = radius // _FIXED + 1
    disc = np.zeros((2 * reach + 1, 2 * reach + 1), np.uint8)
    _draw(disc, [([reach * _FIXED, reach * _FIXED], radius, 1)])
    centres = np.zeros(shape, np.uint8)
    centres[at[:, 1], at[:, 0]] = 1
    return cv2.dilate(centres, disc[::-1, ::-1]).view(bool)


def _diameters(distance: np.ndarray, row: np.ndarray, column: np.ndarray) -> np.ndarray:
    """Diameters (n,), px, of the inscribed discs around pixels of a ridge of `distance` (float32 (H, W)).

    A distance ends at the centre of the first background pixel, the edge lies half a px before it. The middle of an
    even width lies between two pixels, one on either flank: there the two distances and the step between them add up.
    """
    found = 2 * distance[row, column] - 1
    # Beyond the field all is deep: no slope falls towards it.
    wide = np.pad(distance, 2, constant_values=_FAR)
    for down, across in ((0, 1), (0, -1), (1, 0), (-1, 0)):
        before, here, there, after = (wide[row + 2 + k * down, column + 2 + k * across] for k in (-1, 0, 1, 2))
        slope = np.minimum(here - before, there - after)
        np.maximum(found, np.where(slope > 0, here + there + slope - 1, 0), out=found)
    return found


_AROUND = np.ones((3, 3), np.uint8)


def correlation_length(fractions: np.ndarray) -> float:
    """Distance at which the two-point correlation of the material falls to 1 / e of its excess, in px.

    The autocovariance of `fractions` (float32 (H, W)), over all pairs of pixels at a distance in any direction; for
    random two-phase media (Debye et al. 1957) it is exp(-r / a) with this a. NaN where it never falls so far.
    """
    height, width = fractions.shape
    centred = fractions - fractions.mean()
    if not centred.any():
        return math.nan
    shape = [fft.next_fast_len(2 * side, real=True) for side in fractions.shape]
    power = np.abs(fft.rfft2(centred, shape)) ** 2
    products = fft.irfft2(power, shape)[: height // 2]
    dy, dx = np.ogrid[: height // 2, : width // 2]
    pairs = (height - dy) * (width - dx)
    # Along the other diagonal too: products are symmetric only under reversal of both axes.
    covariance = 0.5 * (products[:, dx[0]] / pairs + products[:, -dx[0]] / pairs)
    ring = np.rint(np.hypot(dy, dx)).astype(int).ravel()
    n = min(covariance.shape)
    inside = ring < n
    profile = np.bincount(ring[inside], covariance.ravel()[inside], n) / np.bincount(ring[inside], minlength=n)
    return _falls_to(profile / profile[0], 1 / math.e)


def _falls_to(profile: np.ndarray, level: float) -> float:
    """Where a profile first falls to a level, between samples by straight line; NaN where it does not."""
    below = np.flatnonzero(profile <= level)
    if not len(below) or below[0] == 0:
        return math.nan
    k = below[0]
    return float(k - 1 + (profile[k - 1] - level) / (profile[k - 1] - profile[k]))
