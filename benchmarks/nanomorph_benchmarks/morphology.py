"""Label and foreground of synthetic nanowire fields that nothing learned from, class by class, beside classical ways.

    nanomorph synthesize --count 60 --seed 77 --out fields
    nanomorph synthesize --count 300 --seed 2 --out learned
    python -m nanomorph_benchmarks.morphology --fields fields/labels.csv --learned learned/labels.csv

The generator is the one that the bundle learned from, so this says how well it knows the generator, and not how well
it reads real nanowires. `learned` are the fields that the bundle's head was fitted on: classical features learn
from the same. Intervals are bootstrapped over fields.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from nanomorph.bundle import load_bundle
from nanomorph.cli.options import option
from nanomorph.majority import OTHER
from nanomorph.model import Model
from nanomorph.prepare import to_uint8
from nanomorph.readers import read_path
from nanomorph_benchmarks.cases import about, open_case
from nanomorph_benchmarks.options import ON_CPU, BundleOptions, main
from nanomorph_benchmarks.statistics import mean_by_group, shown
from nanomorph_training.classical import OTSU, WHOLE_IMAGE, otsu
from nanomorph_training.data import Sample, collect
from nanomorph_training.kinds import CLASSES
from nanomorph_training.scores import overlap

TASK = "nanowire-morphology"
CLASSICAL = "edge directions + LBP + gray"


@dataclass(frozen=True, kw_only=True)
class Options(BundleOptions):
    fields: Path = option("labels.csv of `nanomorph synthesize`: the fields to judge", type=Path)
    learned: list[Path] = option("labels.csv of those that the bundle's head learned from", type=Path, many=True)
    precision: str = option("of the backbone (default: fp32)", default="fp32", type=str, choices=ON_CPU)


def evaluate(options: Options) -> dict[str, Any]:
    """Both tables as one JSON value."""
    model = Model(load_bundle(options.bundle), device="cpu", precision=options.precision)
    samples, learned = wires([options.fields]), wires(options.learned)
    shared = {sample.group for sample in samples} & {sample.group for sample in learned}
    if shared:
        raise SystemExit(f"{len(shared)} fields are in both lists: draw them with different seeds")
    cases = [open_case(sample, model) for sample in samples]
    verdicts = {
        "nanomorph": np.array([case.label(TASK) for case in cases]),
        f"{CLASSICAL}, logistic regression": classical(learned, samples),
    }
    truth = np.array([sample.label for sample in samples])
    return {
        "bundle": about(model),
        "learned": len(learned),
        "labels": {name: label_scores(truth, guess) for name, guess in verdicts.items()},
        "dice": {
            "nanomorph": dice_scores(truth, [overlap(case.analysis.mask > 0, case.given > 0)[0] for case in cases]),
            OTSU: dice_scores(truth, [overlap(otsu(case.gray), case.given > 0)[0] for case in cases]),
        },
    }


def wires(paths: Sequence[Path]) -> list[Sample]:
    """The fields of all lists that belong to one of CLASSES."""
    return [sample for sample in collect(paths) if sample.label in CLASSES]


def classical(learned: Sequence[Sample], judged: Sequence[Sample]) -> np.ndarray:
    """Labels by the best classical features of the study, their regularisation chosen by cross-validation."""
    from sklearn.linear_model import LogisticRegressionCV
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    regression = LogisticRegressionCV(
        Cs=np.logspace(-3, 2, 6), cv=4, max_iter=5000, scoring="accuracy", l1_ratios=(0,), use_legacy_attributes=False
    )
    fitted = make_pipeline(StandardScaler(), regression).fit(features(learned), [sample.label for sample in learned])
    return np.asarray(fitted.predict(features(judged)))


def features(samples: Sequence[Sample]) -> np.ndarray:
    """Of whole micrographs: float (n, F)."""
    grays = (to_uint8(read_path(sample.path).pixels) for sample in samples)
    return np.array([WHOLE_IMAGE[CLASSICAL](gray) for gray in grays])


def label_scores(truth: np.ndarray, guess: np.ndarray) -> dict[str, Any]:
    """Accuracy (classes are equally many), and for every true class how often each was said."""
    answers = (*CLASSES, OTHER)
    said = {label: {one: int(np.sum(guess[truth == label] == one)) for one in answers} for label in CLASSES}
    return {"accuracy": asdict(mean_by_group([str(n) for n in range(len(truth))], truth == guess)), "said": said}


def dice_scores(truth: np.ndarray, dice: Sequence[float]) -> dict[str, Any]:
    """Median and quartiles of every class, and the mean of all."""
    values = np.array(dice)
    quartiles = {label: np.quantile(values[truth == label], (0.5, 0.25, 0.75)).tolist() for label in CLASSES}
    return {"mean": asdict(mean_by_group([str(n) for n in range(len(values))], values)), "by_class": quartiles}


def as_markdown(result: dict[str, Any]) -> str:
    """The tables for people."""
    n = next(iter(result["labels"].values()))["accuracy"]["n"]
    lines = [
        f"Labels of {n} synthetic fields, all answers counted (heads learned from {result['learned']} others):",
        "",
    ]
    lines += [f"| | accuracy | {' | '.join(f'{name} right' for name in CLASSES)} |", "|---" * 6 + "|"]
    for name, row in result["labels"].items():
        right = " | ".join(f"{row['said'][label][label]} of {sum(row['said'][label].values())}" for label in CLASSES)
        lines.append(f"| {name} | {shown(row['accuracy'])} | {right} |")
    lines += ["", "Foreground, Dice with the drawn mask, median [quartiles]:", ""]
    lines += [f"| | mean of all | {' | '.join(CLASSES)} |", "|---" * 6 + "|"]
    for name, row in result["dice"].items():
        by_class = (row["by_class"][label] for label in CLASSES)
        cells = " | ".join(f"{middle:.2f} [{low:.2f}, {high:.2f}]" for middle, low, high in by_class)
        lines.append(f"| {name} | {shown(row['mean'])} | {cells} |")
    return "\n".join(lines)


if __name__ == "__main__":
    raise SystemExit(main(Options, __doc__, evaluate, as_markdown))
