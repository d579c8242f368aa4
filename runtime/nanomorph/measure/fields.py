"""Descriptors of a whole field: summaries of its domains, order, texture; what it covers and spans: `spans`."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from nanomorph.measure.domains import Domains
from nanomorph.measure.ragged import rows_of
from nanomorph.measure.statistics import Sample, bootstrap_median, median, sample
from nanomorph.measure.textures.texture import Texture
from nanomorph.measure.wires import order
from nanomorph.measure.wires.bending import persistence_length

Values = Mapping[str, np.ndarray]


def measure_field(
    labels: np.ndarray,
    domains: Domains | None,
    texture: Texture,
    spans: Mapping[str, float],
    columns: Values,
    nm_per_px: tuple[float, float] | None,
    edges: str,
) -> dict[str, float]:
    """FIELD_COLUMNS of `labels` (int (H, W)) from its domains' `columns` and geometry, its texture and its spans."""
    area = columns["area_px"].astype(float)
    sized = sample(columns["touches_edge"], columns["edge_weight"], area, edges)
    area_um2 = field_um2(labels.shape, nm_per_px)
    n, n_branch_points = len(columns["area_px"]), int(columns["n_branch_points"].sum())
    return {
        **spans,
        "n_domains": n,
        **size_statistics(columns, sized),
        "n_sized": len(sized.index),
        "sized_fraction": _ratio(float(area[sized.index].sum()), float(area.sum())),
        "sizes_include_edge": sized.includes_edge,
        "number_density_um2": n / area_um2,
        "number_density_weighted_um2": float(np.nansum(columns["edge_weight"])) / area_um2,
        "skeleton_length_px": float(columns["skeleton_length_px"].sum()),
        "skeleton_length_nm": float(columns["skeleton_length_nm"].sum()) if nm_per_px is not None else math.nan,
        "branch_points": n_branch_points,
        "branch_density_um2": n_branch_points / area_um2,
        "n_wires": int(columns["n_wires"].sum()),
        "n_holes": int(columns["n_holes"].sum()),
        **_scale_free(columns, sized, *_square_side(labels.size, nm_per_px)),
        **_in_units(_of_skeletons(domains, labels.shape), nm_per_px),
        **_in_units(texture.columns(), nm_per_px),
        "orientation_order": _order(domains),
    }


def field_um2(shape: tuple[int, ...], nm_per_px: tuple[float, float] | None) -> float:
    """Area of a field (H, W); NaN where the pixel size is not known."""
    return math.nan if nm_per_px is None else math.prod(shape) * math.prod(nm_per_px) / 1e6


def _square_side(size: int, nm_per_px: tuple[float, float] | None) -> tuple[float, str]:
    """The side of a square of the field's area, and its unit: px only where no pixel size says how long they are."""
    return (math.sqrt(size), "px") if nm_per_px is None else (math.sqrt(size * math.prod(nm_per_px)), "nm")


def _scale_free(columns: Values, sized: Sample, side: float, unit: str) -> dict[str, float]:
    """Ratios and averages that do not change when field and domains are enlarged alike."""
    width, inscribed, length = (columns[f"{c}_{unit}"] for c in ("width_median", "inscribed_diameter", "length"))
    skeletons = float(columns[f"skeleton_length_{unit}"].sum())
    n_branch_points, n_end_points = (int(columns[c].sum()) for c in ("n_branch_points", "n_end_points"))
    widths = width[sized.index]
    usual = median(widths, sized.weight)
    area = columns["area_px"].astype(float)
    return {
        "largest_domain_share": float(area.max() / area.sum()) if len(area) else 0.0,
        "relative_width": usual / side,
        "relative_width_largest": _largest(width) / side,
        "relative_inscribed_diameter": _largest(inscribed) / side,
        "relative_skeleton_length": skeletons / side,
        "relative_length_longest": _largest(length) / side,
        "branch_points_per_side": _ratio(n_branch_points * side, skeletons),
        "branch_points_per_width": _ratio(n_branch_points * usual, skeletons),
        "end_points_per_side": _ratio(n_end_points * side, skeletons),
        "end_points_per_width": _ratio(n_end_points * usual, skeletons),
        "mean_tortuosity": _weighted(columns["tortuosity"], length),
        "mean_solidity": _weighted(columns["solidity"], area),
        "mean_circularity": _weighted(columns["circularity"], area),
        "mean_width_variation": _weighted(columns["width_variation"], area),
        "median_elongation": median(columns["elongation"]),
        "median_aspect_ratio": median(columns["aspect_ratio"]),
        "width_spread": _ratio(_deviation(widths, sized.weight), usual),
    }


def size_statistics(columns: Values, sized: Sample) -> dict[str, float]:
    """Medians over the sized domains, each with its 95 % interval; and the width's when masks are cut lower, higher."""
    found = {}
    for name in ("width_median", "length", "ecd"):
        stem = f"domain_{name.removesuffix('_median')}"
        for unit in ("px", "nm"):
            values = columns[f"{name}_{unit}"][sized.index]
            found[f"{stem}_median_{unit}"] = median(values, sized.weight)
        low, high = bootstrap_median(columns[f"{name}_nm"][sized.index], sized.weight)
        found |= {f"{stem}_ci_low_nm": low, f"{stem}_ci_high_nm": high}
    for end in ("low", "high"):
        found[f"domain_width_mask_{end}_nm"] = median(columns[f"width_{end}_nm"][sized.index], sized.weight)
    return found


def _of_skeletons(domains: Domains | None, field: tuple[int, ...]) -> dict[str, float]:
    """orientation_domain_length and persistence_length, in square pixels."""
    if domains is None:
        return dict.fromkeys(("orientation_domain_length", "persistence_length"), math.nan)
    segments = domains.geometry.segments
    corner = rows_of(domains.corners[:, ::-1] * np.array(domains.per_px), segments.domain)
    extent = field[0] * domains.per_px[1], field[1] * domains.per_px[0]
    reach = order.domain_length(segments.middle + corner, segments.length, segments.direction, extent)
    return {
        "orientation_domain_length": reach,
        "persistence_length": persistence_length(domains.geometry.wires.bodies),
    }


def _order(domains: Domains | None) -> float:
    if domains is None:
        return math.nan
    return order.s2d(domains.geometry.segments.length, domains.geometry.segments.direction)


def _in_units(lengths: Mapping[str, float], nm_per_px: tuple[float, float] | None) -> dict[str, float]:
    """Lengths on square pixels as `_px` (of the pixel's shorter side) and `_nm`."""
    side = math.nan if nm_per_px is None else min(nm_per_px)
    return {f"{n}_px": value for n, value in lengths.items()} | {
        f"{n}_nm": value * side for n, value in lengths.items()
    }


def _largest(values: np.ndarray) -> float:
    return float(np.nanmax(values)) if len(values) else math.nan


def _weighted(values: np.ndarray, weights: np.ndarray) -> float:
    """Mean of those that have a value: a closed wire has no tortuosity."""
    known = ~np.isnan(values) & (weights > 0)
    return float(np.average(values[known], weights=weights[known])) if known.any() else math.nan


def _deviation(values: np.ndarray, weights: np.ndarray) -> float:
    """Standard deviation of values that weigh unequally; NaN of none."""
    if not len(values):
        return math.nan
    return math.sqrt(float(np.average((values - np.average(values, weights=weights)) ** 2, weights=weights)))


def _ratio(part: float, whole: float) -> float:
    return part / whole if whole > 0 else math.nan
