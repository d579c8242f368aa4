"""What the crops of domains show when their pixels are squares: outlines, shapes, wires, depths."""

from __future__ import annotations

import math
from collections.abc import Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, replace

import numpy as np

from nanomorph.measure.distance import Depth, depth_of
from nanomorph.measure.edges import Edges
from nanomorph.measure.outline import Outline, convex_hull, feret_max, feret_min, perimeter, total_perimeter, trace_all
from nanomorph.measure.shape import Moments, moments_of, outline_descriptors, proportions
from nanomorph.measure.skeletons.skeleton import thin_all
from nanomorph.measure.skeletons.thinning import thinning_step
from nanomorph.measure.wires.wires import Columns, Segments, WirePaths, measure_wires

CLOSED = 1e-6  # px between the two ends of a wire that closes on itself, at the most

# A domain of at most so many times its inscribed circle's area has no stretch of one width: what its skeleton shows
# farther than three of that circle's radii from a tip are warts. Triangles: 1.65 of equal sides, 1.86 half a square,
# 2.06 half of the former; a bar twice as long as wide 2.55; and a circle of few pixels is measured too small. A wire,
# three widths long, has 3.8.
COMPACT = 2.8
# A pixel and those around it, x and y; of equal ones the first is taken.
_AROUND = np.array([(0, 0), (-1, 0), (1, 0), (0, -1), (0, 1), (-1, -1), (1, -1), (-1, 1), (1, 1)])

LENGTHS = (
    "ecd", "feret_max", "feret_min", "width_median", "width_mean", "width_sd", "width_min", "width_max",
    "length", "end_to_end", "skeleton_length", "persistence_length", "perimeter", "inscribed_diameter",
)  # fmt: skip


@dataclass(frozen=True, eq=False)
class Geometry:
    """What crops show when their pixels are squares of side 1. columns: arrays (n,), see `geometry`."""

    columns: Columns
    wires: WirePaths
    segments: Segments


def geometry(
    crops: Sequence[np.ndarray], beside: Executor, recorded: Sequence[Moments | None] | None = None
) -> Geometry:
    """Measure `crops` (bool (H, W), none empty), their pixels taken as squares of side 1.

    recorded: of crops that are resampled, the moments before: a small domain turns by degrees on the way.

    Columns: arrays (n,), LENGTHS in px, all scale-free descriptors, counts, centroid_x and centroid_y in the
    crop, orientation_deg, and outline_length (px, holes included). beside: takes half of the work.
    """
    depths, offsets = [depth_of(crop) for crop in crops], _offsets(crops)
    radii = [depth.greatest for depth in depths]
    areas = np.array([np.count_nonzero(crop) for crop in crops])
    compact = areas <= COMPACT * math.pi * (np.array(radii) - 0.5) ** 2
    traced = beside.submit(_outlined, crops, radii, offsets)
    moments = [_moments(*pair) for pair in zip(crops, recorded or [None] * len(crops), strict=True)]
    shapes = beside.submit(lambda: _shapes(moments, traced.result()[0], depths))
    steps = [thinning_step(crop, depth.greatest, 4 * depth.mean) for crop, depth in zip(crops, depths, strict=True)]
    raw = thin_all(crops, steps, offsets)
    of_wires, wires, segments = measure_wires(raw, *traced.result(), offsets, compact, max(radii), beside)
    columns = shapes.result() | of_wires | {
        "tortuosity": tortuosity(of_wires["length"], of_wires["end_to_end"]),
        "elongation": of_wires["length"] / of_wires["width_median"],
        "width_variation": of_wires["width_sd"] / of_wires["width_median"],
    }  # fmt: skip
    return Geometry(columns, wires, segments)


def _outlined(crops: Sequence[np.ndarray], radii: Sequence[float], offsets: np.ndarray) -> tuple[list[Outline], Edges]:
    outlines = trace_all(crops, radii)
    return outlines, Edges(outlines, offsets)


def _offsets(crops: Sequence[np.ndarray]) -> np.ndarray:
    """Where to put each crop (x, y) so that none is near another: in a row, its own size free on both sides."""
    sizes = np.array([max(crop.shape) + 4.0 for crop in crops])
    return np.stack([3 * np.cumsum(sizes) - 2 * sizes, np.zeros(len(crops))], axis=1)


def tortuosity(length: np.ndarray, end_to_end: np.ndarray) -> np.ndarray:
    """length / end-to-end distance (n,), at least 1; NaN for a wire that closes on itself."""
    ratio = np.full(length.shape, np.nan)
    np.divide(length, end_to_end, out=ratio, where=end_to_end > CLOSED)
    return np.maximum(ratio, 1.0)


def _moments(crop: np.ndarray, recorded: Moments | None) -> Moments:
    own = moments_of(crop)
    return own if recorded is None else replace(recorded, area=own.area, centroid=own.centroid)


def _shapes(moments: Sequence[Moments], outlines: Sequence[Outline], depths: Sequence[Depth]) -> Columns:
    """What outlines and pixels show without the skeletons, arrays (n,)."""
    single = [_single(*one) for one in zip(outlines, moments, depths, strict=True)]
    columns = {name: np.array([row[name] for row in single]) for name in single[0]}
    return columns | outline_descriptors(outlines, moments)


def _single(outline: Outline, moments: Moments, depth: Depth) -> dict[str, float]:
    """What is measured domain by domain: lengths and proportions of the outline and its hull."""
    hull = convex_hull(np.concatenate(outline.outer))
    diameters = feret_max(outline.corners), feret_min(hull)
    inscribed_radius = _inscribed_radius(outline.points, depth.at)
    around = [perimeter(ring) for ring in outline.outer]
    return {
        "ecd": math.sqrt(4 * moments.area / math.pi),
        "feret_max": diameters[0],
        "feret_min": diameters[1],
        "perimeter": sum(around),
        "outline_length": sum(around) + total_perimeter(outline.holes),
        "inscribed_diameter": 2 * inscribed_radius,
        "n_holes": len(outline.holes),
        # Twice: a tiny negative angle becomes 180 in floating point, and 180 is 0.
        "orientation_deg": -math.degrees(moments.angle) % 180.0 % 180.0,
        "centroid_x": moments.centroid[0],
        "centroid_y": moments.centroid[1],
        **proportions(outline, hull, moments, diameters, inscribed_radius, around),
    }


def _inscribed_radius(points: np.ndarray, at: np.ndarray) -> float:
    """Greatest distance to the outline's nearest vertex, (n, 2), of places within a pixel of its deepest one `at`.

    The middle of an even width lies between two pixels.
    """
    x, y = points[:, 0] - at[0], points[:, 1] - at[1]
    distance = np.sqrt(x * x + y * y)
    radius = float(distance.min())
    near = distance <= radius + 2
    x, y, at = x[near], y[near], np.zeros(2)
    for step in (0.5, 0.25):
        places = at + step * _AROUND
        radii = np.hypot(x - places[:, :1], y - places[:, 1:]).min(axis=1)
        at, radius = places[radii.argmax()], float(radii.max())
    return radius
