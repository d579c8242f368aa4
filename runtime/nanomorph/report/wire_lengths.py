"""The lengths of wires that the report shows, from the files that hold them."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np

from nanomorph.measure.wires.summary import whole_wires
from nanomorph.results.wires import read_wires


def wire_lengths(out: Path, name: str, apart: bool, unit: str, edges: str) -> list[tuple[float, float]]:
    """Length in `unit` (nm or px) of each whole wire of a micrograph, and how much it counts; none without its file.

    out: the folder of results. apart: whether its files bear a mark (`twins`). edges: one of `measure.EDGES`.
    """
    rows = read_wires(out, name, apart)
    columns = {
        "touches_edge": np.array([row["touches_edge"] == "true" for row in rows], bool),
        "n_tips": np.array([row["n_tips"] for row in rows], int),
        "end_to_end_px": np.array([row["end_to_end_px"] for row in rows], float),
        # Files that were written before 2026-12 have no weight.
        "edge_weight": np.array([row.get("edge_weight") or math.nan for row in rows], float),
    }
    whole = whole_wires(columns, edges)
    pairs = zip(whole.index.tolist(), whole.weight.tolist(), strict=True)
    return [(float(rows[at][f"length_{unit}"]), weight) for at, weight in pairs if math.isfinite(weight)]
