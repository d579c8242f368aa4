"""Descriptors of a whole field: coverage, percolation, order, and summaries of its domains."""

from __future__ import annotations

import math

import cv2
import numpy as np
import pandas as pd

GAP_PX = 2  # background of at most so many px between two pieces still joins them
N_BOOTSTRAP = 1000
SEED = 20260


def measure_field(
    labels: np.ndarray,
    domains: pd.DataFrame,
    axis: tuple[float, float],
    nm_per_px: tuple[float, float] | None,
) -> dict[str, float]:
    """FIELD_COLUMNS of `labels` (int (H, W)) from its domains table and the skeletons' mean axis."""
    foreground = (labels > 0).astype(np.uint8)
    sized, includes_edge = size_sample(domains)
    side_px = math.sqrt(labels.size)
    area_um2 = labels.size * math.prod(nm_per_px) / 1e6 if nm_per_px is not None else math.nan
    length = float(domains["skeleton_length_px"].sum())
    length_nm = float(domains["skeleton_length_nm"].sum()) if nm_per_px is not None else math.nan
    branches, ends = (int(domains[c].sum()) for c in ("n_branch_points", "n_end_points"))
    width_px = _median(sized["width_median_px"])
    area = domains["area_px"].to_numpy(float)
    return {
        "foreground_fraction": float(foreground.mean()),
        "n_domains": len(domains),
        **percolation(foreground),
        **_size_statistics(sized),
        "n_sized": len(sized),
        "sizes_include_edge": includes_edge,
        "number_density_um2": len(domains) / area_um2,
        "skeleton_length_px": length,
        "skeleton_length_nm": length_nm,
        "branch_points": branches,
        "branch_density_um2": branches / area_um2,
        "largest_domain_share": float(area.max() / area.sum()) if len(area) else 0.0,
        "relative_width": width_px / side_px,
        "relative_width_largest": _largest(domains["width_median_px"]) / side_px,
        "relative_inscribed_diameter": _largest(domains["inscribed_diameter_px"]) / side_px,
        "relative_skeleton_length": length / side_px,
        "relative_length_longest": _largest(domains["length_px"]) / side_px,
        "branch_points_per_side": _ratio(branches * side_px, length),
        "branch_points_per_width": _ratio(branches * width_px, length),
        "end_points_per_side": _ratio(ends * side_px, length),
        "end_points_per_width": _ratio(ends * width_px, length),
        "orientation_order": math.hypot(*axis) if length > 0 else math.nan,
        "mean_tortuosity": _weighted(domains["tortuosity"], domains["length_px"]),
        "mean_solidity": _weighted(domains["solidity"], area),
        "mean_circularity": _weighted(domains["circularity"], area),
        "mean_width_variation": _weighted(domains["width_variation"], area),
        "median_elongation": _median(domains["elongation"]),
        "median_aspect_ratio": _median(domains["aspect_ratio"]),
        "width_spread": _ratio(float(sized["width_median_px"].std(ddof=0)), width_px),
        "hole_fraction": hole_fraction(foreground),
        "n_holes": int(domains["n_holes"].sum()),
    }


def size_sample(domains: pd.DataFrame) -> tuple[pd.DataFrame, bool]:
    """The domains that sizes are counted on: those clear of the edge, or all (True) where none is clear of it.

    A wire that crosses the whole field, or a percolating network, always touches the edge; its width is
    known all the same.
    """
    inside = domains[~domains["touches_edge"]]
    return (inside, False) if len(inside) or not len(domains) else (domains, True)


def percolation(foreground: np.ndarray) -> dict[str, float]:
    """Whether one piece, gaps of up to GAP_PX px closed, spans the field in x, in y, and in both.

    As in the paper's criterion (one DBSCAN cluster that spans at least width - 2 in x and in y), with
    connected components; also the largest spans as fractions of the field's sides.
    """
    height, width = foreground.shape
    joined = cv2.dilate(foreground, np.ones((GAP_PX + 1, GAP_PX + 1), np.uint8))
    _, pieces, stats, _ = cv2.connectedComponentsWithStats(joined, connectivity=8)
    spans_x = np.zeros(len(stats))
    spans_y = np.zeros(len(stats))
    # What dilation added to a piece is no part of its span.
    present = np.bincount(pieces[foreground > 0], minlength=len(stats)) > 0
    for piece in np.flatnonzero(present & _may_span(stats)):
        left, top, w, h = stats[piece, :4]
        inside = (pieces[top : top + h, left : left + w] == piece) & (foreground[top : top + h, left : left + w] > 0)
        spans_x[piece], spans_y[piece] = (np.ptp(np.flatnonzero(inside.any(axis=a))) + 1 for a in (0, 1))
    x, y = spans_x >= width - 2, spans_y >= height - 2
    return {
        "percolates": bool((x & y).any()),
        "percolates_x": bool(x.any()),
        "percolates_y": bool(y.any()),
        "span_x": float(spans_x.max() / width),
        "span_y": float(spans_y.max() / height),
    }


def _may_span(stats: np.ndarray) -> np.ndarray:
    """Pieces that can be the widest or the highest: within the dilation's reach of the largest box."""
    size = stats[:, [cv2.CC_STAT_WIDTH, cv2.CC_STAT_HEIGHT]].astype(int)
    size[0] = 0  # the background
    return (size >= size.max(axis=0, initial=0) - 2 * GAP_PX).any(axis=1)


def hole_fraction(foreground: np.ndarray) -> float:
    """Share of the field that foreground encloses (4-connected background that does not reach the edge)."""
    _, pieces, stats, _ = cv2.connectedComponentsWithStats(1 - foreground, connectivity=4)
    height, width = foreground.shape
    left, top, w, h, area = stats.T
    enclosed = (left > 0) & (top > 0) & (left + w < width) & (top + h < height)
    enclosed[0] = False  # the foreground
    return float(area[enclosed].sum() / pieces.size)


def _size_statistics(sized: pd.DataFrame) -> dict[str, float]:
    """Medians over the sized domains; the width's with its 95 % interval."""
    low, high = bootstrap_median(sized["width_median_nm"].to_numpy())
    return {
        "domain_width_median_nm": _median(sized["width_median_nm"]),
        "domain_width_ci_low_nm": low,
        "domain_width_ci_high_nm": high,
        "domain_width_median_px": _median(sized["width_median_px"]),
        "domain_length_median_px": _median(sized["length_px"]),
        "domain_length_median_nm": _median(sized["length_nm"]),
        "domain_ecd_median_px": _median(sized["ecd_px"]),
        "domain_ecd_median_nm": _median(sized["ecd_nm"]),
    }


def bootstrap_median(values: np.ndarray) -> tuple[float, float]:
    """95 % percentile-bootstrap interval of the median (NaN for fewer than two values, or unknown ones)."""
    if len(values) < 2 or np.isnan(values).any():
        return math.nan, math.nan
    draws = np.random.default_rng(SEED).integers(0, len(values), (N_BOOTSTRAP, len(values)))
    low, high = np.percentile(np.median(values[draws], axis=1), [2.5, 97.5])
    return float(low), float(high)


def _median(values: pd.Series) -> float:
    return float(np.median(values)) if len(values) else math.nan


def _largest(values: pd.Series) -> float:
    return float(values.max()) if len(values) else math.nan


def _weighted(values: pd.Series, weights: pd.Series | np.ndarray) -> float:
    return float(np.average(values, weights=weights)) if len(values) else math.nan


def _ratio(part: float, whole: float) -> float:
    return part / whole if whole > 0 else math.nan
