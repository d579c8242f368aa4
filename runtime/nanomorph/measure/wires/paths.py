"""Paths along wires: smoothed, continued to the tips, and how long they are; how bent and stiff: `bending`."""

from __future__ import annotations

import numpy as np

from nanomorph.measure.edges import Edges
from nanomorph.measure.ragged import Ragged, norms, rows_of, spread

SMOOTHING_POINTS = 9  # moving average along a path, see reference/measures.md
CLEAR_WIDTHS = 0.75  # so many widths from a tip a skeleton goes astray: it stops short or turns into a corner


def smooth(paths: Ragged) -> Ragged:
    """Moving average over 9 points of every path (n, 2); the ends stay (continued by point reflection)."""
    reach = SMOOTHING_POINTS // 2
    smoothed = _averaged(paths, reach)
    short = np.flatnonzero(paths.lengths <= reach)
    for n in np.unique(paths.lengths[short]).tolist():  # as many as they have on either side
        which = short[paths.lengths[short] == n]
        smoothed[spread(paths.starts[which], paths.lengths[which])[0]] = _averaged(paths.take(which), n - 1)
    return paths.with_values(smoothed)


def _averaged(paths: Ragged, reach: int) -> np.ndarray:
    """The mean of every point and `reach` to either side, (n, 2)."""
    continued, at = _continued(paths, reach)
    n = len(continued) - 2 * reach
    total = np.zeros((n, 2))
    for shift in range(2 * reach + 1):
        total += continued[shift : shift + n]
    return rows_of(total, at - reach) / (2 * reach + 1)


def _continued(paths: Ragged, reach: int) -> tuple[np.ndarray, np.ndarray]:
    """All paths end to end with `reach` points more at either end, mirrored in it; and where each old point is."""
    first, last = paths.starts[:-1, None], paths.starts[1:, None] - 1
    n = np.arange(reach, 0, -1)
    ends = [np.minimum(first + n, last), np.maximum(last - n[::-1], first)]
    before, after = (
        2 * rows_of(paths.values, end) - rows_of(paths.values, inner)
        for end, inner in zip((first, last), ends, strict=True)
    )
    at = np.arange(len(paths.values)) + reach * (2 * paths.owner + 1)
    index, begins = spread(paths.starts[:-1] - reach, paths.lengths + 2 * reach)
    continued, begin = rows_of(paths.values, np.clip(index, 0, len(paths.values) - 1)), begins[:-1]
    continued[begin[:, None] + np.arange(reach)] = before
    continued[(begin + reach + paths.lengths)[:, None] + np.arange(reach)] = after
    return continued, at


def arcs(paths: Ragged) -> np.ndarray:
    """Length along its path at every point (n,), 0 at the first."""
    total = np.cumsum(paths.steps)
    return total - total[paths.starts[:-1]][paths.owner]


def lengths(paths: Ragged) -> np.ndarray:
    """Length of every path (m,)."""
    return paths.total(paths.steps)


def end_to_end(paths: Ragged) -> np.ndarray:
    """Distance (m,) of the first and last point of every path."""
    return norms(rows_of(paths.values, paths.starts[1:] - 1) - rows_of(paths.values, paths.starts[:-1]))


def to_tips(paths: Ragged, free: np.ndarray, width: np.ndarray, edges: Edges) -> Ragged:
    """Paths whose last 3/4 width before a free end (bool (m, 2)) is a straight line on to the outline.

    There skeletons stop short (round ends) or turn into a corner (square ends). width: (m,) px.
    """
    arc, length = arcs(paths), lengths(paths)
    cut = np.where(free, np.minimum(CLEAR_WIDTHS * width, 0.25 * length)[:, None], 0.0)
    before = np.minimum(cut + np.maximum(0.5 * width, 5.0)[:, None], 0.5 * length[:, None])
    first, last = paths.starts[:-1], paths.starts[1:] - 1
    axis = arc + (np.cumsum(length + 1.0) - length)[paths.owner]
    base = axis[first]
    kept = np.stack([np.searchsorted(axis, base + cut[:, 0] - 1e-9), _last_until(axis, base + length - cut[:, 1])], 1)
    inner = np.stack(
        [np.searchsorted(axis, base + before[:, 0] - 1e-9), _last_until(axis, base + length - before[:, 1])], 1
    )
    kept = np.clip(kept, first[:, None], last[:, None])
    inner = np.clip(inner, first[:, None], last[:, None])
    left = np.maximum(cut, 1.0) + 2 * width[:, None]
    tips, found = _on_to_outline(paths, kept, inner, free, left, edges)
    # So short a piece of a thin one tells its direction badly: a ray that leaves at the side is shorter than the cut.
    beside = free & (found < cut)
    if beside.any():
        kept = np.where(beside, np.stack([first, last], axis=1), kept)
        tips[beside] = _on_to_outline(paths, kept, inner, beside, left, edges)[0][beside]
    return _between(paths, kept, tips)


def _on_to_outline(
    paths: Ragged, kept: np.ndarray, inner: np.ndarray, free: np.ndarray, left: np.ndarray, edges: Edges
) -> tuple[np.ndarray, np.ndarray]:
    """Where lines from the points `inner` through `kept` (int (m, 2)) meet the outline, (m, 2, 2), and how far from
    there, (m, 2) px; at ends that are not `free` that is `kept` itself.
    """
    origins = paths.values[kept]
    direction = origins - paths.values[inner]
    direction /= np.maximum(np.hypot(direction[..., 0], direction[..., 1]), 1e-9)[..., None]
    found = np.zeros(kept.shape)
    found[free] = edges.rays(origins[free], direction[free], left[free])
    return origins + found[..., None] * direction, found


def _last_until(axis: np.ndarray, where: np.ndarray) -> np.ndarray:
    return np.searchsorted(axis, where + 1e-9, side="right") - 1


def _between(paths: Ragged, kept: np.ndarray, tips: np.ndarray) -> Ragged:
    """The points kept[:, 0]..kept[:, 1] of every path with a new first and last point (m, 2, 2)."""
    n = np.maximum(kept[:, 1] - kept[:, 0] + 1, 1)
    index, starts = spread(kept[:, 0] - 1, n + 2)
    values = rows_of(paths.values, np.clip(index, 0, len(paths.values) - 1))
    values[starts[:-1]], values[starts[1:] - 1] = tips[:, 0], tips[:, 1]
    return Ragged(values, starts)
