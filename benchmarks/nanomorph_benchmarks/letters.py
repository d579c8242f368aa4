"""Burnt-in text on real panels: how much of it is masked before a model sees it, and how much material with it.

    python -m nanomorph_benchmarks.letters --data ../shared/data --out benchmarks/results/letters.json

Text is where RapidOCR (extra `scalebar`) reads some, sure to .6 or more: it overlooks lines, and now and then reads
particles as letters, so its lines are no truth, but one that the rules under test had no part in. Masked: 70 % of a
line's ink. Material: the given instance masks; that under or beside text (15 px) cannot be kept, the rest should be.
The rules were made on the articles that are not held out. Beside them: plateaus of pure white alone.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from nanomorph.annotations import burnt_in
from nanomorph.machine import machine
from nanomorph.readers import read_path
from nanomorph.scalebar.words import Word, read_words
from nanomorph_benchmarks.options import LISTS, Options, main
from nanomorph_training.data import Sample, collect, is_held_out

SURE, MASKED, AROUND = 0.6, 0.7, 15
# Ink is that extreme where it is drawn in black or white; other text is of the kind `middle`.
BLACK, WHITE = 40, 240

Find = Callable[[np.ndarray], "np.ndarray | None"]


@dataclass(frozen=True)
class Line:
    """A line of text. kind: dark, bright or middle; ink: bool in its box, True on its letters."""

    kind: str
    box: tuple[slice, slice]
    ink: np.ndarray


def evaluate(options: Options) -> dict[str, Any]:
    """By part and rule: lines found of each kind, and the share of the material masked away from any text."""
    return {"made": machine(), "parts": {part: _summaries(rules) for part, rules in _counts(options.data).items()}}


def _counts(data: Path) -> dict[str, dict[str, Counter[str]]]:
    counts: dict[str, dict[str, Counter[str]]] = {}
    for sample in collect([data / name for name in LISTS]):
        pixels = read_path(sample.path).pixels
        if pixels.dtype != np.uint8 or sample.mask is None:
            continue
        part = counts.setdefault("held-out" if is_held_out(sample.group) else "development", {})
        lines = [_line(pixels, word) for word in read_words(pixels) if word.sure >= SURE]
        material = _material(sample, pixels.shape)
        for name, find in RULES.items():
            part.setdefault(name, Counter()).update(_judged(pixels, find, lines, material))
    return counts


def _summaries(rules: dict[str, Counter[str]]) -> dict[str, Any]:
    return {name: _summary(one) for name, one in rules.items()}


def _material(sample: Sample, shape: Sequence[int]) -> np.ndarray:
    mask = cv2.imread(str(sample.mask), cv2.IMREAD_UNCHANGED)
    if mask is None or mask.shape != tuple(shape):
        raise ValueError(f"{sample.mask}: no mask of {sample.path}")
    return mask > 0


def _line(gray: np.ndarray, word: Word) -> Line:
    box = (
        slice(max(0, int(word.top)), int(word.bottom) + 1),
        slice(max(0, int(word.left)), int(word.right) + 1),
    )
    crop = gray[box]
    ground = float(np.median(crop))
    black, white = np.percentile(crop, (3, 97))
    dark = ground - black > white - ground
    ink = crop <= (black + ground) / 2 if dark else crop >= (white + ground) / 2
    extreme = black <= BLACK if dark else white >= WHITE
    return Line(("dark" if dark else "bright") if extreme else "middle", box, ink)


def _judged(gray: np.ndarray, find: Find, lines: Sequence[Line], material: np.ndarray) -> Counter[str]:
    found = find(gray)
    masked = np.zeros(gray.shape, bool) if found is None else found
    counts = Counter({"micrographs": 1, "material": int(material.sum())})
    away = material.copy()
    for line in lines:
        counts[line.kind] += 1
        counts[f"{line.kind} masked"] += int(masked[line.box][line.ink].mean() >= MASKED)
        rows, columns = (slice(max(0, side.start - AROUND), side.stop + AROUND) for side in line.box)
        away[rows, columns] = False
    lost = int((away & masked).sum())
    return counts + Counter({"lost": lost, "micrographs that lose": int(lost > 0.002 * material.sum())})


def _summary(counts: Counter[str]) -> dict[str, Any]:
    lines = {kind: [counts[f"{kind} masked"], counts[kind]] for kind in ("dark", "bright", "middle")}
    lost = {"material_lost_percent": 100 * counts["lost"] / counts["material"]}
    return {"lines_masked_of": lines, **lost, **{k: counts[k] for k in ("micrographs", "micrographs that lose")}}


def pure_white(gray: np.ndarray) -> np.ndarray | None:
    """What anybody would write first: all that is pure white, with a margin."""
    return cv2.dilate((gray >= 253).astype(np.uint8), np.ones((9, 9), np.uint8)) > 0


RULES: dict[str, Find] = {"nanomorph": burnt_in, "pure white": pure_white}


def as_markdown(result: dict[str, Any]) -> str:
    """The table for people."""
    lines = ["| | rule | dark lines | bright lines | others | material lost |", "|---|---|---|---|---|---|"]
    for part, rules in result["parts"].items():
        for name, one in rules.items():
            cells = " | ".join(f"{found} of {n}" for found, n in one["lines_masked_of"].values())
            hit = f"{one['material_lost_percent']:.2f} %, {one['micrographs that lose']} of {one['micrographs']}"
            lines.append(f"| {part} | {name} | {cells} | {hit} |")
    return "\n".join(lines)


if __name__ == "__main__":
    raise SystemExit(main(Options, __doc__, evaluate, as_markdown))
