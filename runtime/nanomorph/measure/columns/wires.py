"""The columns of wires.csv."""

from __future__ import annotations

from nanomorph.measure.columns.descriptor import (
    CROSSINGS,
    ISO9276,
    ISO13322,
    MILES,
    PERSISTENCE,
    RIVETTI,
    SKELETON,
    WIDTH_AT,
    Descriptor,
    lengths,
)

_CURVATURE = "mean of |turning over one width, at least 9 points| / that length"

WIRE_COLUMNS: tuple[Descriptor, ...] = (
    Descriptor("domain", "", "value of the domain in the mask that the wire is part of"),
    Descriptor("wire", "", "number of the wire in the micrograph, from 1"),
    Descriptor(
        "touches_edge",
        "",
        "reaches the edge of the field, or burnt-in letters or bars: its length is a part of it",
        ISO13322,
    ),
    *lengths("length", "path along the wire, averaged over 9 points, continued straight to the outline at tips", ""),
    *lengths("end_to_end", "distance of the path's two ends", ""),
    *lengths("width_median", f"median of {WIDTH_AT}", SKELETON),
    *lengths("width_mean", f"mean of {WIDTH_AT}", SKELETON),
    *lengths("width_sd", f"standard deviation of {WIDTH_AT}", SKELETON),
    *lengths("width_min", f"smallest of {WIDTH_AT}", SKELETON),
    *lengths("width_max", f"greatest of {WIDTH_AT}", SKELETON),
    Descriptor("elongation", "", "length / width_median, at least 3", ISO9276),
    Descriptor("tortuosity", "", "length / end_to_end"),
    Descriptor("curvature_mean_per_px", "1/px", _CURVATURE),
    Descriptor("curvature_mean_per_um", "1/um", _CURVATURE),
    *lengths("persistence_length", PERSISTENCE, RIVETTI),
    Descriptor(
        "orientation_deg",
        "deg",
        "mean direction of the path by length (doubled angles), counterclockwise from +x, 0 <= angle < 180",
    ),
    Descriptor("n_crossings", "", "crossings that the wire passes through", CROSSINGS),
    Descriptor("n_tips", "", "ends that are free (the others lie on another wire)", CROSSINGS),
    Descriptor("start_x_px", "px", "column of the path's first end, the first column's centre being 0"),
    Descriptor("start_y_px", "px", "row of the path's first end"),
    Descriptor("end_x_px", "px", "column of the path's last end"),
    Descriptor("end_y_px", "px", "row of the path's last end"),
    Descriptor(
        "edge_weight",
        "",
        "1 / P, P = (W - w - 1)(H - h - 1) / (W H): chance that a wire of this box lies inside, off the edge; "
        "empty at the edge",
        MILES,
    ),
)
