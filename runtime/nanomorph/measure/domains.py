"""Geometry of the domains of a label image, each measured on its own crop."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import pandas as pd
from scipy.ndimage import find_objects

from nanomorph.measure.distance import distance_to_background
from nanomorph.measure.outline import Outline, convex_hull, feret_max, feret_min, perimeter, trace_all
from nanomorph.measure.shape import Moments, moments_of, outline_descriptors, proportions
from nanomorph.measure.table import DOMAIN_COLUMNS
from nanomorph.measure.wires import measure_wires

ISOTROPIC = 1e-3  # pixel sizes in x and y that differ by less than this share are taken as equal

LENGTHS = (
    "ecd", "feret_max", "feret_min", "width_median", "width_mean", "width_sd", "width_min", "width_max",
    "length", "end_to_end", "skeleton_length", "perimeter", "inscribed_diameter",
)  # fmt: skip

DTYPES = {"domain": np.dtype(np.int32), "touches_edge": np.dtype(bool), "area_px": np.dtype(np.int64)} | {
    name: np.dtype(np.int32) for name in ("n_holes", "n_branch_points", "n_end_points")
}

Columns = dict[str, np.ndarray]


@dataclass(frozen=True, eq=False)
class Crop:
    """The pixels of one domain (bool (H, W)); `corner` is their first row and column in the field."""

    domain: int
    corner: tuple[int, int]
    pixels: np.ndarray


def crops_of(labels: np.ndarray) -> list[Crop]:
    """One crop for every domain of a label image, ascending."""
    return [
        Crop(index + 1, (box[0].start, box[1].start), labels[box] == index + 1)
        for index, box in enumerate(find_objects(labels))
        if box is not None
    ]


def measure_domains(
    labels: np.ndarray, nm_per_px: tuple[float, float] | None
) -> tuple[pd.DataFrame, tuple[float, float]]:
    """Measure every domain of `labels` (int32 (H, W), 0 = background).

    Returns the table (DOMAIN_COLUMNS, one row a domain, ascending `domain`) and the orientation of all
    skeletons together: mean cos 2t and mean sin 2t over their length (0, 0 where there is none).
    """
    crops = crops_of(labels)
    if not crops:
        return _table({}, 0), (0.0, 0.0)
    recorded = geometry([crop.pixels for crop in crops])
    real, side = recorded, math.nan
    if nm_per_px is not None:
        side = min(nm_per_px)
        if anisotropic(nm_per_px):
            real = geometry([to_square_pixels(crop.pixels, nm_per_px) for crop in crops])
    columns = real | _placed(crops, recorded, labels.shape)
    columns |= {f"{name}_px": recorded[name] for name in LENGTHS}
    columns |= {f"{name}_nm": real[name] * side for name in LENGTHS}
    columns["area_nm2"] = columns["area_px"] * (math.prod(nm_per_px) if nm_per_px is not None else math.nan)
    columns["ecd_nm"] = np.sqrt(4 * columns["area_nm2"] / math.pi)
    length = max(float(real["skeleton_length"].sum()), 1e-9)
    axis = (float(real["axis_cos"].sum()) / length, float(real["axis_sin"].sum()) / length)
    return _table(columns, len(crops)), axis


def anisotropic(nm_per_px: tuple[float, float]) -> bool:
    """Whether pixels are oblong enough for lengths to depend on it."""
    return abs(nm_per_px[0] - nm_per_px[1]) > ISOTROPIC * min(nm_per_px)


def _placed(crops: Sequence[Crop], recorded: Columns, field: tuple[int, ...]) -> Columns:
    """What depends on where in the field a domain lies."""
    corners = np.array([crop.corner for crop in crops])
    ends = corners + np.array([crop.pixels.shape for crop in crops])
    return {
        "domain": np.array([crop.domain for crop in crops]),
        "touches_edge": (corners == 0).any(axis=1) | (ends >= np.array(field)).any(axis=1),
        "area_px": np.array([np.count_nonzero(crop.pixels) for crop in crops]),
        "centroid_x_px": corners[:, 1] + recorded["centroid_x"],
        "centroid_y_px": corners[:, 0] + recorded["centroid_y"],
    }


def geometry(crops: Sequence[np.ndarray]) -> Columns:
    """Measure `crops` (bool (H, W), none empty), their pixels taken as squares of side 1.

    Returns arrays (n,): LENGTHS in px, all scale-free descriptors, counts, centroid_x and centroid_y in the
    crop, orientation_deg, and the skeletons' axes (see `wires.measure_wires`).
    """
    depths = [_deepest(crop) for crop in crops]
    outlines = trace_all(crops, [depth for _, depth in depths])
    moments = [moments_of(crop) for crop in crops]
    single = [_single(outline, m, at) for outline, m, (at, _) in zip(outlines, moments, depths, strict=True)]
    columns = {name: np.array([row[name] for row in single]) for name in single[0]}
    wires = measure_wires(crops, outlines, [depth for _, depth in depths])
    return columns | wires | outline_descriptors(outlines, moments) | {
        "tortuosity": _tortuosity(wires["length"], wires["end_to_end"]),
        "elongation": wires["length"] / wires["width_median"],
        "width_variation": wires["width_sd"] / wires["width_median"],
    }  # fmt: skip


def _tortuosity(length: np.ndarray, end_to_end: np.ndarray) -> np.ndarray:
    """length / end-to-end distance (n,), at least 1; NaN for a wire that closes on itself."""
    ratio = np.full(length.shape, np.nan)
    np.divide(length, end_to_end, out=ratio, where=end_to_end > 0)
    return np.maximum(ratio, 1.0)


def _deepest(crop: np.ndarray) -> tuple[np.ndarray, float]:
    """The pixel (x, y) of a domain farthest from its background, and how far (px)."""
    distance = distance_to_background(np.pad(crop, 1))
    row, column = np.unravel_index(int(distance.argmax()), distance.shape)
    return np.array([column - 1.0, row - 1.0]), float(distance[row, column])


def _single(outline: Outline, moments: Moments, deepest: np.ndarray) -> dict[str, float]:
    """What is measured domain by domain: lengths and proportions of the outline and its hull."""
    hull = convex_hull(outline.points)
    diameters = feret_max(outline.corners), feret_min(hull)
    inscribed_radius = float(np.sqrt(((outline.points - deepest) ** 2).sum(axis=1).min()))
    return {
        "ecd": math.sqrt(4 * moments.area / math.pi),
        "feret_max": diameters[0],
        "feret_min": diameters[1],
        "perimeter": sum(map(perimeter, outline.outer)),
        "inscribed_diameter": 2 * inscribed_radius,
        "n_holes": len(outline.holes),
        # Twice: a tiny negative angle becomes 180 in floating point, and 180 is 0.
        "orientation_deg": -math.degrees(moments.angle) % 180.0 % 180.0,
        "centroid_x": moments.centroid[0],
        "centroid_y": moments.centroid[1],
        **proportions(outline, hull, moments, diameters, inscribed_radius),
    }


def to_square_pixels(crop: np.ndarray, nm_per_px: tuple[float, float]) -> np.ndarray:
    """Resample a crop (bool) onto squares of the smaller of the two pixel sizes (linear, cut at one half)."""
    side = min(nm_per_px)
    padded = np.pad(crop.astype(np.float32), 1)
    height, width = padded.shape
    size = (max(1, round(width * nm_per_px[0] / side)), max(1, round(height * nm_per_px[1] / side)))
    stretched = cv2.resize(padded, size, interpolation=cv2.INTER_LINEAR) > 0.5
    return stretched if stretched.any() else cv2.resize(padded, size, interpolation=cv2.INTER_NEAREST) > 0.5


def _table(columns: Columns, n: int) -> pd.DataFrame:
    """A DataFrame of exactly DOMAIN_COLUMNS with fixed dtypes, also where there is no row."""
    empty = np.zeros(n)
    return pd.DataFrame(
        {
            c.name: np.asarray(columns[c.name] if n else empty, dtype=DTYPES.get(c.name, np.dtype(float)))
            for c in DOMAIN_COLUMNS
        }
    )
