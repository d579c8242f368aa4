"""overlays/<micrograph>.png: the micrograph with outlined domains, centre lines, label and scale bar, for people."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path

import cv2
import numpy as np
from scipy import ndimage

from nanomorph.analysis import Analysis, Judgement
from nanomorph.atomic import atomic_open
from nanomorph.prepare import to_uint8
from nanomorph.results.centrelines import draw_centrelines
from nanomorph.results.colours import UNKNOWN, bgr, class_colours
from nanomorph.results.legend import HEIGHT, legend
from nanomorph.results.masks import mask_of
from nanomorph.results.paths import result_path
from nanomorph.results.png import png_of

MAX_SIDE = 1024
# A field smaller than this is enlarged by a whole factor: outlines of 1 px hide what they outline.
MIN_SIDE = 512
MIN_WIDTH = 448

_TINT = 0.22
_FRACTION_BITS = 4
_DECISIONS = ("accepted", "uncertain", "unknown")


def write_overlay(
    out: Path, analysis: Analysis, bundle_labels: Mapping[str, Sequence[str]], apart: bool = False
) -> Path:
    """Write the picture; `bundle_labels`: classes by task in the bundle's order, which fixes the colours."""
    path = result_path(out, "overlays", analysis.micrograph.source, ".png", apart)
    picture = draw_overlay(analysis, class_colours(bundle_labels))
    with atomic_open(path) as file:
        file.write(png_of(cv2.cvtColor(picture, cv2.COLOR_BGR2RGB)))
    return path


def draw_overlay(analysis: Analysis, colours: Mapping[str, str]) -> np.ndarray:
    """BGR uint8 (h, w, 3), at most MAX_SIDE on a side: the field above, its legend below."""
    height, width = analysis.mask.shape
    scale = field_scale(height, width)
    field = _gray(analysis.micrograph.pixels, (max(1, round(height * scale)), max(1, round(width * scale))))
    picture = cv2.cvtColor(field, cv2.COLOR_GRAY2BGR)
    leading = leading_judgement(analysis.labels)
    by_domain = domain_colours(analysis, leading, colours)
    _tint(picture, analysis.mask, by_domain)
    _outline(picture, analysis.mask, by_domain, scale)
    draw_centrelines(picture, analysis.mask, analysis.domain_table)
    picture = _at_least(picture, MIN_WIDTH)
    return np.vstack([picture, legend(picture.shape[1], analysis, leading, colours, scale)])


def field_scale(height: int, width: int) -> float:
    """Picture px per recorded px: reduced to fit, or enlarged by a whole factor."""
    fit = min((MAX_SIDE - HEIGHT) / height, MAX_SIDE / width)
    if fit < 1 or max(height, width) >= MIN_SIDE:
        return min(1.0, fit)
    return float(min(math.floor(fit), 8))


def leading_judgement(labels: Sequence[Judgement]) -> Judgement | None:
    """The judgement that a person should see first: the surest decision, then the surest of a familiar class.

    Familiar alone will not do: a network falls to pieces that look like rods, at half of the votes.
    """
    if not labels:
        return None
    return min(labels, key=lambda one: (_DECISIONS.index(one.decision), _last_if_nan(one.novelty - one.confidence)))


def _last_if_nan(value: float) -> float:
    return math.inf if math.isnan(value) else value


def domain_colours(
    analysis: Analysis, leading: Judgement | None, colours: Mapping[str, str]
) -> dict[int, tuple[int, int, int]]:
    """BGR by domain: of its own label where the task judges domains, else of the field's label."""
    domains = analysis.domain_table
    numbers = domains["domain"].tolist()
    if leading is None or leading.decision == "unknown":
        return dict.fromkeys(numbers, bgr(UNKNOWN))
    if leading.task in domains:
        labels = [str(label) for label in domains[leading.task]]
        return {number: bgr(colours.get(label, UNKNOWN)) for number, label in zip(numbers, labels, strict=True)}
    return dict.fromkeys(numbers, bgr(colours.get(leading.label, UNKNOWN)))


def _gray(pixels: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    if pixels.dtype not in (np.uint8, np.uint16, np.float32):
        pixels = pixels.astype(np.float32)
    larger = shape[0] > pixels.shape[0]
    resized = cv2.resize(pixels, shape[::-1], interpolation=cv2.INTER_CUBIC if larger else _reducing(pixels, shape))
    return to_uint8(resized)


def _reducing(larger: np.ndarray, shape: tuple[int, ...]) -> int:
    """To less than half averages are needed; above, neighbours are as good and cost a fifth."""
    return cv2.INTER_AREA if 2 * shape[0] < larger.shape[0] else cv2.INTER_LINEAR


def _tint(picture: np.ndarray, mask: np.ndarray, colours: Mapping[int, tuple[int, int, int]]) -> None:
    """A breath of colour over the domains; edges weigh by the share of a picture pixel that they cover."""
    for colour in set(colours.values()):
        own = mask_of(mask, (number for number, one in colours.items() if one == colour))
        covered = cv2.resize(own, picture.shape[1::-1], interpolation=_reducing(mask, picture.shape))
        weight = covered * np.float32(_TINT / 255)
        # Many times faster than numpy fills pixels of three bytes.
        plain = cv2.rectangle(np.empty_like(picture), (0, 0), picture.shape[1::-1], colour, cv2.FILLED)
        cv2.blendLinear(plain, picture, weight, 1 - weight, dst=picture)


def _outline(picture: np.ndarray, mask: np.ndarray, colours: Mapping[int, tuple[int, int, int]], scale: float) -> None:
    thickness = 2 if max(picture.shape) > 480 and len(colours) < 400 else 1
    for number, place in enumerate(ndimage.find_objects(mask), start=1):
        if place is None:
            continue
        crop = np.pad((mask[place] == number).astype(np.uint8), 1)
        found, _ = cv2.findContours(crop, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_SIMPLE)
        corner = np.array([place[1].start - 1, place[0].start - 1])
        lines = [np.rint(((one + corner + 0.5) * scale - 0.5) * 2**_FRACTION_BITS).astype(np.int32) for one in found]
        colour = colours.get(number, bgr(UNKNOWN))
        cv2.polylines(picture, lines, True, colour, thickness, cv2.LINE_AA, _FRACTION_BITS)


def _at_least(picture: np.ndarray, width: int) -> np.ndarray:
    """Widen a narrow picture with black on both sides: its legend needs the room."""
    missing = max(0, width - picture.shape[1])
    return np.pad(picture, ((0, 0), (missing // 2, missing - missing // 2), (0, 0)))
