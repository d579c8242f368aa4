"""Foreground and particle shape on articles that no stage of training saw, beside what a user would use instead.

    python -m nanomorph_benchmarks.accuracy --data ../shared/data --out benchmarks/results/accuracy.json

Every score counts images; intervals are bootstrapped over articles. Heads of the baselines are fitted on the training
articles alone. The held-out quarter was used for no choice of a weight, a threshold or a setting.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from nanomorph.bundle import load_bundle
from nanomorph.engine import Engine
from nanomorph.inference.infer import infer
from nanomorph.inference.judge import judge_domains
from nanomorph.machine import machine
from nanomorph.measure import measure_mask
from nanomorph.model import Model
from nanomorph.prepare import prepare
from nanomorph_benchmarks.cases import Case, about, open_case
from nanomorph_benchmarks.options import LISTS, PrecisionOptions, main
from nanomorph_benchmarks.statistics import Figure, by_group, mean_by_group, shown
from nanomorph_training.classical import OTSU, gradients, otsu
from nanomorph_training.data import collect, is_held_out
from nanomorph_training.scores import balanced_accuracy, overlap

SHAPES = ("sphere", "cube", "rod", "polyhedron")
TASK = "nanoparticle-shape"


def foreground(cases: Sequence[Case]) -> dict[str, Any]:
    """Mean Dice and IoU of each way to find the material."""
    ways: dict[str, Callable[[Case], np.ndarray]] = {
        "nanomorph": lambda case: case.analysis.mask > 0,
        OTSU: lambda case: otsu(case.gray),
        "everything is foreground": lambda case: np.ones(case.given.shape, bool),
    }
    groups = [case.sample.group for case in cases]
    table = {}
    for name, way in ways.items():
        scores = np.array([overlap(way(case), case.given > 0) for case in cases])
        dice, iou = (mean_by_group(groups, column) for column in scores.T)
        table[name] = {"dice": asdict(dice), "iou": asdict(iou), "median_dice": float(np.median(scores[:, 0]))}
    return table


def shapes(held_out: Sequence[Case], training: Sequence[Case], model: Model) -> dict[str, Any]:
    """Accuracy of the shape of each image: by its particles' majority, or from the image as a whole."""
    truth = np.array([case.sample.label for case in held_out])
    groups = [case.sample.group for case in held_out]
    random = random_engine()

    def hold(features: Callable[[Case], np.ndarray]) -> np.ndarray:
        return whole_image(features, training, held_out)

    predicted = {
        "nanomorph, given instance masks": np.array([by_given_instances(case, model) for case in held_out]),
        "nanomorph, predicted masks": np.array([case.label(TASK) for case in held_out]),
        "nanomorph's embedding of the image + logistic regression": hold(lambda case: case.analysis.embedding),
        "random ResNet-18 embedding + logistic regression": hold(lambda case: embedding(case, random, model)),
        "gradient histograms + logistic regression": hold(lambda case: gradients(case.gray)),
        "always the commonest training class": np.full(len(truth), commonest(training), dtype=object),
    }
    return {name: shape_scores(truth, guess, groups) for name, guess in predicted.items()}


def shape_scores(truth: np.ndarray, guess: np.ndarray, groups: Sequence[str]) -> dict[str, Any]:
    """Both accuracies with intervals, and the recall of every class."""

    def balanced(index: np.ndarray) -> float:
        return balanced_accuracy(truth[index], guess[index])

    accuracy: Figure = by_group(groups, lambda index: float(np.mean(truth[index] == guess[index])))
    recalls = {name: f"{int(np.sum(guess[truth == name] == name))} of {int(np.sum(truth == name))}" for name in SHAPES}
    return {"accuracy": asdict(accuracy), "balanced_accuracy": asdict(by_group(groups, balanced)), "recall": recalls}


