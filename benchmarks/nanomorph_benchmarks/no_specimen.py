"""What is said of frames that show no specimen: empty film, and plots, diffraction patterns, text beside micrographs.

    nanomorph synthesize --classes empty foreign --count 60 --seed 501 --out fields
    python -m nanomorph_benchmarks.no_specimen --fields fields/labels.csv

Right is to accept no label and to find no material. Fields of a seed that nothing learned from, by the generator that
the bundle learned from.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from nanomorph.bundle import load_bundle
from nanomorph.cli.options import option
from nanomorph.model import Model
from nanomorph_benchmarks.cases import Case, named, open_case
from nanomorph_benchmarks.options import BundleOptions, main
from nanomorph_benchmarks.statistics import mean_by_group, shown
from nanomorph_training.classical import otsu
from nanomorph_training.data import collect
from nanomorph_training.kinds import EMPTY, FOREIGN

KINDS = (EMPTY, FOREIGN)
MUCH = 0.01  # share of a frame from which on what is found on it is more than a speck


@dataclass(frozen=True, kw_only=True)
class Options(BundleOptions):
    fields: Path = option("labels.csv of `nanomorph synthesize --classes empty foreign`", type=Path)


def evaluate(options: Options) -> dict[str, Any]:
    """Shares of frames by kind."""
    model = Model(load_bundle(options.bundle), device="cpu")
    samples = [sample for sample in collect([options.fields]) if sample.label in KINDS]
    if not samples:
        raise SystemExit(f"{options.fields} lists none: draw them with --classes {' '.join(KINDS)}")
    cases = [open_case(sample, model) for sample in samples]
    return {
        "bundle": named(model.bundle),
        "kinds": {kind: scores([case for case in cases if case.sample.label == kind]) for kind in KINDS},
    }


def scores(cases: Sequence[Case]) -> dict[str, Any]:
    """Shares of the frames of one kind, by what was found on them."""
    shares = {f"{task} accepted": [_accepts(case, task) for case in cases] for task in _tasks(cases)}
    covered = {
        "nanomorph": [float((case.analysis.mask > 0).mean()) for case in cases],
        "Otsu": [float(otsu(case.gray).mean()) for case in cases],
    }
    shares |= {f"material on over {MUCH:.0%}, {way}": [one > MUCH for one in found] for way, found in covered.items()}
    groups = [case.sample.group for case in cases]
    return {name: asdict(mean_by_group(groups, np.array(values, float))) for name, values in shares.items()}


def _tasks(cases: Sequence[Case]) -> list[str]:
    return [judgement.task for judgement in cases[0].analysis.labels] if cases else []


def _accepts(case: Case, task: str) -> bool:
    return any(one.task == task and one.decision == "accepted" for one in case.analysis.labels)


def as_markdown(result: dict[str, Any]) -> str:
    """The table for people."""
    names = dict.fromkeys(name for kind in result["kinds"].values() for name in kind)
    lines = [f"| share of frames | {' | '.join(names)} |", "|---" * (1 + len(names)) + "|"]
    for kind, row in result["kinds"].items():
        cells = (shown(one, digits=2) for one in row.values())
        n = next(iter(row.values()))["n"]
        lines.append(f"| {kind} (n {n}) | {' | '.join(cells)} |")
    return "\n".join(lines)


if __name__ == "__main__":
    raise SystemExit(main(Options, __doc__, evaluate, as_markdown))
