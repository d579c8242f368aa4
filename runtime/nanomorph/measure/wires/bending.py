"""How bent and how stiff paths along wires are."""

from __future__ import annotations

import numpy as np

from nanomorph.measure.ragged import Ragged, norms, rows_of, spread
from nanomorph.measure.wires.paths import SMOOTHING_POINTS, lengths

# Tangents are compared at so many separations, up to half of a path's length.
N_LAGS, LAG_SHARE = 10, 0.5
# More tangents of a path than so many are not all compared: at most every fourth, which span half of the same points.
ENOUGH_TANGENTS = 250
# The least mean loss of tangent correlation that is told from the noise of a digitised straight wire.
STRAIGHT = 2e-4


def curvature(paths: Ragged, width: np.ndarray) -> np.ndarray:
    """Mean absolute curvature (m,), 1/px: turning of the path over one width (at least 9 points), per length."""
    n = paths.lengths
    spacing = np.maximum(lengths(paths) / np.maximum(n - 1, 1), 1e-9)
    lag = np.clip(np.rint(width / spacing).astype(int), SMOOTHING_POINTS, np.maximum((n - 1) // 3, 1))
    here = _along_lag(paths, lag)
    by = lag[paths.owner[here]]
    vectors = rows_of(paths.values, here + by) - rows_of(paths.values, here)
    has_next = here + 2 * by < paths.starts[1:][paths.owner[here]]
    # Of a path that has so many, the vector that follows is `lag` on.
    first = np.flatnonzero(has_next)
    a, b = rows_of(vectors, first), rows_of(vectors, first + by[first])
    turn = np.abs(np.arctan2(a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0], (a * b).sum(axis=1)))
    owner = paths.owner[here[has_next]]
    count = np.bincount(owner, minlength=len(paths))
    mean = np.bincount(owner, turn, minlength=len(paths)) / np.maximum(count, 1)
    return np.where(count > 0, mean / (lag * spacing), np.nan)


def _along_lag(paths: Ragged, lag: np.ndarray) -> np.ndarray:
    """Indices of the points that have one `lag` (m,) points further on along their path, ascending."""
    return np.flatnonzero(np.arange(len(paths.values)) + lag[paths.owner] < paths.starts[1:][paths.owner])


def tangent_correlation(paths: Ragged, lag_px: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Sum and number of cos(angle between tangents), each (m, K), at separations `lag_px` (m, K) along every path.

    Tangents span 9 points; of a path of many, those that begin at every few are compared, as neighbours are alike.
    """
    spacing = lengths(paths) / np.maximum(paths.lengths - 1, 1)
    span = np.minimum(SMOOTHING_POINTS - 1, np.maximum(paths.lengths - 1, 1))
    first, n = paths.starts[:-1], np.maximum(paths.lengths - span, 0)
    here, begins = spread(first, n)
    tangents = rows_of(paths.values, here + np.repeat(span, n)) - rows_of(paths.values, here)
    x, y = tangents.T / np.maximum(norms(tangents), 1e-9)
    # A share of a path's length is often half a spacing, exactly but for its last bit, which must not decide.
    lags = np.round(lag_px / np.maximum(spacing, 1e-9)[:, None], 6)
    lags = np.maximum(np.rint(lags).astype(int), 1)
    counts = np.maximum(n[:, None] - lags, 0)
    sums = np.zeros(lag_px.shape)
    stride = np.clip(n // ENOUGH_TANGENTS, 1, SMOOTHING_POINTS // 2)
    counts = -(-counts // stride[:, None])
    for k in range(lag_px.shape[1]):
        owner = np.repeat(np.arange(len(paths)), counts[:, k])
        start = begins[owner] + stride[owner] * spread(np.zeros(len(paths), int), counts[:, k])[0]
        ahead = start + lags[owner, k]
        sums[:, k] = np.bincount(owner, x[start] * x[ahead] + y[start] * y[ahead], minlength=len(paths))
    # Of all paths together each counts by its length.
    return sums * stride[:, None], counts * stride[:, None]


def persistence_lengths(paths: Ragged) -> np.ndarray:
    """Persistence length P (m,), px, of every path as a worm-like chain in the plane: <cos> = exp(-s / 2P).

    Least squares of -ln <cos> through the origin over separations s up to half of the length (Rivetti et al. 1996).
    NaN where the path is too straight to tell.
    """
    lag = LAG_SHARE * lengths(paths)[:, None] * np.arange(1, N_LAGS + 1) / N_LAGS
    return _fit(*tangent_correlation(paths, lag), lag)


def persistence_length(paths: Ragged) -> float:
    """The same for all paths of a field together: their tangents are averaged at common separations."""
    if not len(paths):
        return np.nan
    length = lengths(paths)
    order = np.argsort(length, kind="stable")
    half_of_all = np.searchsorted(np.cumsum(length[order]), length.sum() / 2)
    lag = LAG_SHARE * length[order[half_of_all]] * np.arange(1, N_LAGS + 1)[None] / N_LAGS
    sums, counts = tangent_correlation(paths, np.repeat(lag, len(paths), axis=0))
    return float(_fit(sums.sum(axis=0)[None], counts.sum(axis=0)[None], lag)[0])


def _fit(sums: np.ndarray, counts: np.ndarray, lag: np.ndarray) -> np.ndarray:
    """P (m,) from summed cosines (m, K); separations from where tangents are at right angles on are left out."""
    cosine = sums / np.maximum(counts, 1)
    used = np.cumprod((cosine > 0.05) & (counts > 0), axis=1).astype(bool)
    loss = -np.log(np.where(used, np.minimum(cosine, 1.0), 1.0))
    slope = (lag * loss).sum(axis=1) / np.maximum((lag**2 * used).sum(axis=1), 1e-12)
    told = loss.sum(axis=1) > STRAIGHT * np.maximum(used.sum(axis=1), 1)
    return np.where(told, 1 / (2 * np.maximum(slope, 1e-12)), np.nan)
