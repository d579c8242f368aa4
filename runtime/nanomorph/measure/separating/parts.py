"""Parts of a component on either side of its narrow places: which are joined again, and whether they are particles."""

from __future__ import annotations

import math

import numpy as np

from nanomorph.measure.pieces import greatest_of, pieces_of
from nanomorph.measure.separating.rules import Rule


def too_few(seeds: np.ndarray, inside: np.ndarray, depth: np.ndarray, rule: Rule) -> bool:
    """Whether no cut between these seeds can make `are_particles`: known before the flood, dear in a large network.

    There are at most as many parts as seeds, and none is deeper than the deepest pixel.
    """
    most = int(seeds.max()) * rule.compact * math.pi * float(depth.max()) ** 2
    if most > rule.majority * np.count_nonzero(inside):
        return False
    # Pieces that hang on by a corner alone and have no seed are flooded by none: they count to no part.
    pieces = pieces_of(inside, 4)
    flooded = pieces.greatest(seeds) > 0
    return bool(most <= rule.majority * pieces.area[flooded].sum())


def merge(parts: np.ndarray, depth: np.ndarray, interior: np.ndarray | None, rule: Rule) -> np.ndarray:
    """Join adjacent parts between which the pass is higher than `neck` x the lower maximum, highest passes first.

    With a learned interior only where its valley between them is shallow.
    """
    height = deepest(parts, depth)
    first, second, saddle = borders(parts, depth)
    order = np.argsort(-saddle, kind="stable")
    if interior is not None:
        order = order[borders(parts, interior)[2][order] > rule.valley]
    root = list(range(len(height)))
    for k in order:
        a, b = sorted((_root(root, int(first[k])), _root(root, int(second[k]))))
        if a != b and saddle[k] > rule.neck * min(height[a], height[b]):
            root[b], height[a] = a, max(height[a], height[b])
    number = np.unique([_root(root, k) for k in range(len(root))], return_inverse=True)[1]
    return number.astype(np.int32)[parts]


def _root(root: list[int], k: int) -> int:
    while root[k] != k:
        k = root[k]
    return k


def deepest(parts: np.ndarray, depth: np.ndarray) -> np.ndarray:
    """Greatest depth in every part, float (n + 1,); parts are numbered 1..n, and 0 gets 0."""
    height = greatest_of(parts, depth)
    height[0] = 0
    return height.astype(float)


def borders(parts: np.ndarray, height: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Pairs of adjacent parts, a < b, in ascending order, and the highest pass of `height` between them."""
    a, b, low = [], [], []
    for here, there in ((np.s_[:, :-1], np.s_[:, 1:]), (np.s_[:-1], np.s_[1:])):
        touching = (parts[here] != parts[there]) & (parts[here] > 0) & (parts[there] > 0)
        one, other = parts[here][touching], parts[there][touching]
        a.append(np.minimum(one, other))
        b.append(np.maximum(one, other))
        low.append(np.minimum(height[here][touching], height[there][touching]))
    pairs, which = np.unique(np.stack([np.concatenate(a), np.concatenate(b)]), axis=1, return_inverse=True)
    saddle = np.zeros(pairs.shape[1])
    np.maximum.at(saddle, which.ravel(), np.concatenate(low))
    return pairs[0], pairs[1], saddle


def are_particles(parts: np.ndarray, depth: np.ndarray, rule: Rule) -> bool:
    """Whether most of the area is in compact parts; a network's pieces between narrow places are long."""
    area = _areas(parts)
    return bool(area[compact(parts, depth, rule)].sum() > rule.majority * area.sum())


def compact(parts: np.ndarray, depth: np.ndarray, rule: Rule) -> np.ndarray:
    """Numbers of the parts whose area is that of a particle with their inscribed circle: int (k,)."""
    area = _areas(parts)
    return np.flatnonzero((area > 0) & (area <= rule.compact * math.pi * deepest(parts, depth) ** 2))


def _areas(parts: np.ndarray) -> np.ndarray:
    """Pixels of every part, int (n + 1,); 0 gets 0."""
    area = np.bincount(parts.ravel())
    area[0] = 0
    return area
