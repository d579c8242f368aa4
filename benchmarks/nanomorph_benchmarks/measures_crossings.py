"""Crossed wires: is each of the two found as one wire on both sides of their crossing?"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import cv2
import numpy as np
from scipy.spatial import cKDTree

from nanomorph.measure.domains import measure_domains
from nanomorph_benchmarks.shapes import Wire, crossings, random_field

Mask = Callable[[np.ndarray], np.ndarray]
BASES = (0, 7, 52, 112)
FIELDS = ((1, 5), (2, 5), (5, 5), (10, 4), (20, 3), (50, 2))
SIDE = 1024


def crossing_pairs(mask_of: Mask | None = None) -> dict[str, Any]:
    """By angle: share of crossings of two wires, 8 to 20 px wide, after which there are just these two wires."""
    found = {}
    for angle in (15, 20, 30, 45, 60, 90):
        right = [
            _resolved(_crossed(widths, base, angle), 560, mask_of)
            for base in BASES
            for widths in ((8, 8), (8, 16), (20, 20))
        ]
        found[str(angle)] = {"right": float(np.mean(right)), "n": len(right)}
    return found


def _crossed(widths: tuple[int, int], base: float, angle: float) -> list[Wire]:
    return [Wire((280.3, 280.1), 400, widths[0], base), Wire((283.3, 277.1), 400, widths[1], base + angle)]


def random_fields(mask_of: Mask | None = None) -> dict[str, Any]:
    """By number of wires (6 to 16 px wide, 200 to 600 long, 1024 px): crossings right, wires found per wire drawn."""
    found = {}
    for n, repeats in FIELDS:
        right: list[bool] = []
        counted = 0
        for seed in range(repeats):
            wires = random_field(n, SIDE, (6, 16), (200, 600), 1000 * n + seed)
            judged, number = judge(wires, SIDE, mask_of)
            right += judged
            counted += number
        found[str(n)] = {
            "crossings": len(right),
            "right": float(np.mean(right)) if right else float("nan"),
            "found_per_drawn": counted / (n * repeats),
        }
    return found


def _resolved(wires: Sequence[Wire], side: int, mask_of: Mask | None) -> bool:
    judged, number = judge(wires, side, mask_of)
    return number == len(wires) and all(judged)


def judge(wires: Sequence[Wire], side: int, mask_of: Mask | None = None) -> tuple[list[bool], int]:
    """For every crossing far enough from tips whether it is resolved right, and the number of wires found."""
    mask = np.zeros((side, side), bool)
    for wire in wires:
        mask |= wire.inside(mask.shape)
    if mask_of is not None:
        mask = mask_of(mask)
    labels = cv2.connectedComponents(mask.astype(np.uint8), connectivity=8)[1]
    with ThreadPoolExecutor(1) as beside:
        domains = measure_domains(labels, None, beside)
    if domains is None:
        return [], 0
    found = domains.geometry.wires
    points = found.paths.values + domains.corners[found.domain][found.paths.owner][:, ::-1]
    if not len(points):
        return [], 0
    tree, owner = cKDTree(points), found.paths.owner
    judged = [
        right
        for i, a in enumerate(wires)
        for b in wires[i + 1 :]
        for at in crossings(a, b)
        if (right := _right(a, b, at, tree, owner)) is not None
    ]
    return judged, len(found.paths)


def _right(a: Wire, b: Wire, at: tuple[int, int, float], tree: cKDTree, owner: np.ndarray) -> bool | None:
    """Whether one found wire follows `a` and another one `b` on both sides of a crossing; None too near to a tip."""
    reach = 0.75 * (a.width + b.width) / max(np.sin(at[2]), 0.2)
    sides = []
    for wire, index in ((a, at[0]), (b, at[1])):
        line = wire.line()
        step = int(np.ceil(reach / (wire.length / (len(line) - 1))))
        if index - step < 0 or index + step >= len(line):
            return None
        distance, nearest = tree.query(line[[index - step, index + step]])
        if distance.max() > wire.width:
            return False
        sides.append(owner[nearest])
    return bool(sides[0][0] == sides[0][1] and sides[1][0] == sides[1][1] and sides[0][0] != sides[1][0])
