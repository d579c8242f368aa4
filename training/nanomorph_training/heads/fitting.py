"""How a head is learned: regularised and calibrated so that it knows what it has not seen.

Everything that judges a head (regularisation, temperature, thresholds, scores) uses predictions for groups that the
predicting model was not fitted on.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from nanomorph.errors import ConfigurationError
from nanomorph_training.heads.head import Features, Head
from nanomorph_training.heads.logistic import (
    Problem,
    balanced,
    best_temperature,
    choose_c,
    class_means,
    fit,
    folds,
    nearest,
    softmax,
    standardise,
)
from nanomorph_training.heads.out_of_fold import OutOfFold, Rows, believed, out_of_fold, rows_of_each


@dataclass(frozen=True)
class HeadSettings:
    """How a head is fitted.

    embedding_weight: total variance of the embedding's columns in units of the descriptors', so that 512 columns
    do not outvote 20. false_alarms: share of known material that may be called unknown. accepted_accuracy:
    share of accepted answers that should be right.
    """

    embedding_weight: float = 1.0
    false_alarms: float = 0.05
    accepted_accuracy: float = 0.9
    folds: int = 5
    seed: int = 0


@dataclass(frozen=True, eq=False)
class Examples:
    """What a head learns from, a row each (n).

    labels: names of classes. groups: what must not be split. micrographs: the name of each row's; at domain level
    thresholds and scores count micrographs, by the majority of their known rows. weight: before classes are balanced,
    so that a micrograph counts the same however many domains it has. as_used: bool, the rows that are like those which
    the head will judge (predicted masks, where it learns from given ones, too): confidence and scores are theirs.
    """

    features: Features
    labels: Sequence[str]
    groups: Sequence[str]
    micrographs: Sequence[str] | None = None
    weight: np.ndarray | None = None
    as_used: np.ndarray | None = None


@dataclass(frozen=True)
class Design:
    """What a head is to judge, and by what. classes: their order (default: sorted)."""

    task: str
    level: str = "field"
    classes: Sequence[str] | None = None
    descriptors: Sequence[str] = ()
    uses_embedding: bool = True


@dataclass(frozen=True, eq=False)
class Fit:
    """A head, and how it did out of fold; None where a class has one group only."""

    head: Head
    out_of_fold: OutOfFold | None


def fit_head(examples: Examples, design: Design, settings: HeadSettings = HeadSettings()) -> Fit:
    """Fit, calibrate and score a head. Raises ConfigurationError for fewer than two classes."""
    y, classes = encode(examples.labels, design.classes)
    problem = pose(examples, y, design, settings)
    c, logits = choose_c(problem)
    temperature = best_temperature(logits, y, problem.weight) if logits is not None else 1.0
    model = fit(problem, np.arange(len(y)), c)
    centroids = class_means(standardise(problem.x, model.mean, model.scale), y, problem.weight)
    names = np.asarray(examples.micrographs if examples.micrographs is not None else range(len(y)), object)
    radius, distance = _novelty(problem, c, centroids, names, settings.false_alarms)
    seen = None
    if logits is not None:
        rows = Rows(softmax(logits / temperature), y, names, problem.groups, distance / radius)
        rows = rows if examples.as_used is None else rows.where(examples.as_used)
        seen = out_of_fold(rows, classes, by_majority=design.level == "domain")
    uncertain, scores = believed(seen, classes, settings.accepted_accuracy)
    head = Head(
        task=design.task,
        level=design.level,
        labels=tuple(classes),
        uses_embedding=design.uses_embedding,
        descriptors=tuple(design.descriptors),
        mean=model.mean,
        scale=model.scale,
        weights=model.weights,
        intercept=model.intercept,
        temperature=temperature,
        uncertain_below=uncertain,
        centroids=centroids,
        radius=radius,
        metrics={"c": c, "n": len(y), "n_groups": len(set(examples.groups)), "out_of_fold": scores},
    )
    return Fit(head, seen)


def encode(labels: Sequence[str], classes: Sequence[str] | None) -> tuple[np.ndarray, list[str]]:
    """Class numbers (n,) and the classes that occur, in the order asked for. Raises ConfigurationError below two."""
    present = set(labels)
    order = [name for name in (classes or sorted(present)) if name in present]
    unknown = present - set(order)
    if unknown:
        raise ConfigurationError(f"labels that are not among the classes: {', '.join(sorted(unknown))}")
    if len(order) < 2:
        raise ConfigurationError(
            f"a head tells classes apart and needs two; the labels hold {', '.join(order) or 'none'}: label some "
            "micrographs of another class, or as `other` (none of the classes)"
        )
    return np.array([order.index(label) for label in labels]), order


def pose(examples: Examples, y: np.ndarray, design: Design, settings: HeadSettings) -> Problem:
    """The regression to solve: what the head looks at, classes weighing the same however many they are."""
    x, n_classes = examples.features.matrix(design.uses_embedding, design.descriptors), int(y.max()) + 1
    given = np.ones(len(y)) if examples.weight is None else np.asarray(examples.weight, float)
    return Problem(
        x=x,
        y=y,
        weight=balanced(y, given, n_classes),
        groups=np.asarray(examples.groups, object),
        n_classes=n_classes,
        n_embedding=x.shape[1] - len(design.descriptors) if design.uses_embedding else 0,
        n_folds=settings.folds,
        embedding_weight=settings.embedding_weight,
        seed=settings.seed,
    )


def _novelty(
    problem: Problem, c: float, centroids: np.ndarray, names: np.ndarray, false_alarms: float
) -> tuple[float, np.ndarray]:
    """The threshold's distance, and every row's distance out of fold (NaN: in no fold).

    Where no fold is possible the examples say nothing of how far their like may lie: then as far as the known
    classes lie apart.
    """
    distance = np.full(len(problem.y), np.nan)
    for train, test in folds(problem):
        model = fit(problem, train, c)
        z = standardise(problem.x[train], model.mean, model.scale)
        known = class_means(z, problem.y[train], problem.weight[train])
        distance[test] = nearest(standardise(problem.x[test], model.mean, model.scale), known)
    typical = np.array([np.median(distance[rows]) for rows in rows_of_each(names)])
    typical = typical[np.isfinite(typical)]
    if not len(typical):
        apart = np.linalg.norm(centroids[:, None] - centroids[None], axis=-1)
        return float(max(apart.max(), 1e-6)), distance
    return float(max(upper_limit(typical, false_alarms), 1e-6)), distance


def upper_limit(values: np.ndarray, share: float) -> float:
    """The value that another one like these exceeds with a chance of at most `share` (split conformal prediction).

    With fewer than 1 / share - 1 values no limit can promise that: then the largest.
    """
    rank = math.ceil((len(values) + 1) * (1 - share) - 1e-9)
    return float(np.sort(values)[min(rank, len(values)) - 1])
