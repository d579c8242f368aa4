"""The measured columns of fields.csv."""

from __future__ import annotations

from nanomorph.measure.columns.descriptor import (
    CROSSINGS,
    ISO13322,
    MILES,
    PERSISTENCE,
    RIVETTI,
    SKELETON,
    Descriptor,
    lengths,
)
from nanomorph.measure.textures.scales import COARSE, REDUCED, WINDOWS

_SIZED = "over the domains clear of the edge (but see sizes_include_edge, and --edges)"
_SIDE = "square root of the field's area"

_WHOLE = "wires.csv's whole wires, off the edge, free at both ends or closed to a ring (but see --edges)"
_CHORDS = "along x and y; whole ones, weighted for the edge (their mean counts cut ones by half)"
_THICKNESS = "by area, diameter of the largest inscribed disc, which may reach out of the field, around each pixel of"
_SCALE = f"; of a field reduced to {COARSE} to {REDUCED} px, or of {WINDOWS} windows where it would blur what it holds"
_HILDEBRAND = "Hildebrand and Ruegsegger 1997"


def _distribution(stem: str, formula: str, source: str = "ISO 9276-6") -> tuple[Descriptor, ...]:
    """Mean, standard deviation and quantiles of a length distribution, px and nm."""
    parts = (
        ("mean", "mean of "),
        ("sd", "standard deviation of "),
        *((f"p{q}", f"{q} % quantile of ") for q in _QUANTILES),
    )
    return tuple(d for part, words in parts for d in lengths(f"{stem}_{part}", words + formula, source))


_QUANTILES = (10, 25, 50, 75, 90)

# Independent of the pixel size; NaN where there is no foreground to speak of, except fractions (0).
_FIELD_SCALE_FREE: tuple[Descriptor, ...] = (
    Descriptor("span_x", "", "largest extent of a piece in x / width of the field, gaps of 2 px closed"),
    Descriptor("span_y", "", "largest extent of a piece in y / height of the field, gaps of 2 px closed"),
    Descriptor("largest_domain_share", "", "area of the largest domain / area of the foreground"),
    Descriptor("relative_width", "", f"median width_median {_SIZED} / {_SIDE}"),
    Descriptor("relative_width_largest", "", f"greatest width_median of all domains / {_SIDE}"),
    Descriptor("relative_inscribed_diameter", "", f"greatest inscribed_diameter of all domains / {_SIDE}"),
    Descriptor("relative_skeleton_length", "", f"total skeleton length / {_SIDE}"),
    Descriptor("relative_length_longest", "", f"greatest length of all domains / {_SIDE}"),
    Descriptor("branch_points_per_side", "", f"branchings per skeleton length of one {_SIDE}"),
    Descriptor("branch_points_per_width", "", "branchings per skeleton length of one median width"),
    Descriptor("end_points_per_side", "", f"free ends per skeleton length of one {_SIDE}"),
    Descriptor("end_points_per_width", "", "free ends per skeleton length of one median width"),
    Descriptor(
        "orientation_order",
        "",
        "S2D = |<exp(2i t)>| over the skeletons, t their direction, by length; of n wires that lie at random 0.89 / "
        "sqrt(n), not 0",
        "Persson et al. 2017 (GTFiber)",
    ),
    Descriptor("mean_tortuosity", "", "mean tortuosity of the domains, by length"),
    Descriptor("mean_solidity", "", "mean solidity of the domains, by area"),
    Descriptor("mean_circularity", "", "mean circularity of the domains, by area"),
    Descriptor("mean_width_variation", "", "mean width_variation of the domains, by area"),
    Descriptor("median_elongation", "", "median elongation of the domains"),
    Descriptor("median_aspect_ratio", "", "median aspect_ratio of the domains"),
    Descriptor("width_spread", "", f"standard deviation / median of width_median {_SIZED}"),
    Descriptor("hole_fraction", "", "share of the field that is background enclosed by foreground"),
)

