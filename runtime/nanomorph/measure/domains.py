"""The domains of a label image, each measured on its own crop: in recorded pixels, in nanometres, and where it lies."""

from __future__ import annotations

import math
from collections.abc import Sequence
from concurrent.futures import Executor
from dataclasses import dataclass

import numpy as np

from nanomorph.measure.crops import Crop, anisotropic, crops_of, to_square_pixels
from nanomorph.measure.geometry import LENGTHS, Geometry, geometry
from nanomorph.measure.shape import moments_of
from nanomorph.measure.statistics import edge_weights
from nanomorph.measure.wires.wires import Columns


@dataclass(frozen=True, eq=False)
class Domains:
    """All domains of a field. columns: those of DOMAIN_COLUMNS that need no probability, arrays (n,).

    geometry: on square pixels; nm of a side (NaN where unknown). corners: int (n, 2), first row and column of every
    crop. per_px: square pixels per recorded pixel in x and y.
    """

    columns: Columns
    geometry: Geometry
    side_nm: float
    corners: np.ndarray
    per_px: tuple[float, float]


def measure_domains(
    labels: np.ndarray,
    nm_per_px: tuple[float, float] | None,
    beside: Executor,
    covered: Sequence[int] | np.ndarray = (),
) -> Domains | None:
    """Measure every domain of `labels` (int32 (H, W), 0 = background), ascending; None where there is none.

    covered: numbers of those that something else than the edge cuts.
    """
    crops = crops_of(labels)
    if not crops:
        return None
    recorded = geometry([crop.pixels for crop in crops], beside)
    real, side, per_px = recorded, math.nan, (1.0, 1.0)
    if nm_per_px is not None:
        side = min(nm_per_px)
        if anisotropic(nm_per_px):
            per_px = (nm_per_px[0] / side, nm_per_px[1] / side)
            squares = [to_square_pixels(crop.pixels, nm_per_px) for crop in crops]
            real = geometry(squares, beside, [moments_of(crop.pixels, per_px) for crop in crops])
    columns = real.columns | _placed(crops, recorded.columns, labels.shape, covered)
    columns |= {f"{name}_px": recorded.columns[name] for name in LENGTHS}
    columns |= {f"{name}_nm": real.columns[name] * side for name in LENGTHS}
    columns["area_nm2"] = columns["area_px"] * (math.prod(nm_per_px) if nm_per_px is not None else math.nan)
    columns["ecd_nm"] = np.sqrt(4 * columns["area_nm2"] / math.pi)
    columns |= {f"filled_ecd_{unit}": columns[f"ecd_{unit}"] * real.columns["filled_ratio"] for unit in ("px", "nm")}
    return Domains(columns, real, side, np.array([crop.corner for crop in crops]), per_px)


def _placed(
    crops: Sequence[Crop], recorded: Columns, field: tuple[int, ...], covered: Sequence[int] | np.ndarray
) -> Columns:
    """What depends on where in the field a domain lies."""
    corners = np.array([crop.corner for crop in crops])
    sizes = np.array([crop.pixels.shape for crop in crops])
    domain = np.array([crop.domain for crop in crops])
    touches = (corners == 0).any(axis=1) | (corners + sizes >= np.array(field)).any(axis=1) | np.isin(domain, covered)
    return {
        "domain": domain,
        "touches_edge": touches,
        "area_px": np.array([np.count_nonzero(crop.pixels) for crop in crops]),
        "centroid_x_px": corners[:, 1] + recorded["centroid_x"],
        "centroid_y_px": corners[:, 0] + recorded["centroid_y"],
        "edge_weight": edge_weights(sizes, touches, field),
    }
