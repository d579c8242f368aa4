"""Scale bars drawn as a row of eleven ticks over ten equal steps (Hitachi): first tick to last."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import cv2
import numpy as np

from nanomorph.scalebar.bars import Bar

N_TICKS = 11
# Shares of the frame's width: a tick's size, the shortest row.
LARGEST, SHORTEST = 0.025, 0.1
# The taller ticks of a row are at most so many times as tall as the others, and a step at least so many ticks wide.
TALLER, APART = 2.5, 2.0
# Steps are equal to this share, or to a px either way.
EQUAL = 0.06
# Gray levels by which a tick exceeds the film around it.
CONTRAST = 40


def find_ticks(gray: np.ndarray) -> list[Bar]:
    """Rows of ticks in `gray` (uint8 (H, W)), each as the bar from the middle of its first tick to that of its last."""
    largest = max(5, round(LARGEST * gray.shape[1]))
    # Whatever is narrower than that in a row stands out of the opened image.
    excess = cv2.subtract(gray, cv2.morphologyEx(gray, cv2.MORPH_OPEN, np.ones((1, largest), np.uint8)))
    count, _, boxes, _ = cv2.connectedComponentsWithStats((excess >= CONTRAST).astype(np.uint8), connectivity=8)
    sizes = boxes[:count, 2:4]
    small = (sizes[:, 0] <= largest) & (sizes[:, 1] <= largest) & (sizes[:, 1] >= 3)
    small[0] = False
    _, top, wide, high, _ = boxes[small].T
    marks = np.column_stack([_middles(excess, boxes[small]), top, top + high, wide])
    return [_bar(run) for row in _rows(marks) for run in _even(row) if _is_scale(run, SHORTEST * gray.shape[1])]


def _middles(excess: np.ndarray, boxes: np.ndarray) -> np.ndarray:
    """Middle of each mark in x, weighed by its brightness, as an edge coordinate."""
    middles = []
    for left, top, wide, high, _ in boxes:
        weight = excess[top : top + high, left : left + wide].astype(float).sum(axis=0)
        middles.append(left + 0.5 + (weight * np.arange(wide)).sum() / weight.sum())
    return np.array(middles)


def _rows(marks: np.ndarray) -> Iterator[np.ndarray]:
    """Marks (x, top, bottom, width) on one line, by x: the first, middle and last tick are taller."""
    marks = marks[np.argsort(marks[:, 2], kind="stable")]
    for row in np.split(marks, np.flatnonzero(np.diff(marks[:, 2]) > 1) + 1):
        if len(row) >= N_TICKS:
            yield row[np.argsort(row[:, 0])]


def _even(row: np.ndarray) -> Iterator[np.ndarray]:
    """The runs of exactly N_TICKS equal steps' marks: one more or fewer, and it is not known what they span."""
    x = row[:, 0]
    begin = 0
    while begin < len(x) - 1:
        end = begin + 2
        while end < len(x) and _in_step(x[begin : end + 1]):
            end += 1
        if end - begin == N_TICKS:
            yield row[begin:end]
        begin = end - 1


def _in_step(x: np.ndarray) -> bool:
    steps = np.diff(x)
    mean = steps[:-1].mean()
    return abs(steps[-1] - mean) <= max(1.5, EQUAL * mean)


def _is_scale(ticks: np.ndarray, shortest: float) -> bool:
    heights, span = ticks[:, 2] - ticks[:, 1], np.ptp(ticks[:, 0])
    apart = span / (len(ticks) - 1) >= APART * ticks[:, 3].max()
    return bool(apart and span >= shortest and heights.max() <= TALLER * heights.min())


def _bar(ticks: np.ndarray) -> Bar:
    x = ticks[:, 0]
    # The straight line through all eleven knows the ends better than the two outer ticks alone.
    slope, offset = np.polyfit(np.arange(len(x)), x, 1)
    off = np.std([later - earlier for earlier, later in pairwise(x)])
    top, bottom = int(ticks[:, 1].min()), int(ticks[:, 2].max()) - 1
    return Bar(
        float(offset), float(offset + slope * (len(x) - 1)), top, bottom, False, 255.0, 2 * float(off), ticks=True
    )
