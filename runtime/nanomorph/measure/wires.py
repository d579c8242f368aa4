"""Domains as wires: the widths along the skeleton, the length of its longest path, branchings, direction."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.spatial import cKDTree

from nanomorph.measure.outline import Outline
from nanomorph.measure.skeleton import (
    Skeleton,
    count_branchings,
    longest_paths,
    prune,
    smooth_graph,
    smooth_path,
    thin_all,
)

CLEAR_WIDTHS = 0.75  # widths are taken so many widths away from tips and branchings: there they are none


def measure_wires(
    crops: Sequence[np.ndarray], outlines: Sequence[Outline], radii: Sequence[float]
) -> dict[str, np.ndarray]:
    """Measure the skeletons of all domains.

    crops: bool (H, W) each; outlines, radii: their outlines and inscribed radii (px of the crop).
    Returns arrays (n,): width_median, width_mean, width_sd, width_min, width_max, length, end_to_end,
    skeleton_length (px), n_branch_points, n_end_points, and axis_cos, axis_sin: the sum over the skeleton of
    length x cos 2t and sin 2t with its direction t (y down).
    """
    n, offsets = len(crops), _offsets(crops)
    tree = cKDTree(np.concatenate([o.points + offset for o, offset in zip(outlines, offsets, strict=True)]))
    raw = thin_all(crops, radii, offsets)
    skeleton = prune(raw, tree.query(raw.points)[0])
    widths = _width_statistics(*_widths(skeleton, tree), n)
    paths = longest_paths(skeleton, n)
    lengths = np.array(
        [
            _lengths(smooth_path(path) - offset, width, outline)
            for path, offset, width, outline in zip(paths, offsets, widths["width_median"], outlines, strict=True)
        ]
    )
    ends = np.bincount(skeleton.domain[skeleton.degree == 1], minlength=n)
    return widths | {
        "length": lengths[:, 0],
        "end_to_end": lengths[:, 1],
        "n_branch_points": count_branchings(skeleton, n),
        "n_end_points": ends,
        **_directions(smooth_graph(skeleton), n),
    }


def _offsets(crops: Sequence[np.ndarray]) -> np.ndarray:
    """Where to put each crop (x, y) so that none is near another: side by side, a crop's size apart."""
    sizes = np.array([max(crop.shape) + 4.0 for crop in crops])
    return np.stack([2 * np.cumsum(sizes), np.zeros(len(crops))], axis=1)


def _widths(skeleton: Skeleton, tree: cKDTree) -> tuple[np.ndarray, np.ndarray]:
    """Widths at points of the skeleton, and these points' domains.

    Points near tips and branchings are left out. A compact domain has no others: its width is its greatest.
    """
    near, index = tree.query(skeleton.points)
    used = _clear(skeleton, 2 * CLEAR_WIDTHS * near)
    order = np.lexsort((near, skeleton.domain))
    deepest = order[np.flatnonzero(np.diff(skeleton.domain[order], append=-1))]
    without = np.bincount(skeleton.domain[used], minlength=len(deepest)) == 0
    used[deepest[without]] = True
    near, foot, points = near[used], tree.data[index[used]], skeleton.points[used]
    return _across(points, foot, near, skeleton.step[used], tree), skeleton.domain[used]


def _clear(skeleton: Skeleton, reach: np.ndarray) -> np.ndarray:
    """Points farther than their `reach` (px) from every tip and branching."""
    special = skeleton.degree != 2
    if not special.any():
        return np.ones(len(special), bool)
    return cKDTree(skeleton.points[special]).query(skeleton.points)[0] > reach


def _across(points: np.ndarray, foot: np.ndarray, near: np.ndarray, step: np.ndarray, tree: cKDTree) -> np.ndarray:
    """Twice the distance to the outline, freed of the up to `step` px by which a skeleton misses the centre.

    From the nearest outline point, `foot`, the probe moves on by h across the wire: what is left on the far
    side plus h plus the near distance is the width, wherever the point lies between the two sides.
    """
    direction = (points - foot) / np.maximum(near, 1e-9)[:, None]
    h = np.minimum(step, near)
    return near + h + tree.query(points + h[:, None] * direction)[0]


