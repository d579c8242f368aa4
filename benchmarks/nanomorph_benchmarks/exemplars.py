"""The four real nanowire micrographs of the reference paper: never trained on, never chosen by.

    python -m nanomorph_benchmarks.exemplars --data ../shared/data --out benchmarks/results/exemplars.json

One image a class proves nothing about accuracy; it shows whether what was learned from synthetic images reaches
real ones at all. Each is also turned and flipped in the eight ways of a square, and analysed with its pixel size
and without.
"""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import numpy as np

from nanomorph.annotations import burnt_in
from nanomorph.bundle import load_bundle
from nanomorph.model import Model, analyze
from nanomorph.readers import read_path
from nanomorph_benchmarks.options import Options, main

TASK = "nanowire-morphology"
# The scale bar and its text are burnt into the last 60 rows of the right half (exemplars.csv).
BAR_ROWS, BAR_COLUMNS = 60, 130


def evaluate(options: Options) -> dict[str, Any]:
    """By true label: the verdict, how many turns of eight are right, how much of the bar's corner is foreground."""
    model, folder = Model(load_bundle(options.bundle), device="cpu"), options.data / "nanowires"
    with open(folder / "exemplars.csv", encoding="utf-8", newline="") as file:
        return {row["label"]: judge(folder / row["file"], row, model) for row in csv.DictReader(file)}


def judge(path: Path, row: dict[str, str], model: Model) -> dict[str, Any]:
    """One exemplar, upright and in all eight ways, with and without its pixel size."""
    pixels = read_path(path).pixels
    upright = analyze(pixels, model)
    morphology = next(judgement for judgement in upright.labels if judgement.task == TASK)
    return {
        "label": morphology.label,
        "decision": morphology.decision,
        "novelty": morphology.novelty,
        "probabilities": morphology.probabilities,
        "right_of_8": turns_right(pixels, row["label"], model, None),
        "right_of_8_calibrated": turns_right(pixels, row["label"], model, float(row["nm_per_px"])),
        "foreground_fraction": float((upright.mask > 0).mean()),
        "bar_corner_foreground": float((upright.mask[-BAR_ROWS:, -BAR_COLUMNS:] > 0).mean()),
        "rest_foreground": float((upright.mask[:-BAR_ROWS] > 0).mean()),
    }


def turns_right(pixels: np.ndarray, label: str, model: Model, nm_per_px: float | None) -> int:
    """How many of the eight turns and flips get their right label.

    The bar and its text are painted over first: a microscope writes them level, and so they are sought.
    """
    text = burnt_in(pixels)
    plain = pixels if text is None else np.where(text, np.median(pixels[~text]).astype(pixels.dtype), pixels)
    turned = [np.rot90(image, quarter) for image in (plain, plain[:, ::-1]) for quarter in range(4)]
    found = [analyze(np.ascontiguousarray(image), model, nm_per_px=nm_per_px).labels for image in turned]
    return sum(judgement.label == label for labels in found for judgement in labels if judgement.task == TASK)


def as_text(result: dict[str, Any]) -> str:
    """For people."""
    lines = []
    for truth, row in result.items():
        likely = ", ".join(f"{name} {p:.2f}" for name, p in row["probabilities"].items())
        lines.append(
            f"{truth}: {row['label']} ({row['decision']}; {likely}); {row['right_of_8']} of 8 turns right, "
            f"{row['right_of_8_calibrated']} with pixel size; foreground {row['foreground_fraction']:.3f}, "
            f"in the bar's corner {row['bar_corner_foreground']:.3f}"
        )
    return "\n".join(lines)


if __name__ == "__main__":
    raise SystemExit(main(Options, __doc__, evaluate, as_text))