def by_given_instances(case: Case, model: Model) -> str:
    """The bundle's shape head on the particles that the data set's authors drew."""
    head = next(head for head in model.judge.heads if head.spec.task == TASK)
    given = {str(name): values.to_numpy() for name, values in measure_mask(case.given).items()}
    return judge_domains(head, case.analysis.embedding, given)[0].label


def random_engine() -> Engine:
    """The bundle's architecture with weights that learned nothing."""
    import torch

    from nanomorph_training.models import build_backbone
    from nanomorph_training.predict import TorchEngine

    torch.manual_seed(0)
    return TorchEngine(build_backbone())


def embedding(case: Case, engine: Engine, model: Model) -> np.ndarray:
    """Of the whole image, by another engine."""
    return infer(engine, [prepare(case.micrograph, model.bundle.input)])[0].embedding


def whole_image(
    features: Callable[[Case], np.ndarray], training: Sequence[Case], held_out: Sequence[Case]
) -> np.ndarray:
    """Logistic regression with C chosen by grouped cross-validation on the training articles."""
    from sklearn.linear_model import LogisticRegressionCV
    from sklearn.model_selection import GroupKFold
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    x, y = np.array([features(case) for case in training]), np.array([case.sample.label for case in training])
    folds = list(GroupKFold(4).split(x, y, [case.sample.group for case in training]))
    regression = LogisticRegressionCV(
        Cs=np.logspace(-4, 1, 6), cv=folds, class_weight="balanced", max_iter=5000, scoring="balanced_accuracy",
        l1_ratios=(0,), use_legacy_attributes=False,
    )  # fmt: skip
    return (
        make_pipeline(StandardScaler(), regression).fit(x, y).predict(np.array([features(case) for case in held_out]))
    )


def commonest(cases: Sequence[Case]) -> str:
    """The label that most cases have."""
    labels, counts = np.unique([case.sample.label for case in cases], return_counts=True)
    return str(labels[counts.argmax()])


def evaluate(options: PrecisionOptions) -> dict[str, Any]:
    """All tables as one JSON value."""
    model = Model(load_bundle(options.bundle), device="cpu", precision=options.precision)
    lists = [options.data / name for name in LISTS]
    samples = [sample for sample in collect(lists) if sample.mask is not None and sample.group]
    labelled = [sample for sample in samples if sample.label in SHAPES]
    cases = [open_case(sample, model) for sample in samples if is_held_out(sample.group)]
    training = [open_case(sample, model) for sample in labelled if not is_held_out(sample.group)]
    shaped = [case for case in cases if case.sample.label in SHAPES]
    return {
        "bundle": about(model),
        "made": machine(),
        "foreground": foreground(cases),
        "shape": shapes(shaped, training, model),
        "shape_training": {"images": len(training), "articles": len({case.sample.group for case in training})},
    }


def as_markdown(result: dict[str, Any]) -> str:
    """The tables for people."""
    first = next(iter(result["foreground"].values()))["dice"]
    lines = [f"Foreground, {first['n']} held-out images of {first['groups']} articles, mean [95 %]:", ""]
    lines += ["| | Dice | IoU | median Dice |", "|---|---|---|---|"]
    for name, row in result["foreground"].items():
        lines.append(f"| {name} | {shown(row['dice'])} | {shown(row['iou'])} | {row['median_dice']:.3f} |")
    first = next(iter(result["shape"].values()))["accuracy"]
    lines += ["", f"Particle shape, {first['n']} held-out images of {first['groups']} articles (heads learned from"]
    lines[-1] += f" {result['shape_training']['images']} images of {result['shape_training']['articles']} others):"
    lines += ["", "| | accuracy | balanced accuracy | right of each class |", "|---|---|---|---|"]
    for name, row in result["shape"].items():
        recall = ", ".join(f"{label} {count}" for label, count in row["recall"].items())
        lines.append(f"| {name} | {shown(row['accuracy'])} | {shown(row['balanced_accuracy'])} | {recall} |")
    return "\n".join(lines)


if __name__ == "__main__":
    raise SystemExit(main(PrecisionOptions, __doc__, evaluate, as_markdown))
