"""Orientational order of the skeletons of a field, and how far it reaches."""

from __future__ import annotations

import math

import numpy as np

N_HALVINGS = 6  # windows from the whole field down to a 1/64 of its side
STEPS = 2  # window sizes per halving
ORDERED = 0.9  # S2D of a field of one direction: what is left of decay is noise


def s2d(length: np.ndarray, direction: np.ndarray) -> float:
    """S2D = |<exp(2 i theta)>| by length, of skeleton pieces (n,); NaN of none."""
    total = float(length.sum())
    if total <= 0:
        return math.nan
    return (
        math.hypot(float((length * np.cos(2 * direction)).sum()), float((length * np.sin(2 * direction)).sum())) / total
    )


def domain_length(middle: np.ndarray, length: np.ndarray, direction: np.ndarray, field: tuple[float, float]) -> float:
    """Side of the window in which S2D has decayed from 1 (a point) to 1 / e above that of the field (h, w), px.

    S2D is averaged by length over windows of shrinking side (Persson et al. 2017, GTFiber). NaN where the whole field
    is ordered (S2D above ORDERED, or windows never decay so far) or there are no skeletons.
    """
    if length.sum() <= 0:
        return math.nan
    side = min(field)
    sides = side * 0.5 ** (np.arange(STEPS * N_HALVINGS + 1) / STEPS)
    cos, sin = length * np.cos(2 * direction), length * np.sin(2 * direction)
    x, y = np.maximum(middle, 0).T.copy()
    order = np.empty(len(sides))
    for finest in range(len(sides) - STEPS, len(sides)):
        windows = _in_windows(x, y, cos, sin, sides[finest])
        # Of half the side they fit into those of the whole one: what these hold is their sum.
        for k in range(finest, -1, -STEPS):
            order[k] = np.abs(windows).sum() / length.sum()
            windows = _four_in_one(windows)
    level = float(np.abs(windows.sum()) / length.sum())
    if level > ORDERED:
        return math.nan
    share = (order - level) / (1 - level)
    below = np.flatnonzero(share > 1 / math.e)
    if not len(below) or below[0] == 0:
        return math.nan
    k = below[0]
    t = (1 / math.e - share[k - 1]) / (share[k] - share[k - 1])
    return float(sides[k - 1] * (sides[k] / sides[k - 1]) ** t)


def _in_windows(x: np.ndarray, y: np.ndarray, cos: np.ndarray, sin: np.ndarray, side: float) -> np.ndarray:
    """Sums of cos + i sin over windows of a side, complex (rows, columns)."""
    column, row = (x / side).astype(int), (y / side).astype(int)
    shape = int(row.max()) + 1, int(column.max()) + 1
    window = row * shape[1] + column
    real, imaginary = (np.bincount(window, part, minlength=math.prod(shape)) for part in (cos, sin))
    return np.asarray(real + 1j * imaginary).reshape(shape)


def _four_in_one(windows: np.ndarray) -> np.ndarray:
    """Sums over 2 x 2 windows each."""
    for axis, n in enumerate(windows.shape):
        windows = np.add.reduceat(windows, np.arange(0, n, 2), axis=axis)
    return windows