def _width_statistics(widths: np.ndarray, domain: np.ndarray, n: int) -> dict[str, np.ndarray]:
    """Median, mean, standard deviation, least and greatest width per domain, each (n,)."""
    order = np.lexsort((widths, domain))
    widths, domain = widths[order], domain[order]
    count = np.bincount(domain, minlength=n)
    first = np.cumsum(count) - count
    mean = np.bincount(domain, widths, minlength=n) / count
    variance = np.bincount(domain, (widths - mean[domain]) ** 2, minlength=n) / count
    return {
        "width_median": (widths[first + (count - 1) // 2] + widths[first + count // 2]) / 2,
        "width_mean": mean,
        "width_sd": np.sqrt(variance),
        "width_min": widths[first],
        "width_max": widths[first + count - 1],
    }


def _directions(skeleton: Skeleton, n: int) -> dict[str, np.ndarray]:
    """Total length and axis of the (smoothed) skeletons, per domain."""
    vectors = skeleton.edge_vectors()
    length = np.linalg.norm(vectors, axis=1)
    doubled = 2 * np.arctan2(vectors[:, 1], vectors[:, 0])
    domain = skeleton.domain[skeleton.edges[:, 0]]
    return {
        "skeleton_length": np.bincount(domain, length, minlength=n),
        "axis_cos": np.bincount(domain, length * np.cos(doubled), minlength=n),
        "axis_sin": np.bincount(domain, length * np.sin(doubled), minlength=n),
    }


def _lengths(path: np.ndarray, width: float, outline: Outline) -> tuple[float, float]:
    """Length along a path out to both tips of the domain, and the distance between these tips."""
    if _path_length(path) < width:  # compact: no direction to follow
        ends = sum(float(np.linalg.norm(outline.points - p, axis=1).min()) for p in path[[0, -1]])
        across = float(np.linalg.norm(path[-1] - path[0])) + ends
        return max(_path_length(path) + ends, width), max(across, width)
    whole = _to_tip(_to_tip(path, width, outline)[::-1], width, outline)
    return _path_length(whole), float(np.linalg.norm(whole[-1] - whole[0]))


def _path_length(path: np.ndarray) -> float:
    return float(np.hypot(*np.diff(path, axis=0).T).sum())


def _to_tip(path: np.ndarray, width: float, outline: Outline) -> np.ndarray:
    """Replace the last 3/4 width of a path by a straight line that goes on in its direction to the outline.

    There skeletons stop short (round ends) or turn into a corner (square ends).
    """
    steps = np.hypot(*np.diff(path, axis=0).T)
    to_end = np.concatenate([np.cumsum(steps[::-1])[::-1], [0.0]])
    cut = min(CLEAR_WIDTHS * width, 0.25 * to_end[0])
    kept = path[to_end >= cut]
    before = path[to_end >= min(cut + max(0.5 * width, 5.0), to_end[0])]
    direction = kept[-1] - before[-1]
    direction /= max(float(np.hypot(*direction)), 1e-9)
    left = float(to_end[len(kept) - 1])
    return np.vstack([kept, kept[-1] + _ray(kept[-1], direction, outline, left) * direction])


def _ray(origin: np.ndarray, direction: np.ndarray, outline: Outline, default: float) -> float:
    """Distance from a point inside to the outer outline in a direction; `default` where it is not met."""
    across_direction = np.array([-direction[1], direction[0]])
    nearest = np.inf
    for polygon in outline.outer:
        relative = polygon - origin
        along, across = relative @ direction, relative @ across_direction
        here = np.flatnonzero((across < 0) != (np.append(across[1:], across[0]) < 0))
        after = (here + 1) % len(polygon)
        share = across[here] / (across[here] - across[after])
        hits = along[here] + share * (along[after] - along[here])
        nearest = min(nearest, hits[hits > 0].min(initial=np.inf))
    return float(nearest) if np.isfinite(nearest) else default