FIELD_COLUMNS: tuple[Descriptor, ...] = (
    Descriptor("foreground_fraction", "", "area of the foreground / area of the field"),
    Descriptor("n_domains", "", "number of domains"),
    Descriptor(
        "percolates",
        "",
        "one piece, gaps of 2 px closed, spans the field in x and in y (to 2 px)",
        "reference/paper.md",
    ),
    Descriptor("domain_width_median_nm", "nm", f"median width_median {_SIZED}"),
    Descriptor(
        "domain_width_ci_low_nm",
        "nm",
        "lower end of its 95 % interval, percentile bootstrap over domains, 1,000 draws, fixed seed",
    ),
    Descriptor("domain_width_ci_high_nm", "nm", "upper end of that interval (both empty for fewer than six domains)"),
    Descriptor("percolates_x", "", "one piece, gaps of 2 px closed, spans the field in x (to 2 px)"),
    Descriptor("percolates_y", "", "one piece, gaps of 2 px closed, spans the field in y (to 2 px)"),
    Descriptor("domain_width_median_px", "px", f"median width_median {_SIZED}"),
    *lengths("domain_length_median", f"median length {_SIZED}; of wires that cross see wire_length_median", ""),
    *lengths("domain_ecd_median", f"median ecd {_SIZED}", ISO13322),
    Descriptor("n_sized", "", "number of domains behind the medians"),
    Descriptor("sized_fraction", "", "share of the domains' area that is in those behind the medians"),
    Descriptor(
        "sizes_include_edge",
        "",
        "the medians are those of the largest domains, at the edge or not, that hold nine tenths of the area, as those "
        "clear of it hold less than a tenth; or of all (--edges count)",
    ),
    Descriptor(
        "number_density_um2",
        "1/um2",
        "n_domains / area of the field: those that the edge cuts count whole (see number_density_weighted_um2)",
    ),
    *lengths("skeleton_length", "length of all skeletons", SKELETON),
    Descriptor("branch_points", "", "branchings of all skeletons", SKELETON),
    Descriptor("branch_density_um2", "1/um2", "branch_points / area of the field"),
    Descriptor("n_holes", "", "enclosed pieces of background"),
    *_FIELD_SCALE_FREE,
    *(
        Descriptor(f"domain_{name}_ci_{end}_nm", "nm", f"{end}er end of the 95 % interval of domain_{name}_median_nm")
        for name in ("length", "ecd")
        for end in ("low", "high")
    ),
    Descriptor("domain_width_mask_low_nm", "nm", f"median width_low {_SIZED}: the mask's and the pixel size's doubt"),
    Descriptor("domain_width_mask_high_nm", "nm", f"median width_high {_SIZED}"),
    Descriptor(
        "number_density_weighted_um2", "1/um2", "sum of edge_weight / area of the field: free of edge bias", ISO13322
    ),
    Descriptor("n_wires", "", "rows of wires.csv", CROSSINGS),
    *lengths("persistence_length", f"of all wires together: {PERSISTENCE}", RIVETTI),
    *lengths(
        "orientation_domain_length",
        "side of the window in which S2D has decayed from 1 to 1/e above the field's",
        "Persson et al. 2017 (GTFiber)",
    ),
    *lengths(
        "correlation_length",
        f"distance at which the material's autocovariance falls to 1/e, all directions together{_SCALE}",
        "Debye, Anderson, Brumberger 1957",
    ),
    *_distribution("chord_foreground", f"chords in the material {_CHORDS}"),
    *_distribution("chord_background", f"chords between material (mesh size) {_CHORDS}"),
    *_distribution("local_thickness_foreground", f"{_THICKNESS} the material{_SCALE}", _HILDEBRAND),
    *_distribution("local_thickness_background", f"{_THICKNESS} the background (pores){_SCALE}", _HILDEBRAND),
    Descriptor("field_of_view_fraction", "", "share of the frame's rows that are the field: info bars are the others"),
    Descriptor("left_out_fraction", "", "area that was left out beside particles as debris / area of the material"),
    Descriptor(
        "material_contrast",
        "",
        "(median gray of the material - that of the background) / range of the frame's grays: below 0 it is darker",
    ),
    Descriptor("n_whole_wires", "", f"number of {_WHOLE}"),
    *lengths("wire_length_median", f"median length of {_WHOLE}; of pieces where wires are found broken", CROSSINGS),
    *(
        Descriptor(f"wire_length_ci_{end}_nm", "nm", f"{end}er end of the 95 % interval of wire_length_median_nm")
        for end in ("low", "high")
    ),
    *lengths("wire_width_median", "median width_median of all wires, each counted by its length", CROSSINGS),
    Descriptor(
        "wire_density_weighted_um2",
        "1/um2",
        "sum of edge_weight of wires.csv / area of the field: free of edge bias",
        MILES,
    ),
)

FIELD_DESCRIPTORS: tuple[str, ...] = (
    "foreground_fraction",
    "n_domains",
    "percolates",
    "n_holes",
    *(d.name for d in _FIELD_SCALE_FREE),
)
