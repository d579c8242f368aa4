"""The longest path through a domain, out to its tips: how long a wire is, as a person would follow it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from nanomorph.measure.outline import Outline
from nanomorph.measure.ragged import Ragged, norms
from nanomorph.measure.skeletons.skeleton import Skeleton, longest_paths, smooth_path
from nanomorph.measure.wires.bending import persistence_lengths
from nanomorph.measure.wires.paths import CLEAR_WIDTHS


def measure_longest(
    skeleton: Skeleton, offsets: np.ndarray, outlines: Sequence[Outline], widths: np.ndarray
) -> dict[str, np.ndarray]:
    """length, end_to_end and persistence_length (n,), px, of the longest path in every domain.

    offsets: (n, 2), where each domain's crop lies; outlines: in px of the crop; widths: usual ones (n,), px.
    """
    along = longest_paths(skeleton, len(offsets))
    paths, tips = [skeleton.points[path] for path in along], skeleton.degree < 2
    found = [
        _followed(smooth_path(path) - offset, tips[at[[0, -1]]], width, outline)
        for path, at, offset, width, outline in zip(paths, along, offsets, widths, outlines, strict=True)
    ]
    length, end_to_end = np.array([one[:2] for one in found]).T
    stiff = persistence_lengths(Ragged.of([one[2] for one in found]))
    return {"length": length, "end_to_end": end_to_end, "persistence_length": stiff}


def _followed(path: np.ndarray, is_tip: np.ndarray, width: float, outline: Outline) -> tuple[float, float, np.ndarray]:
    """Length along a path out to the tips of the domain, the distance between its ends, and the path less those tips.

    is_tip: bool (2,), whether its first and last point are tips; half-way round a ring there is none.
    """
    if _path_length(path) < width:  # compact: no direction to follow
        ends = sum(float(np.linalg.norm(outline.points - p, axis=1).min()) for p in path[[0, -1]])
        across = float(np.linalg.norm(path[-1] - path[0])) + ends
        return max(_path_length(path) + ends, width), max(across, width), path
    whole = path
    for tip in is_tip[::-1]:
        whole = (_to_tip(whole, width, outline) if tip else whole)[::-1]
    first, last = is_tip.tolist()
    return _path_length(whole), float(np.linalg.norm(whole[-1] - whole[0])), whole[int(first) : len(whole) - int(last)]


def _path_length(path: np.ndarray) -> float:
    return float(norms(np.diff(path, axis=0)).sum())


def _to_tip(path: np.ndarray, width: float, outline: Outline) -> np.ndarray:
    """Replace the last 3/4 width of a path by a straight line that goes on in its direction to the outline.

    There skeletons stop short (round ends) or turn into a corner (square ends).
    """
    steps = norms(np.diff(path, axis=0))
    to_end = np.concatenate([np.cumsum(steps[::-1])[::-1], [0.0]])
    cut = min(CLEAR_WIDTHS * width, 0.25 * to_end[0])
    kept = path[to_end >= cut]
    if len(kept) == 1:  # all points but the first are that near: it leads to where the last part begins
        kept = np.array([path[0], [np.interp(-cut, -to_end, axis) for axis in path.T]])
    before = path[to_end >= min(cut + max(0.5 * width, 5.0), to_end[0])]
    direction = kept[-1] - before[-1]
    direction /= max(float(np.hypot(*direction)), 1e-9)
    left = max(float(to_end[len(kept) - 1]), cut)
    return np.vstack([kept, kept[-1] + _ray(kept[-1], direction, outline, left) * direction])


def _ray(origin: np.ndarray, direction: np.ndarray, outline: Outline, default: float) -> float:
    """Distance from a point inside to the outer outline in a direction; `default` where it is not met.

    At least half of that: a smoothed outline may cut off what the path of a ragged bit of some px runs through.
    """
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
    return max(float(nearest), default / 2) if np.isfinite(nearest) else default
