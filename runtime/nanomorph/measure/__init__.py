"""Measuring: foreground to domains, domains to descriptors with units. `columns` says what each column means."""

from __future__ import annotations

import math
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Final

import cv2
import numpy as np

from nanomorph.host.cores import pool
from nanomorph.measure.columns.table import (
    DOMAIN_COLUMNS,
    FIELD_COLUMNS,
    FIELD_DESCRIPTORS,
    SHAPE_DESCRIPTORS,
    WIRE_COLUMNS,
    Descriptor,
)
from nanomorph.measure.domains import Domains, measure_domains
from nanomorph.measure.fields import field_um2, measure_field
from nanomorph.measure.frames import documented, empty, frame
from nanomorph.measure.hidden import domains_beside
from nanomorph.measure.separating.material import cleaned
from nanomorph.measure.separating.rules import Separation
from nanomorph.measure.separating.separate import segment, separated
from nanomorph.measure.spans import measure_spans
from nanomorph.measure.statistics import EDGES
from nanomorph.measure.textures.texture import measure_texture
from nanomorph.measure.uncertainty import Doubt, doubtful
from nanomorph.measure.wires.summary import wire_statistics
from nanomorph.measure.wires.table import wire_columns
from nanomorph.measure.wires.wires import Columns
from nanomorph.pixel_size import given_pixel_size

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "DOMAIN_COLUMNS",
    "EDGES",
    "FIELD_COLUMNS",
    "FIELD_DESCRIPTORS",
    "SHAPE_DESCRIPTORS",
    "WIRE_COLUMNS",
    "Descriptor",
    "Doubt",
    "Measurement",
    "Separation",
    "cleaned",
    "measure",
    "measure_mask",
    "segment",
    "separated",
]


UNTOLD: Final = {"left_out_fraction": 0.0, "material_contrast": math.nan}


@dataclass(frozen=True, eq=False)
class Measurement:
    """domain_table: DOMAIN_COLUMNS, one row a domain, ascending; wire_table: WIRE_COLUMNS, one row a wire, by domain;
    field: FIELD_COLUMNS (numbers and truth values).
    """

    domain_table: Columns
    wire_table: Columns
    field: dict[str, float]

    @cached_property
    def domains(self) -> pd.DataFrame:
        """`domain_table` for people."""
        return frame(self.domain_table)

    @cached_property
    def wires(self) -> pd.DataFrame:
        """`wire_table` for people."""
        return frame(self.wire_table)


def measure(
    labels: np.ndarray,
    nm_per_px: tuple[float, float] | None,
    *,
    doubt: Doubt | None = None,
    edges: str = "leave-out",
    told: Mapping[str, float] = UNTOLD,
    rows: slice | None = None,
    burnt_in: np.ndarray | None = None,
    contrast: np.ndarray | None = None,
) -> Measurement:
    """Measure the domains of a label image, the wires in them and the field as a whole.

    labels: int (H, W), 0 = background, else the domain's number (kept as `domain`).
    nm_per_px: (x, y), or None where unknown: every `_nm` value is then NaN.
    doubt: what is known of the mask's (in the field's rows) and the pixel size's error; without it the interval columns
    are NaN.
    edges: what size statistics do with domains at the edge of the field, one of EDGES.
    told: FIELD_COLUMNS that domains do not show: the share of the material that was left out of them, its contrast.
    rows: those of the field of view, where an info bar takes the others; places are counted from the frame's first row.
    burnt_in: bool (H, W), letters and bars: what lies beside them, and may go on below, counts as what the edge cuts.
    contrast: of the domain of every number, float (n + 1,); None where there are no grays.
    """
    first, height = (0 if rows is None else rows.start), len(labels)
    labels = np.ascontiguousarray(labels if rows is None else labels[rows], np.int32)
    burnt_in = burnt_in if burnt_in is None or rows is None else np.ascontiguousarray(burnt_in[rows])
    per_px = (1.0, 1.0) if nm_per_px is None else (nm_per_px[0] / min(nm_per_px), nm_per_px[1] / min(nm_per_px))
    with pool(1, "measure") as beside:
        spans = beside.submit(measure_spans, labels)
        # When its turn comes it stands back behind the outlines, for which the skeletons wait.
        texture = beside.submit(lambda: beside.submit(measure_texture, labels, per_px))
        domains = measure_domains(labels, nm_per_px, beside, domains_beside(labels, burnt_in))
        columns = empty(DOMAIN_COLUMNS)
        if domains is not None:
            found = domains.columns
            shown = np.full(len(domains.corners), np.nan) if contrast is None else contrast[found["domain"]]
            columns = found | doubtful(labels, found, doubt) | {"contrast": shown}
        wires = beside.submit(_wires, domains, labels.shape, burnt_in)
        field = measure_field(labels, domains, texture.result().result(), spans.result(), columns, nm_per_px, edges)
        field |= wire_statistics(wires.result(), edges, field_um2(labels.shape, nm_per_px))
        field |= {**UNTOLD, **told, "field_of_view_fraction": len(labels) / height}
    return Measurement(
        documented(_lower(columns, first), DOMAIN_COLUMNS),
        documented(_lower(wires.result(), first), WIRE_COLUMNS),
        {c.name: field[c.name] for c in FIELD_COLUMNS},
    )


