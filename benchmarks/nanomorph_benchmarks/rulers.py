"""Three ways to measure one wire or particle in a mask: nanomorph, scikit-image regionprops, skan."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

Reading = dict[str, float]
RULERS: dict[str, Callable[[np.ndarray], Reading]]


def nanomorph(mask: np.ndarray) -> Reading:
    """The largest domain of a mask (bool (H, W))."""
    from nanomorph.measure import measure_mask

    row = measure_mask(mask).sort_values("area_px").iloc[-1]
    names = {"width": "width_median_px", "length": "length_px", "area": "area_px", "orientation": "orientation_deg"}
    names |= {"ecd": "ecd_px", "perimeter": "perimeter_px", "feret": "feret_max_px"}
    return {name: float(row[column]) for name, column in names.items()}


def regionprops(mask: np.ndarray) -> Reading:
    """Axes of the ellipse of equal moments as length and width, what most scripts take."""
    from skimage.measure import label
    from skimage.measure import regionprops as properties

    region = max(properties(label(mask)), key=lambda one: one.area)
    return {
        "width": region.axis_minor_length,
        "length": region.axis_major_length,
        "area": float(region.area),
        # From the row axis, counterclockwise; ours is from the column axis.
        "orientation": (math.degrees(region.orientation) + 90) % 180,
        "ecd": region.equivalent_diameter_area,
        "perimeter": region.perimeter,
        "feret": region.feret_diameter_max,
    }


def skan(mask: np.ndarray) -> Reading:
    """Longest branch of the skeleton as length; twice the median distance transform along it as width."""
    import skan as library
    from scipy.ndimage import distance_transform_edt
    from skimage.morphology import skeletonize

    thin = skeletonize(mask)
    if np.count_nonzero(thin) < 3:
        return dict.fromkeys(("width", "length", "area", "orientation"), math.nan)
    branches = library.summarize(library.Skeleton(thin), separator="_")
    longest = branches.loc[branches["branch_distance"].idxmax()]
    rows, columns = (longest[f"image_coord_dst_{axis}"] - longest[f"image_coord_src_{axis}"] for axis in (0, 1))
    return {
        "width": 2 * float(np.median(distance_transform_edt(mask)[thin])),
        "length": float(longest["branch_distance"]),
        "area": math.nan,
        "orientation": math.degrees(math.atan2(-rows, columns)) % 180,
    }


RULERS = {"nanomorph": nanomorph, "regionprops": regionprops, "skan": skan}
