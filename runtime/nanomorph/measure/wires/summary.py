"""What a field says of its wires together: how many, how long, how wide."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from nanomorph.measure.geometry import CLOSED
from nanomorph.measure.statistics import Sample, bootstrap_median, median


def whole_wires(wires: Mapping[str, np.ndarray], edges: str = "leave-out") -> Sample:
    """The wires (WIRE_COLUMNS) whose length is known: off the edge, both ends free, or none as a ring has; of `edges`
    "count" all of them.

    An end on another wire is often none: there a crossing was not resolved.
    """
    if edges == "count":
        index = np.arange(len(wires["n_tips"]))
        return Sample(index, np.ones(len(index)), bool(wires["touches_edge"].any()))
    is_ring = wires["end_to_end_px"] <= CLOSED
    index = np.flatnonzero(~wires["touches_edge"] & ((wires["n_tips"] == 2) | is_ring))
    weight = wires["edge_weight"][index] if edges == "weight" else np.ones(len(index))
    return Sample(index, weight, False)


def wire_statistics(wires: Mapping[str, np.ndarray], edges: str, area_um2: float) -> dict[str, float]:
    """Those of FIELD_COLUMNS that summarise `wires` (WIRE_COLUMNS, arrays (n,)); area_um2: of the field, or NaN."""
    whole = whole_wires(wires, edges)
    low, high = bootstrap_median(wires["length_nm"][whole.index], whole.weight)
    found = {
        "n_whole_wires": len(whole.index),
        "wire_length_ci_low_nm": low,
        "wire_length_ci_high_nm": high,
        "wire_density_weighted_um2": float(np.nansum(wires["edge_weight"])) / area_um2,
    }
    for unit in ("px", "nm"):
        found[f"wire_length_median_{unit}"] = median(wires[f"length_{unit}"][whole.index], whole.weight)
        # By length: a wire that fades is found in many pieces, and the least of them are the thinnest.
        found[f"wire_width_median_{unit}"] = median(wires[f"width_median_{unit}"], wires["length_px"])
    return found
