"""The columns of domains.csv."""

from __future__ import annotations

from nanomorph.measure.columns.descriptor import (
    CROSSINGS,
    ISO9276,
    ISO13322,
    MILES,
    OUTLINE,
    PERSISTENCE,
    RIVETTI,
    SKELETON,
    WIDTH_AT,
    Descriptor,
    lengths,
)

_AREA = "number of pixels (none of holes)"
_LENGTH = "longest path along the skeleton, averaged over 9 points, continued straight to the outline at both tips"
_ECD = "sqrt(4 area / pi), diameter of the circle of equal area"
_FILLED = "diameter of the circle of the domain's area and its holes': of a hollow particle the outer one"
_CONTRAST = (
    "(mean gray of the domain - median of the background) / range of the frame's grays, in -1..1, darker below 0"
)
_FERET_MAX = "greatest distance of two parallel tangents"
_FERET_MIN = "smallest distance of two parallel tangents"

_SAMPLED = ", counted on every k-th row and column of fields larger than 1024 px"
_WIDTH_LOW = "- 2 (area - area_low) / length of all outlines"
_WIDTH_HIGH = "+ 2 (area_high - area) / length of all outlines"
_ERROR_LOW, _ERROR_HIGH = (f", x (1 {sign} relative error of the pixel size where known)" for sign in "-+")

_ECD_PX, _ECD_NM = lengths("ecd", _ECD, ISO13322)
_FERET_MAX_PX, _FERET_MAX_NM = lengths("feret_max", _FERET_MAX, ISO13322)
_FERET_MIN_PX, _FERET_MIN_NM = lengths("feret_min", _FERET_MIN, ISO13322)
_MEDIAN_PX, _MEDIAN_NM = lengths("width_median", f"median of {WIDTH_AT}", SKELETON)
_SD_PX, _SD_NM = lengths("width_sd", f"standard deviation of {WIDTH_AT}", SKELETON)

# What heads may use: every one of these is the same for a domain and its enlarged copy.
_SHAPE: tuple[Descriptor, ...] = (
    Descriptor("eccentricity", "", "sqrt(1 - minor variance / major variance) of the pixels", ISO9276),
    Descriptor("roundness", "", "4 area / (pi feret_max^2), at most 1", ISO9276),
    Descriptor("convexity", "", "perimeter of the convex hull / perimeter of the largest piece, at most 1", ISO9276),
    Descriptor("rectangularity", "", "filled area / area of the smallest enclosing rectangle, at most 1"),
    Descriptor(
        "triangularity",
        "",
        "area of the largest triangle on the outline / its area, at most 1 (triangle 1, square 1/2, disc 0.41)",
    ),
    Descriptor("circle_fill", "", "filled area / area of the smallest enclosing circle, at most 1"),
    Descriptor("inscribed_ratio", "", "radius of the largest inscribed / smallest enclosing circle", ISO9276),
    Descriptor("elongation", "", "length / width_median", ISO9276),
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
    Descriptor(
        "touches_edge",
        "",
        "reaches the first or last row or column of the field, or burnt-in letters or bars",
        ISO13322,
    ),
    Descriptor("area_px", "px", _AREA, ISO13322),
    Descriptor("area_nm2", "nm2", f"{_AREA} x nm_per_px_x x nm_per_px_y", ISO13322),
    _ECD_NM,
    _FERET_MAX_NM,
    _FERET_MIN_NM,
    _MEDIAN_PX,
    _MEDIAN_NM,
    _SD_NM,
    *lengths("length", _LENGTH, SKELETON),
    Descriptor("aspect_ratio", "", "feret_max / feret_min (feret_min at least 1 px)", ISO9276),
    Descriptor("circularity", "", "4 pi area / perimeter^2, at most 1", ISO9276),
    Descriptor("solidity", "", "area / area of the convex hull, at most 1", ISO9276),
    Descriptor("tortuosity", "", "length / end_to_end", SKELETON),
    Descriptor(
        "orientation_deg",
        "deg",
        "major axis of the second moments, counterclockwise from +x (the image's right), 0 <= angle < 180",
    ),
    Descriptor("centroid_x_px", "px", "mean column of the pixels, the first column's centre being 0", ISO13322),
    Descriptor("centroid_y_px", "px", "mean row of the pixels, the first row's centre being 0", ISO13322),
    _ECD_PX,
    _FERET_MAX_PX,
    _FERET_MIN_PX,
    _SD_PX,
    *lengths("width_mean", f"mean of {WIDTH_AT}", SKELETON),
    *lengths("width_min", f"smallest of {WIDTH_AT}", SKELETON),
    *lengths("width_max", f"greatest of {WIDTH_AT}", SKELETON),
    *lengths("end_to_end", "distance of the two tips of the longest path", SKELETON),
    *lengths("skeleton_length", "length of all branches of the skeleton, without the caps at the tips", SKELETON),
    *lengths("perimeter", "length of the outer outline, holes left out", OUTLINE),
    *lengths("inscribed_diameter", "diameter of the largest inscribed circle", ISO9276),
    Descriptor("n_branch_points", "", "branchings of the skeleton", SKELETON),
    Descriptor("n_end_points", "", "free ends of the skeleton", SKELETON),
    Descriptor("n_holes", "", "enclosed pieces of background"),
    *_SHAPE,
    Descriptor("n_branches", "", "pieces of the skeleton between junctions and tips", SKELETON),
    Descriptor("n_wires", "", "wires that were found in the domain, see wires.csv", CROSSINGS),
    *lengths("persistence_length", f"of the longest path: {PERSISTENCE}", RIVETTI),
    Descriptor(
        "edge_weight",
        "",
        "1 / P, P = (W - w - 1)(H - h - 1) / (W H): chance that a domain of this box lies inside, off the edge; "
        "empty at the edge",
        MILES,
    ),
    Descriptor("area_low_px", "px", f"area of the domain's pixels with p >= (1 + threshold) / 2{_SAMPLED}"),
    Descriptor("area_high_px", "px", f"area with the pixels beside it with p >= threshold / 2{_SAMPLED}"),
    Descriptor("area_low_nm2", "nm2", f"area_low_px x pixel area{_ERROR_LOW} squared"),
    Descriptor("area_high_nm2", "nm2", f"area_high_px x pixel area{_ERROR_HIGH} squared"),
    Descriptor("width_low_px", "px", f"width_median {_WIDTH_LOW}"),
    Descriptor("width_high_px", "px", f"width_median {_WIDTH_HIGH}"),
    Descriptor("width_low_nm", "nm", f"width_median {_WIDTH_LOW}{_ERROR_LOW}"),
    Descriptor("width_high_nm", "nm", f"width_median {_WIDTH_HIGH}{_ERROR_HIGH}"),
    *lengths("filled_ecd", _FILLED, ISO13322),
    Descriptor(
        "contrast",
        "",
        f"{_CONTRAST}{_SAMPLED} (of the background: than 256 px); empty where only a mask was measured",
    ),
)

SHAPE_DESCRIPTORS: tuple[str, ...] = (
    "aspect_ratio",
    "circularity",
    "solidity",
    "tortuosity",
    *(d.name for d in _SHAPE),
)
