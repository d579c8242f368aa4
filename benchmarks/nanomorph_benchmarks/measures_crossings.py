"""Crossed wires: are the two arms of each wire found as one wire, and as another one than the wire it crosses?

An arm is a stretch of a wire, at least one width long, that no other wire of the field touches. A crossing (the middle
lines of two wires meet) has two arms of either wire, the nearest before and behind it; where several crossings lie
so close that no arm is between them, they share the arms around them all. A crossing is right when both arms of the
first wire lie on one found wire, both arms of the second on one, and these are two. Where a wire ends before it shows
an arm on either side it is no crossing in the mask (a T, or a wire lost among others): not judged, but counted.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from scipy.spatial import cKDTree

from nanomorph.measure.domains import measure_domains
from nanomorph_benchmarks.shapes import Wire, crossings, random_field

Mask = Callable[[np.ndarray], np.ndarray]
BASES = tuple(range(0, 180, 45))
PAIRS = ((4, 4), (8, 8), (8, 16), (20, 20), (40, 40))
ANGLES = (10, 15, 20, 30, 45, 60, 90)
# Wires in a field, its side and their lengths (px), and how many fields.
FIELDS = (
    (2, 1024, (200.0, 600.0), 8),
    (5, 1024, (200.0, 600.0), 8),
    (10, 1024, (200.0, 600.0), 6),
    (20, 1024, (200.0, 600.0), 4),
    (50, 2048, (300.0, 900.0), 3),
)
WIDTHS = (4.0, 40.0)
# Rules were made looking at the first; the second were drawn when the rules were done.
DEVELOPMENT, TEST = 0, 500_000


@dataclass(frozen=True, eq=False)
class Judged:
    """right: of every crossing that can be judged; n_unclear: crossings without four arms; n_found: wires found."""

    right: list[bool]
    n_unclear: int
    n_found: int


def crossing_pairs(mask_of: Mask | None = None, every: int = 1) -> dict[str, Any]:
    """By angle: share right of crossings of two straight wires, 4 to 40 px wide, in four directions."""
    return {str(angle): _share([_pair(*widths, base, angle, mask_of) for base in BASES[::every] for widths in PAIRS])
            for angle in ANGLES}  # fmt: skip


def _pair(first: float, second: float, base: float, angle: float, mask_of: Mask | None) -> Judged:
    # Long enough for arms beside an overlap, which is width / sin(angle) long.
    length = 160.0 + 2.5 * (first + second) / np.sin(np.deg2rad(angle))
    middle = length / 2 + 40
    wires = [
        Wire((middle + 0.3, middle + 0.1), length, first, base),
        Wire((middle + 3.3, middle - 2.9), length, second, base + angle),
    ]
    return judge(wires, int(2 * middle), mask_of)


def random_fields(seeds: int, mask_of: Mask | None = None, every: int = 1) -> dict[str, Any]:
    """By number of wires (WIDTHS, half of them curved; see FIELDS): crossings right, wires found per wire drawn."""
    found = {}
    for n, side, lengths, of_all in FIELDS:
        repeats = -(-of_all // every)
        drawn = (random_field(n, side, WIDTHS, lengths, seeds + 1000 * n + k) for k in range(repeats))
        judged = [judge(wires, side, mask_of) for wires in drawn]
        found[str(n)] = _share(judged) | {"found_per_drawn": sum(one.n_found for one in judged) / (n * repeats)}
    return found


def _share(judged: Sequence[Judged]) -> dict[str, float]:
    right = [value for one in judged for value in one.right]
    return {
        "right": float(np.mean(right)) if right else float("nan"),
        "n": len(right),
        "unclear": sum(one.n_unclear for one in judged),
    }


def judge(wires: Sequence[Wire], side: int, mask_of: Mask | None = None) -> Judged:
    """Every crossing of `wires` in a square field, from their exact mask or from what `mask_of` makes of it."""
    mask = np.zeros((side, side), bool)
    for wire in wires:
        wire.draw(mask)
    paths, owner, n_found = _found(mask if mask_of is None else mask_of(mask))
    lines = [wire.line(int(wire.length)) for wire in wires]
    arms = [_arms(k, wires, lines, paths, owner) for k in range(len(wires))]
    right, unclear = [], 0
    for i, a in enumerate(wires):
        for j, b in enumerate(wires[:i]):
            for at_a, at_b, _ in crossings(a, b):
                pairs = _around(arms[i], at_a / 199), _around(arms[j], at_b / 199)
                if None in pairs:
                    unclear += 1
                    continue
                (a1, a2), (b1, b2) = pairs  # type: ignore[misc]
                right.append(a1 == a2 != -1 and b1 == b2 != -1 and a1 != b1)
    return Judged(right, unclear, n_found)


def _found(mask: np.ndarray) -> tuple[np.ndarray, np.ndarray, int]:
    """Points (n, 2) of all found wires, x and y in px, the wire of each, and the number of wires."""
    labels = cv2.connectedComponents(mask.astype(np.uint8), connectivity=8)[1]
    with ThreadPoolExecutor(1) as beside:
        domains = measure_domains(labels, None, beside)
    if domains is None:
        return np.zeros((0, 2)), np.zeros(0, int), 0
    found = domains.geometry.wires
    return (
        found.paths.values + domains.corners[found.domain][found.paths.owner][:, ::-1],
        found.paths.owner,
        len(found.paths),
    )


def _arms(
    k: int, wires: Sequence[Wire], lines: Sequence[np.ndarray], paths: np.ndarray, owner: np.ndarray
) -> list[tuple[float, float, int]]:
    """The arms of wire `k`: where each begins and ends (0..1 of the wire), and the found wire it lies on (-1 none)."""
    wire, line = wires[k], lines[k]
    clear = np.ones(len(line), bool)
    for other, points in zip(wires, lines, strict=True):
        if other is not wire:
            clear &= cKDTree(points).query(line)[0] > (wire.width + other.width) / 2
    ends = np.flatnonzero(np.diff(np.concatenate([[False], clear, [False]]).astype(int))).reshape(-1, 2)
    return [
        (begin / (len(line) - 1), (end - 1) / (len(line) - 1), _owner(line[begin:end], wire.width, paths, owner))
        for begin, end in ends
        if end - begin >= wire.width
    ]


def _owner(points: np.ndarray, width: float, paths: np.ndarray, owner: np.ndarray) -> int:
    """The found wire along most of an arm, -1 where along most of it there is none."""
    if not len(paths):
        return -1
    distance, nearest = cKDTree(paths).query(points)
    on = np.where(distance <= width / 2 + 1, owner[nearest], -1)
    return int(np.bincount(on + 1).argmax()) - 1


def _around(arms: Sequence[tuple[float, float, int]], at: float) -> tuple[int, int] | None:
    """The found wires of the last arm before and the first behind a place; None where there is none on one side."""
    before = [owner for _, end, owner in arms if end <= at]
    behind = [owner for begin, _, owner in arms if begin >= at]
    return (before[-1], behind[0]) if before and behind else None
