"""Meshes and two-phase textures that nothing learned from: foreground and the sizes of both phases, beside Otsu.

    nanomorph synthesize --classes grid texture --count 60 --seed 78 --out fields
    python -m nanomorph_benchmarks.two_phases --fields fields/labels.csv

Sizes are mean chord lengths: of the material (thickness) and of what lies between (mesh size). They are compared with
those of the drawn mask, by the same measure, so what differs is the mask. The generator is the one that the bundle
learned from, so this says how well it knows the generator. Intervals are bootstrapped over fields.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from nanomorph.bundle import load_bundle
from nanomorph.cli.options import option
from nanomorph.measure import measure
from nanomorph.model import Model
from nanomorph_benchmarks.cases import Case, named, open_case
from nanomorph_benchmarks.options import BundleOptions, main
from nanomorph_benchmarks.statistics import mean_by_group, shown
from nanomorph_training.classical import OTSU, otsu
from nanomorph_training.data import collect
from nanomorph_training.kinds import TWO_PHASES
from nanomorph_training.scores import overlap

SIZES = {"thickness": "chord_foreground_mean_px", "mesh size": "chord_background_mean_px"}


@dataclass(frozen=True, kw_only=True)
class Options(BundleOptions):
    fields: Path = option("labels.csv of `nanomorph synthesize --classes grid texture`", type=Path)


def lesser_phase(mask: np.ndarray) -> np.ndarray:
    """The phase of a bool mask (H, W) that covers less."""
    return ~mask if mask.mean() > 0.5 else mask


WAYS: Mapping[str, Callable[[Case], np.ndarray]] = {
    "nanomorph": lambda case: case.analysis.mask > 0,
    OTSU: lambda case: otsu(case.gray),
    "Otsu, the lesser phase": lambda case: lesser_phase(otsu(case.gray)),
}


def evaluate(options: Options) -> dict[str, Any]:
    """Scores by kind of field and by way to find the material."""
    model = Model(load_bundle(options.bundle), device="cpu")
    samples = [sample for sample in collect([options.fields]) if sample.label in TWO_PHASES]
    if not samples:
        raise SystemExit(
            f"{options.fields} lists no {' or '.join(TWO_PHASES)}: draw them with --classes {' '.join(TWO_PHASES)}"
        )
    cases = [open_case(sample, model) for sample in samples]
    return {
        "bundle": named(model.bundle),
        "kinds": {kind: scores([case for case in cases if case.sample.label == kind]) for kind in TWO_PHASES},
    }


def scores(cases: Sequence[Case]) -> dict[str, Any]:
    """Of the fields of one kind, by way."""
    exact = [sizes(case.given > 0) for case in cases]
    return {name: score([way(case) for case in cases], cases, exact) for name, way in WAYS.items()}


def score(masks: Sequence[np.ndarray], cases: Sequence[Case], exact: Sequence[dict[str, float]]) -> dict[str, Any]:
    """Mean Dice, and of every size the relative error: median, quartiles."""
    dice = np.array([overlap(mask, case.given > 0)[0] for mask, case in zip(masks, cases, strict=True)])
    found = [sizes(mask) for mask in masks]
    errors = {name: [one[name] / truth[name] - 1 for one, truth in zip(found, exact, strict=True)] for name in SIZES}
    return {
        "dice": asdict(mean_by_group([str(n) for n in range(len(dice))], dice)),
        "errors": {name: error_spread(values) for name, values in errors.items()},
    }


def sizes(mask: np.ndarray) -> dict[str, float]:
    """Mean chords of both phases of a bool mask (H, W) in px; NaN where a phase is not there."""
    field = measure(mask.astype(np.int32), None).field
    return {name: float(field.get(column, np.nan)) for name, column in SIZES.items()}


def error_spread(errors: Sequence[float]) -> dict[str, float]:
    """Median and quartiles of the fields where both are known, and how many those are."""
    known = np.array([error for error in errors if np.isfinite(error)])
    low, middle, high = np.quantile(known, (0.25, 0.5, 0.75)) if len(known) else (np.nan,) * 3
    return {"median": float(middle), "low": float(low), "high": float(high), "n": len(known)}


def as_markdown(result: dict[str, Any]) -> str:
    """The table for people."""
    lines = [f"| | | Dice, mean | {' | '.join(f'{name}, error' for name in SIZES)} |", "|---" * (3 + len(SIZES)) + "|"]
    for kind, ways in result["kinds"].items():
        for name, row in ways.items():
            cells = (f"{e['median']:+.1%} [{e['low']:+.1%}, {e['high']:+.1%}]" for e in row["errors"].values())
            lines.append(f"| {kind} (n {row['dice']['n']}) | {name} | {shown(row['dice'])} | {' | '.join(cells)} |")
    return "\n".join(lines)


if __name__ == "__main__":
    raise SystemExit(main(Options, __doc__, evaluate, as_markdown))
