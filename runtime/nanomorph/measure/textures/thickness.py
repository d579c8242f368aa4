"""Local thickness: the largest disc inscribed in a phase around each of its pixels."""

from __future__ import annotations

import cv2
import numpy as np

from nanomorph.measure.distance import distance_to_background
from nanomorph.measure.textures.phases import Sizes, sizes_of

# A pixel is on the ridge of the distance transform where none beside it is deeper by more than so many px.
RIDGE = 0.3
_AROUND = np.ones((3, 3), np.uint8)
_FAR = 1e9  # px
_SUBPIXEL = 4  # bits of OpenCV's fixed-point coordinates
_FIXED = 1 << _SUBPIXEL


def local_thickness(*parts: np.ndarray) -> Sizes:
    """Diameters of the largest discs inscribed in a phase around each of its pixels, by area.

    parts: bool (H, W), the phase in a field, or in windows of it that count alike (`resolved`). Hildebrand and
    Ruegsegger 1997.
    """
    found = [inscribed(part) for part in parts]
    return sizes_of(np.concatenate(found), np.concatenate([np.full(len(one), 1 / max(len(one), 1)) for one in found]))


def inscribed(phase: np.ndarray) -> np.ndarray:
    """The diameter (px) of the largest disc around each pixel of a phase (bool (H, W)), ascending.

    None where there is but one phase. What lies beyond the edge of the field is taken to go on as at the edge. Discs
    are drawn around the ridge of the distance transform, smallest first, so that the largest stays.
    """
    if not phase.any() or phase.all():
        return np.zeros(0)
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
    return np.repeat(diameter[begins].astype(float), area)


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
    """Whether a pixel lies in a disc of that radius around one of the pixels `at`, all whole; bool (H, W)."""
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
