"""Finds drawn scale bars: thin, straight, level segments of one gray that end sharply, dark or bright."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np

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
# Spread of gray inside a bar as a share of its contrast: a drawn bar has no grain.
GRAIN = 0.22
# Where beside an end the surroundings are read, px.
NEAR, FAR = 3, 9


@dataclass(frozen=True)
class Bar:
    """A level segment. left, right: edges in px, sub-pixel (right - left is the length); top, bottom: rows.

    blur: px over which its ends go from bar to film: how well an edge can be known.
    """

    left: float
    right: float
    top: int
    bottom: int
    dark: bool
    contrast: float
    blur: float

    @property
    def length(self) -> float:
        """In px."""
        return self.right - self.left

    @property
    def error(self) -> float:
        """Of the length, px: half the blur of either end, at least half a px, as independent."""
        return float(np.hypot(*(max(0.5, self.blur / 2),) * 2))


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


def _frames(strip: Bar, bar: Bar) -> bool:
    """Whether `strip` is the outline of a bar, or a piece of the box that it stands in."""
    touch = strip.top <= bar.bottom + 2 and bar.top <= strip.bottom + 2
    return strip.dark != bar.dark and touch and strip.left < bar.left and bar.right < strip.right


def _same(one: Bar, other: Bar) -> bool:
    """The same segment found at another contrast, or the white core and the dark outline of one bar."""
    rows_meet = one.top <= other.bottom + 3 and other.top <= one.bottom + 3
    return rows_meet and abs(one.left - other.left) < 4 and abs(one.right - other.right) < 4


def _bright(gray: np.ndarray, dark: bool) -> Iterator[Bar]:
    height, width = gray.shape
    shortest = max(SHORTEST_PX, round(SHORTEST_SHARE * width))
    thickest = max(5, round(THICKEST * min(height, width)))
    # Opening along the rows leaves level runs; opening those along the columns leaves what is too thick.
    runs = cv2.morphologyEx(gray, cv2.MORPH_OPEN, np.ones((1, shortest), np.uint8))
    thick = cv2.morphologyEx(runs, cv2.MORPH_OPEN, np.ones((thickest + 1, 1), np.uint8))
    excess = cv2.subtract(runs, thick)
    masks = [excess >= contrast for contrast in CONTRASTS] + [(runs >= PURE) & (thick < PURE)]
    for mask in masks:
        count, pieces, boxes, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8), 8)
        for number in range(1, count):
            left, top, wide, high, area = map(int, boxes[number])
            if wide >= shortest and wide >= SLENDER * high and area >= 0.6 * wide * min(high, thickest):
                piece = pieces[top : top + high, left : left + wide] == number
                bar = _measured(gray, piece, left, top, dark)
                if bar is not None:
                    yield bar


def _measured(gray: np.ndarray, piece: np.ndarray, left: int, top: int, dark: bool) -> Bar | None:
    """The bar of which `piece` (bool, its box at left, top) is a rough mask, or None where it is no drawn bar."""
    height, width = gray.shape
    columns = np.arange(left, left + piece.shape[1])
    rows = np.arange(top, top + piece.shape[0])
    share = piece.sum(axis=0)
    if (share == 0).any():
        return None
    # Bars may be a little tilted: their middle is a line.
    slope, offset = np.polyfit(columns, (piece * rows[:, None]).sum(axis=0) / share, 1)
    if abs(slope) > 0.05:
        return None
    thickness = float(np.median(share))
    inner = columns[len(columns) // 8 : len(columns) - len(columns) // 8]
    middle = np.clip(np.rint(slope * inner + offset).astype(int), 0, height - 1)
    core = gray[middle, inner].astype(float)
    level = float(np.median(core))
    above, below = (_beside(gray, middle, inner, sign * (thickness / 2 + 2.5)) for sign in (-1, 1))
    around = [side for side in (above, below) if side is not None]
    if not around:
        return None
    contrast = level - float(np.median(np.concatenate(around)))
    if contrast < CONTRASTS[0] or np.subtract(*np.percentile(core, (95, 5))) > max(12.0, GRAIN * contrast):
        return None
    if any((level - side > 0.4 * contrast).mean() < DETACHED for side in around):
        return None
    profile = _profile(gray, slope, offset, thickness)
    ends = [_end(profile, start, level, step) for start, step in ((columns[0], -1), (columns[-1], 1))]
    if ends[0] is None or ends[1] is None:
        return None
    (first, blur_1), (last, blur_2) = ends
    return Bar(
        left=first,
        right=last,
        top=round(offset + slope * columns.mean() - thickness / 2 + 0.5),
        bottom=round(offset + slope * columns.mean() + thickness / 2 - 0.5),
        dark=dark,
        contrast=contrast,
        blur=max(blur_1, blur_2),
    )


def _beside(gray: np.ndarray, middle: np.ndarray, columns: np.ndarray, shift: float) -> np.ndarray | None:
    """Gray along the bar, `shift` rows from its middle; None where that lies outside the frame."""
    rows = np.rint(middle + shift).astype(int)
    if rows.min() < 0 or rows.max() >= gray.shape[0]:
        return None
    return gray[rows, columns].astype(float)


def _profile(gray: np.ndarray, slope: float, offset: float, thickness: float) -> np.ndarray:
    """Gray along the bar's middle line over the whole width, the median of its inner rows."""
    columns = np.arange(gray.shape[1])
    reach = max(0, round(thickness / 2 - 1.5))
    middle = np.rint(slope * columns + offset).astype(int)
    lines = [gray[np.clip(middle + shift, 0, gray.shape[0] - 1), columns] for shift in range(-reach, reach + 1)]
    return np.median(np.stack(lines), axis=0)


def _end(profile: np.ndarray, start: int, level: float, step: int) -> tuple[float, float] | None:
    """Edge (px, pixel i covers i to i + 1) at half height, and its blur; None where the bar fades or is cut."""
    outside = profile[[i for i in range(start + step * NEAR, start + step * (FAR + 1), step) if 0 <= i < len(profile)]]
    if len(outside) < 3:
        return None
    film = float(np.median(outside))
    if level - film < CONTRASTS[0]:
        return None
    height = (profile - film) / (level - film)
    crossings = [_crossing(height, start - 3 * step, step, at) for at in (0.8, 0.5, 0.2)]
    if any(one is None for one in crossings):
        return None
    inner, half, outer = crossings
    # From pixel centres to edges: the centre of pixel i lies at i + 0.5.
    return half + 0.5, abs(outer - inner)


def _crossing(height: np.ndarray, start: int, step: int, at: float) -> float | None:
    """Where `height` first falls below `at`, from `start` outwards, at most FAR + 3 px on."""
    for i in range(start, start + step * (FAR + 3), step):
        if not (0 <= i < len(height) and 0 <= i + step < len(height)):
            return None
        if height[i] >= at > height[i + step]:
            return i + step * (height[i] - at) / (height[i] - height[i + step])
    return None
