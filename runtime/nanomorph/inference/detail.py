"""A second, finer look at what is thin: tiles at a larger scale, blended into what the whole frame showed.

A model sees a frame whole, reduced to `InputSpec.max_side`. Large smooth particles are found best so; wires that are
then a few px wide are lost. Where the first look says that structures are thin (or everywhere, where the user asks for
it) the frame is looked at again in overlapping tiles, as large as the model's view, of a finer scale. The embedding
stays that of the whole frame.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np

from nanomorph.devices import FINEST_DETAIL
from nanomorph.engine import Engine, computed
from nanomorph.errors import ConfigurationError
from nanomorph.inference.infer import MAPS, Inference, Seen, infer
from nanomorph.micrograph import Micrograph
from nanomorph.prepare import InputSpec, Prepared, at_scale, finest_scale

AUTO, WHOLE = "auto", "whole"
# Structures narrower than this at the model's scale (px) are thin; a finer look aims at twice that width.
THIN_PX, AIM_PX = 4, 8
# Structures wider than this (px of the first look) keep what the first look said.
THICK_PX = 24
# Looking again pays from this factor on; `auto` goes no finer than that many times, as every tile costs as the frame.
WORTHWHILE, AUTO_FINEST = 1.5, 4.0
# Thin pieces of fewer px (model's scale) are corners and roughness of thick ones.
LEAST_AREA = 24
OVERLAP_PX = 64


@dataclass(frozen=True)
class Detail:
    """How finely a frame is looked at: `times` finer than whole, everywhere; None: where and as far as it is thin."""

    times: float | None = None

    def __str__(self) -> str:
        return AUTO if self.times is None else WHOLE if self.times == 1 else f"{self.times:g}"

    @classmethod
    def parse(cls, text: str) -> Detail:
        """`auto`, `whole` or a number of times from 1 to FINEST_DETAIL. Raises ConfigurationError for anything else."""
        if text == AUTO:
            return cls(None)
        try:
            times = 1.0 if text == WHOLE else float(text)
        except ValueError:
            times = math.nan
        if not 1 <= times <= FINEST_DETAIL:
            raise ConfigurationError(
                f"--detail {text}: auto, whole, or how many times finer (a number from 1 to {FINEST_DETAIL})."
            )
        return cls(times)


def see(
    engine: Engine, frames: Sequence[tuple[Micrograph, Prepared]], spec: InputSpec, detail: Detail = Detail()
) -> list[Inference]:
    """What a backbone sees in frames of one shape, as one batch, each looked at again where it needs to be."""
    first = infer(engine, [prepared for _, prepared in frames])
    return [
        refine(engine, micrograph, prepared, one, spec, detail)
        for (micrograph, prepared), one in zip(frames, first, strict=True)
    ]


def refine(
    engine: Engine, micrograph: Micrograph, whole: Prepared, first: Inference, spec: InputSpec, detail: Detail
) -> Inference:
    """What a second look adds to the `first` (of the frame as `whole`); `first` itself where there is nothing to add.

    Deterministic; holds one map of the frame and one batch of tiles.
    """
    room = finest_scale(micrograph, spec) / whole.scale
    if room < WORTHWHILE or detail.times == 1:
        return first
    seen = cv2.resize(first.foreground, whole.shape[::-1], interpolation=cv2.INTER_AREA)
    possible = (seen >= 0.25).astype(np.uint8)
    thin = None
    if (times := detail.times) is None:
        thin = thin_parts(possible)
        times = _times_finer(possible, thin)
    times = min(room, times)
    if times < WORTHWHILE:
        return first
    where = _wanted(possible, thin)
    if not where.any():
        return first
    fine = at_scale(micrograph, spec, whole.scale * times, whole.annotation)
    found = look(engine, fine, where, spec.max_side)
    maps = {
        name: replace(one, again=(found[name], where)) if name in found else one for name, one in first.maps.items()
    }
    return replace(first, maps=maps, scale=fine.scale)


def _wanted(possible: np.ndarray, thin: np.ndarray | None) -> np.ndarray:
    """How much (float32 0..1, model's scale) the second look is to count: around what is `thin`, None: everywhere."""
    thick = cv2.morphologyEx(possible, cv2.MORPH_OPEN, _disc(THICK_PX))
    around = np.ones_like(possible) if thin is None else cv2.dilate(thin, _disc(2 * THICK_PX + 1))
    share = np.where(cv2.dilate(thick, _disc(5)) > 0, 0, around).astype(np.float32)
    return cv2.GaussianBlur(share, (0, 0), 3.0)


def thin_parts(possible: np.ndarray) -> np.ndarray:
    """uint8 0/1 (H, W): the pieces of a mask that a disc of THIN_PX does not fit into."""
    rest = possible & (1 - cv2.morphologyEx(possible, cv2.MORPH_OPEN, _disc(THIN_PX + 1)))
    _, pieces, stats, _ = cv2.connectedComponentsWithStats(rest, connectivity=8)
    kept = stats[:, cv2.CC_STAT_AREA] >= LEAST_AREA
    kept[0] = False
    return kept[pieces].astype(np.uint8)


def _times_finer(possible: np.ndarray, thin: np.ndarray) -> float:
    """So many times finer that thin parts become about AIM_PX wide."""
    if not thin.any():
        return 1.0
    distance = cv2.distanceTransform(possible, cv2.DIST_L2, cv2.DIST_MASK_PRECISE)[thin > 0]
    # Over a ribbon the distance to the next background pixel is a quarter of its width and half a pixel.
    width = max(4 * (float(distance.mean()) - 0.5), 1.0)
    return min(AIM_PX / width, AUTO_FINEST)


def look(engine: Engine, fine: Prepared, where: np.ndarray, side: int, overlap: int = OVERLAP_PX) -> dict[str, Seen]:
    """The MAPS of a frame in tiles of `side` px, at least where wanted.

    where: float32 (h, w) of any scale; tiles on which it is 0 throughout are not looked at and stay 0.
    """
    padded = fine.pixels
    shape = tuple(min(side, n) for n in padded.shape)
    tiles = [
        (row, column)
        for row in starts(padded.shape[0], shape[0], overlap)
        for column in starts(padded.shape[1], shape[1], overlap)
        if _touches(where, (row, column), shape, fine.shape)
    ]
    weight = ramp(shape[0], overlap)[:, None] * ramp(shape[1], overlap)[None]
    total = np.zeros(padded.shape, np.float32)
    sums: dict[str, np.ndarray] = {}
    for batch in _batches(tiles, max(1, engine.batch_pixels // (shape[0] * shape[1]))):
        views = np.stack([padded[r : r + shape[0], c : c + shape[1]] for r, c in batch])[:, None]
        outputs = computed(engine, views)
        for n, (r, c) in enumerate(batch):
            at = (slice(r, r + shape[0]), slice(c, c + shape[1]))
            total[at] += weight
            for name in MAPS:
                if name in outputs:
                    sums.setdefault(name, np.zeros(padded.shape, np.float32))[at] += weight * outputs[name][n, 0]
    seen = np.maximum(total, 1e-6)
    return {name: Seen(one / seen, fine) for name, one in sums.items()}


def starts(length: int, side: int, overlap: int) -> list[int]:
    """First px of tiles of `side` px that cover `length`, evenly spread, neighbours sharing `overlap` at least."""
    n = 1 + max(0, math.ceil((length - side) / max(side - overlap, 1)))
    return [round(k * (length - side) / max(n - 1, 1)) for k in range(n)]


def ramp(side: int, overlap: int) -> np.ndarray:
    """Weights (side,) of a tile along one axis: rising over the overlap from its rim, 1 in its middle."""
    to_rim = np.minimum(np.arange(side), np.arange(side)[::-1]) + 1.0
    return np.minimum(to_rim / max(overlap, 1), 1.0).astype(np.float32)


def _touches(where: np.ndarray, at: tuple[int, int], shape: tuple[int, ...], field: tuple[int, int]) -> bool:
    """Whether the tile at `at` (px of the finer field) is wanted anywhere."""
    down, across = (n / size for n, size in zip(where.shape, field, strict=True))
    rows = slice(int(at[0] * down), math.ceil((at[0] + shape[0]) * down))
    columns = slice(int(at[1] * across), math.ceil((at[1] + shape[1]) * across))
    return bool((where[rows, columns] > 0.01).any())


def _batches(tiles: list[tuple[int, int]], most: int) -> Iterator[list[tuple[int, int]]]:
    for first in range(0, len(tiles), most):
        yield tiles[first : first + most]


def _disc(diameter: int) -> np.ndarray:
    return cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (diameter, diameter))