def _wires(domains: Domains | None, field: tuple[int, int], burnt_in: np.ndarray | None) -> Columns:
    return empty(WIRE_COLUMNS) if domains is None else wire_columns(domains, field, burnt_in)


def _lower(columns: Columns, by: int) -> Columns:
    """With places so many rows lower."""
    return {name: values + by if name.endswith("_y_px") else values for name, values in columns.items()}


def measure_mask(mask: np.ndarray, nm_per_px: float | tuple[float, float] | None = None) -> pd.DataFrame:
    """The domains table (DOMAIN_COLUMNS) of a mask, no model involved.

    mask: (H, W) bool, whose 8-connected pieces are the domains; or integers, whose values are (0 = background): of a
    mask of 0 and 255 pass `mask > 0`. Integers of one value that lie in several pieces are one domain (UserWarning).
    nm_per_px: one number for square pixels, (x, y) otherwise, None where unknown.

    Raises ValueError for a mask that is empty, not 2-D, not bool or whole numbers, or of numbers below 0 or above
    those of 31 bits, and for pixel sizes that are not positive.
    """
    mask = np.asarray(mask)
    if mask.ndim != 2 or mask.dtype.kind not in "biu":
        raise ValueError(f"a mask is a 2-D array of bool or integers, not {mask.dtype} {mask.shape}")
    if not mask.size:
        raise ValueError(f"a mask has pixels: found none in {mask.shape}")
    if mask.dtype.kind != "b" and mask.max() > np.iinfo(np.int32).max:
        raise ValueError(f"domains are numbered up to {np.iinfo(np.int32).max}: found {mask.max()}")
    if mask.min() < 0:
        raise ValueError(f"a label image numbers its domains from 1, 0 is background: found {mask.min()}")
    return measure(_labels_of(mask), None if nm_per_px is None else given_pixel_size(nm_per_px)).domains


def _labels_of(mask: np.ndarray) -> np.ndarray:
    if mask.dtype.kind == "b":
        return _pieces(mask)[1]
    _warn_of_one_value(mask)
    return mask.astype(np.int32)


def _pieces(mask: np.ndarray) -> tuple[int, np.ndarray]:
    n_labels, labels = cv2.connectedComponents(mask.astype(np.uint8), connectivity=8)
    return n_labels - 1, labels


def _warn_of_one_value(mask: np.ndarray) -> None:
    """Other programs write foreground as 255 or 1: numbers, but no domains'."""
    value = mask.max()
    if value > 0 and ((mask == 0) | (mask == value)).all() and (n := _pieces(mask > 0)[0]) > 1:
        words = f"{n} pieces of one value, {value}, are measured as one domain: if each is its own, pass `mask > 0`"
        warnings.warn(words, UserWarning, stacklevel=4)
