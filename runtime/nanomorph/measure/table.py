"""The one table of what nanomorph measures: name, unit, formula and source of every column, in CSV order.

Columns come in recorded pixels (`_px`) and, where the pixel size is known, in nanometres (`_nm`, empty
otherwise). Where pixels are not square, `_nm` columns and everything without a unit are measured on square
pixels, `_px` columns on the recorded ones (x and y alike).
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Descriptor:
    """One measured column. unit: "" for pure numbers; source: standard or publication of the definition."""

    name: str
    unit: str
    formula: str
    source: str = ""


_ISO9276 = "ISO 9276-6"
_ISO13322 = "ISO 13322-1"
_SKELETON = "skeleton: Zhang and Suen 1984; spurs shorter than 1.5 local radii removed"
_OUTLINE = "outline: smoothed at sub-pixel accuracy, see nanomorph.measure.outline"


def _lengths(stem: str, formula: str, source: str) -> tuple[Descriptor, Descriptor]:
    """The px and the nm column of one length."""
    return Descriptor(f"{stem}_px", "px", formula, source), Descriptor(f"{stem}_nm", "nm", formula, source)


_AREA = "number of pixels"
_WIDTH = "twice the distance from the skeleton to the outline"
_WIDTH_AT = f"{_WIDTH}, at skeleton points 3/4 width clear of tips and branchings; compact domains: greatest width"
_LENGTH = "longest path along the skeleton, averaged over 9 points, continued straight to the outline at both tips"
_ECD = "sqrt(4 area / pi), diameter of the circle of equal area"
_FERET_MAX = "greatest distance of two parallel tangents"
_FERET_MIN = "smallest distance of two parallel tangents"

_CROSSINGS = "crossings resolved by direction, offset and width, see nanomorph.measure.crossings"
_RIVETTI = "Rivetti, Guthold, Bustamante 1996"
_PERSISTENCE = (
    "P of <cos(turning)> = exp(-s / 2P), separations s up to half the length; empty where too straight to tell"
)
_CURVATURE = "mean of |turning over one width, at least 9 points| / that length"
_SAMPLED = ", counted on every k-th row and column of fields larger than 1024 px"
_WIDTH_LOW = "- 2 (area - area_low) / length of all outlines"
_WIDTH_HIGH = "+ 2 (area_high - area) / length of all outlines"
_ERROR_LOW, _ERROR_HIGH = (f", x (1 {sign} relative error of the pixel size where known)" for sign in "-+")

_ECD_PX, _ECD_NM = _lengths("ecd", _ECD, _ISO13322)
_FERET_MAX_PX, _FERET_MAX_NM = _lengths("feret_max", _FERET_MAX, _ISO13322)
_FERET_MIN_PX, _FERET_MIN_NM = _lengths("feret_min", _FERET_MIN, _ISO13322)
_MEDIAN_PX, _MEDIAN_NM = _lengths("width_median", f"median of {_WIDTH_AT}", _SKELETON)
_SD_PX, _SD_NM = _lengths("width_sd", f"standard deviation of {_WIDTH_AT}", _SKELETON)

# What heads may use: every one of these is the same for a domain and its enlarged copy.
_SHAPE: tuple[Descriptor, ...] = (
    Descriptor("eccentricity", "", "sqrt(1 - minor variance / major variance) of the pixels", _ISO9276),
    Descriptor("roundness", "", "4 area / (pi feret_max^2), at most 1", _ISO9276),
    Descriptor("convexity", "", "perimeter of the convex hull / perimeter of the largest piece, at most 1", _ISO9276),
    Descriptor("rectangularity", "", "filled area / area of the smallest enclosing rectangle, at most 1"),
    Descriptor(
        "triangularity",
        "",
        "area of the largest triangle on the outline / its area, at most 1 (triangle 1, square 1/2, disc 0.41)",
    ),
    Descriptor("circle_fill", "", "filled area / area of the smallest enclosing circle, at most 1"),
    Descriptor("inscribed_ratio", "", "radius of the largest inscribed / smallest enclosing circle", _ISO9276),
    Descriptor("elongation", "", "length / width_median", _ISO9276),
    Descriptor("width_variation", "", "width_sd / width_median"),
    Descriptor("ellipse_residual", "", "mean |r - 1| of the outline; r = 1 on the ellipse of equal second moments"),
    *(
        Descriptor(f"affine_harmonic_{k}", "", f"Fourier magnitude {k} of r (see ellipse_residual) along the outline")
        for k in (3, 4, 5, 6)
    ),
    *(
        Descriptor(
            f"radial_harmonic_{k}",
            "",
            f"Fourier magnitude {k} of (distance to the centroid / its mean) along the outline",
        )
        for k in (2, 3, 4, 5, 6, 7, 8)
    ),
    Descriptor("n_corners", "", "places where the outline turns by 30 degrees or more within 6 % of its length"),
    Descriptor("corner_turning", "", "share of the convex turning that is in the sharpest quarter of the outline"),
    Descriptor("flat_fraction", "", "share of the outline that turns by less than 0.3 of a circle's turning"),
    Descriptor("concave_turning", "", "turning against the sense of the outline, in full turns"),
)

DOMAIN_COLUMNS: tuple[Descriptor, ...] = (
    Descriptor("domain", "", "value of the domain in the mask"),
    Descriptor("touches_edge", "", "reaches the first or last row or column of the field", _ISO13322),
    Descriptor("area_px", "px", _AREA, _ISO13322),
    Descriptor("area_nm2", "nm2", f"{_AREA} x nm_per_px_x x nm_per_px_y", _ISO13322),
    _ECD_NM,
    _FERET_MAX_NM,
    _FERET_MIN_NM,
    _MEDIAN_PX,
    _MEDIAN_NM,
    _SD_NM,
    *_lengths("length", _LENGTH, _SKELETON),
    Descriptor("aspect_ratio", "", "feret_max / feret_min (feret_min at least 1 px)", _ISO9276),
    Descriptor("circularity", "", "4 pi area / perimeter^2, at most 1", _ISO9276),
    Descriptor("solidity", "", "area / area of the convex hull, at most 1", _ISO9276),
    Descriptor("tortuosity", "", "length / end_to_end", _SKELETON),
    Descriptor(
        "orientation_deg",
        "deg",
        "major axis of the second moments, counterclockwise from +x (the image's right), 0 <= angle < 180",
    ),
    Descriptor("centroid_x_px", "px", "mean column of the pixels, the first column's centre being 0", _ISO13322),
    Descriptor("centroid_y_px", "px", "mean row of the pixels, the first row's centre being 0", _ISO13322),
    _ECD_PX,
    _FERET_MAX_PX,
    _FERET_MIN_PX,
    _SD_PX,
    *_lengths("width_mean", f"mean of {_WIDTH_AT}", _SKELETON),
    *_lengths("width_min", f"smallest of {_WIDTH_AT}", _SKELETON),
    *_lengths("width_max", f"greatest of {_WIDTH_AT}", _SKELETON),
    *_lengths("end_to_end", "distance of the two tips of the longest path", _SKELETON),
    *_lengths("skeleton_length", "length of all branches of the skeleton, without the caps at the tips", _SKELETON),
    *_lengths("perimeter", "length of the outer outline, holes left out", _OUTLINE),
    *_lengths("inscribed_diameter", "diameter of the largest inscribed circle", _ISO9276),
    Descriptor("n_branch_points", "", "branchings of the skeleton", _SKELETON),
    Descriptor("n_end_points", "", "free ends of the skeleton", _SKELETON),
    Descriptor("n_holes", "", "enclosed pieces of background"),
    *_SHAPE,
    Descriptor("n_branches", "", "pieces of the skeleton between junctions and tips", _SKELETON),
    Descriptor("n_wires", "", "wires that were found in the domain, see wires.csv", _CROSSINGS),
    *_lengths("persistence_length", f"of the longest path: {_PERSISTENCE}", _RIVETTI),
    Descriptor(
        "edge_weight",
        "",
        "1 / P, P = (W - w)(H - h) / (W H): chance that a domain of this box lies wholly inside; empty at the edge",
        "Miles 1974, Lantuejoul 1978; ISO 13322-1",
    ),
    Descriptor("area_low_px", "px", f"area of the domain's pixels with p >= (1 + threshold) / 2{_SAMPLED}"),
    Descriptor("area_high_px", "px", f"area with the pixels beside it with p >= threshold / 2{_SAMPLED}"),
    Descriptor("area_low_nm2", "nm2", f"area_low_px x pixel area{_ERROR_LOW} squared"),
    Descriptor("area_high_nm2", "nm2", f"area_high_px x pixel area{_ERROR_HIGH} squared"),
    Descriptor("width_low_px", "px", f"width_median {_WIDTH_LOW}"),
    Descriptor("width_high_px", "px", f"width_median {_WIDTH_HIGH}"),
    Descriptor("width_low_nm", "nm", f"width_median {_WIDTH_LOW}{_ERROR_LOW}"),
    Descriptor("width_high_nm", "nm", f"width_median {_WIDTH_HIGH}{_ERROR_HIGH}"),
)

WIRE_COLUMNS: tuple[Descriptor, ...] = (
    Descriptor("domain", "", "value of the domain in the mask that the wire is part of"),
    Descriptor("wire", "", "number of the wire in the micrograph, from 1"),
    Descriptor("touches_edge", "", "reaches the edge of the field, so that its length is a part of it", _ISO13322),
    *_lengths("length", "path along the wire, averaged over 9 points, continued straight to the outline at tips", ""),
    *_lengths("end_to_end", "distance of the path's two ends", ""),
    *_lengths("width_median", f"median of {_WIDTH_AT}", _SKELETON),
    *_lengths("width_mean", f"mean of {_WIDTH_AT}", _SKELETON),
    *_lengths("width_sd", f"standard deviation of {_WIDTH_AT}", _SKELETON),
    *_lengths("width_min", f"smallest of {_WIDTH_AT}", _SKELETON),
    *_lengths("width_max", f"greatest of {_WIDTH_AT}", _SKELETON),
    Descriptor("elongation", "", "length / width_median, at least 3", _ISO9276),
    Descriptor("tortuosity", "", "length / end_to_end"),
    Descriptor("curvature_mean_per_px", "1/px", _CURVATURE),
    Descriptor("curvature_mean_per_um", "1/um", _CURVATURE),
    *_lengths("persistence_length", _PERSISTENCE, _RIVETTI),
    Descriptor(
        "orientation_deg",
        "deg",
        "mean direction of the path by length (doubled angles), counterclockwise from +x, 0 <= angle < 180",
    ),
    Descriptor("n_crossings", "", "crossings that the wire passes through", _CROSSINGS),
    Descriptor("n_tips", "", "ends that are free (the others lie on another wire)", _CROSSINGS),
    Descriptor("start_x_px", "px", "column of the path's first end, the first column's centre being 0"),
    Descriptor("start_y_px", "px", "row of the path's first end"),
    Descriptor("end_x_px", "px", "column of the path's last end"),
    Descriptor("end_y_px", "px", "row of the path's last end"),
)

SHAPE_DESCRIPTORS: tuple[str, ...] = (
    "aspect_ratio",
    "circularity",
    "solidity",
    "tortuosity",
    *(d.name for d in _SHAPE),
)

_SIZED = "over the domains clear of the edge (over all where none is: sizes_include_edge; --edges changes this)"
_SIDE = "square root of the field's area"

_CHORDS = "along x and y; whole ones, weighted for the edge (their mean counts cut ones by half)"
_THICKNESS = "by area, diameter of the largest inscribed disc around each pixel of"
_HILDEBRAND = "Hildebrand and Ruegsegger 1997"


def _distribution(stem: str, formula: str, source: str = "ISO 9276-6") -> tuple[Descriptor, ...]:
    """Mean, standard deviation and quantiles of a length distribution, px and nm."""
    parts = (
        ("mean", "mean of "),
        ("sd", "standard deviation of "),
        *((f"p{q}", f"{q} % quantile of ") for q in _QUANTILES),
    )
    return tuple(d for part, words in parts for d in _lengths(f"{stem}_{part}", words + formula, source))


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
        "S2D = |<exp(2i t)>| over the skeletons, t their direction, by length",
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
    Descriptor("domain_width_ci_high_nm", "nm", "upper end of that interval (both empty for fewer than two domains)"),
    Descriptor("percolates_x", "", "one piece, gaps of 2 px closed, spans the field in x (to 2 px)"),
    Descriptor("percolates_y", "", "one piece, gaps of 2 px closed, spans the field in y (to 2 px)"),
    Descriptor("domain_width_median_px", "px", f"median width_median {_SIZED}"),
    *_lengths("domain_length_median", f"median length {_SIZED}", ""),
    *_lengths("domain_ecd_median", f"median ecd {_SIZED}", _ISO13322),
    Descriptor("n_sized", "", "number of domains behind the medians"),
    Descriptor("sizes_include_edge", "", "the medians count domains that touch the edge, as there is no other"),
    Descriptor("number_density_um2", "1/um2", "n_domains / area of the field"),
    *_lengths("skeleton_length", "length of all skeletons", _SKELETON),
    Descriptor("branch_points", "", "branchings of all skeletons", _SKELETON),
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
        "number_density_weighted_um2", "1/um2", "sum of edge_weight / area of the field: free of edge bias", _ISO13322
    ),
    Descriptor("n_wires", "", "rows of wires.csv", _CROSSINGS),
    *_lengths("persistence_length", f"of all wires together: {_PERSISTENCE}", _RIVETTI),
    *_lengths(
        "orientation_domain_length",
        "side of the window in which S2D has decayed from 1 to 1/e above the field's",
        "Persson et al. 2017 (GTFiber)",
    ),
    *_lengths(
        "correlation_length",
        "distance at which the material's autocovariance falls to 1/e, all directions together",
        "Debye, Anderson, Brumberger 1957",
    ),
    *_distribution("chord_foreground", f"chords in the material {_CHORDS}"),
    *_distribution("chord_background", f"chords between material (mesh size) {_CHORDS}"),
    *_distribution("local_thickness_foreground", f"{_THICKNESS} the material", _HILDEBRAND),
    *_distribution("local_thickness_background", f"{_THICKNESS} the background (pores)", _HILDEBRAND),
)

FIELD_DESCRIPTORS: tuple[str, ...] = (
    "foreground_fraction",
    "n_domains",
    "percolates",
    "n_holes",
    *(d.name for d in _FIELD_SCALE_FREE),
)
