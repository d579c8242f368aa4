"""The columns of resolved wires in recorded pixels and in nanometres."""

from __future__ import annotations

import math

import numpy as np

from nanomorph.measure.domains import Domains
from nanomorph.measure.geometry import tortuosity
from nanomorph.measure.hidden import paths_beside
from nanomorph.measure.ragged import Ragged, rows_of
from nanomorph.measure.statistics import edge_weights
from nanomorph.measure.wires import paths as path_measures
from nanomorph.measure.wires.bending import curvature, persistence_lengths
from nanomorph.measure.wires.wires import Columns


def wire_columns(domains: Domains, field: tuple[int, ...], burnt_in: np.ndarray | None = None) -> Columns:
    """WIRE_COLUMNS of all wires of a field (h, w), arrays (m,), by domain. burnt_in: bool (h, w), may hide parts.

    Lengths are measured on square pixels; `_px` are those of the same path and width on the recorded ones.
    """
    wires = domains.geometry.wires
    square, stretch = wires.paths, np.array(domains.per_px)
    corners = rows_of(domains.corners[:, ::-1], wires.domain[square.owner])
    recorded = square.with_values(square.values / stretch + corners)
    length = path_measures.lengths(square)
    direction = _direction(square)
    across = _across(direction, domains.per_px)
    # So near a path comes to what cuts its wire, at the least.
    reach = 0.5 * wires.widths["width_median"] * across + 0.5
    columns = {
        "domain": domains.columns["domain"][wires.domain],
        "wire": np.arange(1, len(square) + 1),
        "touches_edge": domains.columns["touches_edge"][wires.domain]
        & (_touches(recorded, reach, field) | paths_beside(recorded, reach + 1.0, burnt_in)),
        "elongation": _elongation(length, wires.widths["width_median"]),
        "tortuosity": tortuosity(length, path_measures.end_to_end(square)),
        "orientation_deg": direction,
        "n_crossings": wires.crossings,
        "n_tips": wires.free.sum(axis=1),
    }
    bend = curvature(wires.bodies, wires.widths["width_median"])
    stiff = persistence_lengths(wires.bodies)
    # A path of one point has no length to compare.
    along = np.divide(path_measures.lengths(recorded), length, out=np.ones_like(length), where=length > 0)
    columns |= {"curvature_mean_per_px": bend / along, "curvature_mean_per_um": bend * 1000 / domains.side_nm}
    for name, values, to_px in (
        ("length", length, along),
        ("end_to_end", path_measures.end_to_end(square), None),
        ("persistence_length", stiff, along),
        *((name, values, across) for name, values in wires.widths.items()),
    ):
        columns[f"{name}_px"] = path_measures.end_to_end(recorded) if to_px is None else values * to_px
        columns[f"{name}_nm"] = values * domains.side_nm
    columns["edge_weight"] = edge_weights(
        _boxes(recorded, direction, columns["width_median_px"]), columns["touches_edge"], field
    )
    for end, at in (("start", recorded.starts[:-1]), ("end", recorded.starts[1:] - 1)):
        columns |= {f"{end}_{axis}_px": recorded.values[at, k] for k, axis in enumerate("xy")}
    return columns


def _elongation(length: np.ndarray, width: np.ndarray) -> np.ndarray:
    """NaN for a path of one point, which has neither length nor width."""
    return np.divide(length, width, out=np.full(len(length), np.nan), where=width > 0)


def _across(direction: np.ndarray, per_px: tuple[float, float]) -> np.ndarray:
    """Recorded pixels per square pixel across paths of a mean direction (m,), degrees: 1 where pixels are square.

    A strip keeps its area up to the factor 1 / (x y) when its length changes by that of its direction.
    """
    theta = np.deg2rad(direction)
    along = np.hypot(np.cos(theta) / per_px[0], np.sin(theta) / per_px[1])
    return 1 / (math.prod(per_px) * along)


def _direction(paths: Ragged) -> np.ndarray:
    """Mean direction (m,) by length in degrees, counterclockwise from +x."""
    x, y = np.diff(paths.values, axis=0, prepend=paths.values[:1]).T
    # Of twice its angle a step d has the cosine (x x - y y) / d d; the first of a path is none.
    weight = np.divide(1.0, paths.steps, out=np.zeros(len(x)), where=paths.steps > 0)
    cos, sin = paths.total(weight * (x * x - y * y)), paths.total(weight * -2 * x * y)
    return np.degrees(0.5 * np.arctan2(sin, cos)) % 180.0 % 180.0


def _boxes(paths: Ragged, direction: np.ndarray, width: np.ndarray) -> np.ndarray:
    """Height and width (m, 2) of the boxes around wires of a mean direction, degrees, and a width (m,), px."""
    begins, theta = paths.starts[:-1], np.deg2rad(direction)
    extent = np.maximum.reduceat(paths.values, begins) - np.minimum.reduceat(paths.values, begins)
    beside = width[:, None] * np.abs(np.stack([np.sin(theta), np.cos(theta)], axis=1))
    return (extent + beside)[:, ::-1]


def _touches(paths: Ragged, reach: np.ndarray, field: tuple[int, ...]) -> np.ndarray:
    """Whether a path (px of the field) comes within its reach (m,) of the first or last row or column."""
    x, y = paths.values.T
    gap = np.minimum(np.minimum(x, field[1] - 1.0 - x), np.minimum(y, field[0] - 1.0 - y))
    return np.minimum.reduceat(gap, paths.starts[:-1]) <= reach
