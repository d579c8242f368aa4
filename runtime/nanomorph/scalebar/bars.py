"""Finds drawn scale bars: thin, straight, level segments of one gray that end sharply, dark or bright."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np

from nanomorph.micrograph import Box
from nanomorph.scalebar.ends import find_end
from nanomorph.scalebar.outline import FAR, outline_thickness

# Shares of the frame's width, and px: shorter bars cannot be measured to a few percent.
SHORTEST_SHARE, SHORTEST_PX = 0.025, 16
# Share of the frame's shorter side: the thickest bar.
THICKEST = 0.09
# A bar is at least so many times longer than thick.
SLENDER = 1.7
# Gray levels (of 255) between a bar and what surrounds it, at the least; every level is tried to part bar and film.
CONTRASTS = (20, 40, 80, 140)
# Pure white or black, where the film beside a bar is nearly so.
PURE = 250
# Share of a bar's length along which the rows above and below differ from it.
DETACHED = 0.8
# Spread of gray inside a bar as a share of its contrast, or in gray levels: a drawn bar has no grain.
GRAIN, GRAIN_LEVELS = 0.22, 12.0
# Rows by which a drawn bar may climb along a column.
STEEPEST = 0.05


@dataclass(frozen=True)
class Bar:
    """A level segment. left, right: edges in px, sub-pixel (right - left is the length); top, bottom: rows.

    blur: px over which its ends go from bar to film: how well an edge can be known. ticks: a row of ticks, no segment.
    outline: px that a line around it is thick, half of which is counted as length.
    """

    left: float
    right: float
    top: int
    bottom: int
    dark: bool
    contrast: float
    blur: float
    ticks: bool = False
    outline: float = 0.0

    @property
    def length(self) -> float:
        """In px."""
        return self.right - self.left

    @property
    def box(self) -> Box:
        """What it covers."""
        return (self.left, float(self.top), self.right, float(self.bottom + 1))

    @property
    def error(self) -> float:
        """Of the length, px, one standard deviation: of either end a quarter of its blur, at least 0.3 (whole px).

        An outline may count wholly or not at all, at both ends alike.
        """
        return float(np.hypot(np.sqrt(2) * max(0.3, self.blur / 4), self.outline))


def find_bars(gray: np.ndarray) -> list[Bar]:
    """All segments of `gray` (uint8 (H, W)) that may be scale bars, the longest first; each once."""
    found = [bar for dark in (False, True) for bar in _bright(255 - gray if dark else gray, dark)]
    # The core of an outlined bar before its outline.
    found.sort(key=lambda bar: (bar.top - bar.bottom, -bar.contrast))
    kept: list[Bar] = []
    for bar in found:
        if not any(_same(bar, other) for other in kept):
            kept.append(bar)
    bars = [bar for bar in kept if not any(_frames(bar, other) for other in kept)]
    return sorted(bars, key=lambda bar: -bar.length)


def _same(one: Bar, other: Bar) -> bool:
    """The same segment found at another contrast, or the white core and the dark outline of one bar."""
    rows_meet = one.top <= other.bottom + 3 and other.top <= one.bottom + 3
    return rows_meet and abs(one.left - other.left) < 4 and abs(one.right - other.right) < 4


def _frames(strip: Bar, bar: Bar) -> bool:
    """Whether `strip` is the outline of a bar, or a piece of the box that it stands in."""
    touch = strip.top <= bar.bottom + 2 and bar.top <= strip.bottom + 2
    return strip.dark != bar.dark and touch and strip.left < bar.left and bar.right < strip.right


def _bright(gray: np.ndarray, dark: bool) -> Iterator[Bar]:
    """Bars brighter than their surroundings; `dark`: `gray` is a negative."""
    height, width = gray.shape
    # Odd, or opening shifts what it leaves by a pixel.
    shortest = max(SHORTEST_PX, round(SHORTEST_SHARE * width)) | 1
    thickest = max(5, round(THICKEST * min(height, width))) & ~1
    # Opening along the rows leaves level runs; opening those along the columns leaves what is too thick.
    runs = cv2.morphologyEx(gray, cv2.MORPH_OPEN, np.ones((1, shortest), np.uint8))
    thick = cv2.morphologyEx(runs, cv2.MORPH_OPEN, np.ones((thickest + 1, 1), np.uint8))
    excess = cv2.subtract(runs, thick)
    for mask in [*(excess >= contrast for contrast in CONTRASTS), (runs >= PURE) & (thick < PURE)]:
        count, pieces, boxes, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8), connectivity=8)
        for number in range(1, count):
            left, top, wide, high, area = map(int, boxes[number])
            if wide >= shortest and wide >= SLENDER * high and area >= 0.6 * wide * min(high, thickest):
                axis = _axis(pieces[top : top + high, left : left + wide] == number, left, top)
                bar = _measured(gray, axis, dark) if axis is not None else None
                if bar is not None:
                    yield bar


@dataclass(frozen=True, eq=False)
class _Axis:
    """The middle line of a segment: row = slope * column + offset, for `columns`; rows that it is thick."""

    columns: np.ndarray
    slope: float
    offset: float
    thickness: float

    def rows(self, columns: np.ndarray, shift: float = 0.0) -> np.ndarray:
        """The nearest rows of the line at `columns`, `shift` px below it."""
        return np.rint(self.slope * columns + self.offset + shift).astype(int)


def _axis(piece: np.ndarray, left: int, top: int) -> _Axis | None:
    """Of a connected `piece` (bool, its box at left, top); None where it is broken or climbs."""
    share = piece.sum(axis=0)
    if (share == 0).any():
        return None
    columns = np.arange(left, left + piece.shape[1])
    rows = np.arange(top, top + piece.shape[0])[:, None]
    slope, offset = np.polyfit(columns, (piece * rows).sum(axis=0) / share, 1)
    return _Axis(columns, slope, offset, float(np.median(share))) if abs(slope) <= STEEPEST else None


def _measured(gray: np.ndarray, axis: _Axis, dark: bool) -> Bar | None:
    """The bar along `axis`, or None where it is not drawn: grainy, not detached from above and below, or fading."""
    margin = len(axis.columns) // 8
    inner = axis.columns[margin : len(axis.columns) - margin]
    core = gray[np.clip(axis.rows(inner), 0, gray.shape[0] - 1), inner].astype(float)
    around = [side for sign in (-1, 1) if (side := _beside(gray, axis, inner, sign)) is not None]
    if not around:
        return None
    level = float(np.median(core))
    contrast = level - float(np.median(np.concatenate(around)))
    grain = float(np.subtract(*np.percentile(core, (95, 5))))
    detached = all((level - side > 0.4 * contrast).mean() >= DETACHED for side in around)
    if contrast < CONTRASTS[0] or grain > max(GRAIN_LEVELS, GRAIN * contrast) or not detached:
        return None
    profile = _profile(gray, axis)
    first = find_end(profile, int(axis.columns[0]), level, contrast, -1)
    last = find_end(profile, int(axis.columns[-1]), level, contrast, 1)
    if first is None or last is None:
        return None
    middle, half = axis.slope * axis.columns.mean() + axis.offset, axis.thickness / 2 - 0.5
    rows = (round(middle - half), round(middle + half))
    beyond = [profile[: math.floor(first.at)][::-1], profile[math.ceil(last.at) :]]
    line = outline_thickness([*beyond, *_across(gray, inner, rows)], level)
    ends = (first.at - line / 2, last.at + line / 2)
    return Bar(*ends, *rows, dark, contrast, max(first.blur, last.blur), outline=line)


def _across(gray: np.ndarray, columns: np.ndarray, rows: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    """Median gray of each row, from a bar's upper side upwards and from its lower side downwards."""
    above = np.median(gray[: rows[0], columns][::-1][:FAR], axis=1)
    return above, np.median(gray[rows[1] + 1 :, columns][:FAR], axis=1)


def _beside(gray: np.ndarray, axis: _Axis, columns: np.ndarray, sign: int) -> np.ndarray | None:
    """Gray along the bar, just above or below it; None where that lies outside the frame."""
    rows = axis.rows(columns, sign * (axis.thickness / 2 + 2.5))
    inside = rows.min() >= 0 and rows.max() < gray.shape[0]
    return gray[rows, columns].astype(float) if inside else None


def _profile(gray: np.ndarray, axis: _Axis) -> np.ndarray:
    """Gray along the bar's middle line over the whole width, the median of its inner rows."""
    columns = np.arange(gray.shape[1])
    reach = max(0, round(axis.thickness / 2 - 1.5))
    rows = [np.clip(axis.rows(columns, shift), 0, gray.shape[0] - 1) for shift in range(-reach, reach + 1)]
    return np.median(np.stack([gray[row, columns] for row in rows]), axis=0)
