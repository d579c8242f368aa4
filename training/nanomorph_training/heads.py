"""Heads: multinomial logistic regression on embeddings and descriptors, calibrated, that knows what it has not seen.

No torch here: a head is learned from cached features in seconds, on the microscope's own PC too. Everything
that judges the head (regularisation, temperature, thresholds, scores) uses predictions for groups that
the predicting model was not fitted on.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from nanomorph.atomic import atomic_open
from nanomorph.errors import ConfigurationError
from nanomorph_training.logistic import (
    CLIP,
    Model,
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
from nanomorph_training.scores import UNCERTAIN_DEFAULT, score, uncertain_threshold, verdicts

STATE, TENSORS = "head.json", "head.safetensors"
LEVELS = ("field", "domain")
ARRAYS = ("mean", "scale", "weights", "intercept", "centroids")


@dataclass(frozen=True, eq=False)
class Features:
    """What a head looks at, a row a field (or a domain).

    embedding: float32 (n, D), or None. descriptors: (n, K) columns by name; NaN where not measured.
    """

    embedding: np.ndarray | None
    descriptors: pd.DataFrame

    def matrix(self, uses_embedding: bool, descriptors: Sequence[str]) -> np.ndarray:
        """float64 (n, F): the embedding, then the named descriptors."""
        missing = [name for name in descriptors if name not in self.descriptors]
        if missing:
            raise ConfigurationError(f"these descriptors are not measured: {', '.join(missing)}")
        columns = self.descriptors[list(descriptors)].to_numpy(dtype=float)
        if not uses_embedding:
            return columns
        if self.embedding is None:
            raise ConfigurationError("this head uses the embedding, and these features have none")
        return np.hstack([self.embedding.astype(float), columns])


@dataclass(frozen=True, eq=False)
class Head:
    """A fitted head. Input F = embedding (where used) then descriptors; classes C in the order of `labels`.

    z = (features - mean) / scale cut to +-clip, 0 where a feature is NaN; logits = weights z + intercept;
    probabilities = softmax(logits / temperature). novelty = min over classes of |z - centroid| / radius: 1 is the
    threshold. centroids: (C, F), the classes' means of z.
    uncertain_below: a confidence under it is `uncertain` (domain level: the winner's share of the domains).
    metrics: out-of-fold scores on the training groups, and whatever else the fit reports.
    """

    task: str
    level: str
    labels: tuple[str, ...]
    uses_embedding: bool
    descriptors: tuple[str, ...]
    mean: np.ndarray
    scale: np.ndarray
    weights: np.ndarray
    intercept: np.ndarray
    temperature: float
    uncertain_below: float
    centroids: np.ndarray
    radius: float
    clip: float = CLIP
    metrics: dict[str, Any] = field(default_factory=dict)

    def __call__(self, features: Features | np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Probabilities (n, C) and novelty (n,) of features, or of their matrix (n, F)."""
        if isinstance(features, Features):
            features = features.matrix(self.uses_embedding, self.descriptors)
        z = standardise(features, self.mean, self.scale, self.clip)
        logits = z @ self.weights.T + self.intercept
        return softmax(logits / self.temperature), nearest(z, self.centroids) / self.radius


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


def fit_head(
    features: Features,
    labels: Sequence[str],
    groups: Sequence[str],
    *,
    task: str,
    level: str = "field",
    classes: Sequence[str] | None = None,
    descriptors: Sequence[str] = (),
    uses_embedding: bool = True,
    sample_weight: np.ndarray | None = None,
    units: Sequence[str] | None = None,
    settings: HeadSettings = HeadSettings(),
) -> Head:
    """Fit, calibrate and score a head.

    labels, groups: (n,), a row's class and what must not be split. classes: order of the classes (default: sorted).
    sample_weight: (n,), before classes are balanced. units: (n,), the micrograph a domain belongs to: thresholds
    and scores then count micrographs by majority. Raises ConfigurationError for fewer than two classes.
    """
    x = features.matrix(uses_embedding, descriptors)
    y, classes = _encode(labels, classes)
    weight = balanced(y, np.ones(len(y)) if sample_weight is None else np.asarray(sample_weight, float), len(classes))
    n_embedding = x.shape[1] - len(descriptors) if uses_embedding else 0
    problem = Problem(
        x,
        y,
        weight,
        np.asarray(groups, object),
        len(classes),
        n_embedding,
        settings.folds,
        settings.embedding_weight,
        settings.seed,
    )
    c, logits = choose_c(problem)
    temperature = best_temperature(logits, y, weight) if logits is not None else 1.0
    model = fit(problem, np.arange(len(y)), c)
    centroids = class_means(standardise(x, model.mean, model.scale), y, weight)
    by = np.asarray(units, object) if units is not None else None
    probabilities = None if logits is None else softmax(logits / temperature)
    uncertain, scores = _judge_out_of_fold(probabilities, y, by, classes, settings)
    return Head(
        task=task,
        level=level,
        labels=tuple(classes),
        uses_embedding=uses_embedding,
        descriptors=tuple(descriptors),
        mean=model.mean,
        scale=model.scale,
        weights=model.weights,
        intercept=model.intercept,
        temperature=temperature,
        uncertain_below=uncertain,
        centroids=centroids,
        radius=_radius(problem, c, centroids, model, by, settings.false_alarms),
        metrics={"c": c, "n": len(y), "n_groups": len(set(groups)), **scores},
    )


def _encode(labels: Sequence[str], classes: Sequence[str] | None) -> tuple[np.ndarray, list[str]]:
    present = set(labels)
    order = [name for name in (classes or sorted(present)) if name in present]
    unknown = present - set(order)
    if unknown:
        raise ConfigurationError(f"labels that are not among the classes: {', '.join(sorted(unknown))}")
    if len(order) < 2:
        raise ConfigurationError(
            f"a head tells classes apart and needs two; the labels hold {', '.join(order) or 'none'}"
        )
    return np.array([order.index(label) for label in labels]), order


def _judge_out_of_fold(
    probabilities: np.ndarray | None,
    y: np.ndarray,
    units: np.ndarray | None,
    classes: list[str],
    settings: HeadSettings,
) -> tuple[float, dict[str, Any]]:
    if probabilities is None:
        return UNCERTAIN_DEFAULT, {"out_of_fold": None}
    known = np.isfinite(probabilities).all(axis=1)
    units = units[known] if units is not None else None
    truth, guess, confidence = verdicts(probabilities[known], y[known], units)
    uncertain = uncertain_threshold(guess == truth, confidence, settings.accepted_accuracy)
    accepted = confidence >= uncertain
    report = score(truth, guess, classes) | {
        "accepted_share": float(accepted.mean()),
        "accepted_accuracy": float((guess == truth)[accepted].mean()) if accepted.any() else None,
    }
    return uncertain, {"out_of_fold": report}


def _radius(
    problem: Problem, c: float, centroids: np.ndarray, model: Model, units: np.ndarray | None, false_alarms: float
) -> float:
    """The distance that the stated share of known micrographs exceeds, out of fold where folds are possible."""
    distance = nearest(standardise(problem.x, model.mean, model.scale), centroids)
    for train, test in folds(problem):
        fold = fit(problem, train, c)
        known = class_means(
            standardise(problem.x[train], fold.mean, fold.scale), problem.y[train], problem.weight[train]
        )
        distance[test] = nearest(standardise(problem.x[test], fold.mean, fold.scale), known)
    if units is not None:
        distance = np.array([np.median(distance[units == unit]) for unit in dict.fromkeys(units)])
    return float(max(np.quantile(distance, 1 - false_alarms), 1e-6))


def save(head: Head, run: Path) -> None:
    """Write head.safetensors (float32) and head.json, each atomically."""
    from safetensors.numpy import save as to_bytes

    with atomic_open(run / TENSORS) as file:
        file.write(to_bytes({name: np.ascontiguousarray(getattr(head, name), dtype=np.float32) for name in ARRAYS}))
    state = {name: value for name, value in asdict(head).items() if name not in ARRAYS}
    with atomic_open(run / STATE, "w") as file:
        file.write(json.dumps(state, indent=1) + "\n")


def load(run: Path) -> Head:
    """Read a head. Raises ConfigurationError where `run` holds none."""
    from safetensors.numpy import load as from_bytes

    try:
        state = json.loads((run / STATE).read_text(encoding="utf-8"))
        arrays = from_bytes((run / TENSORS).read_bytes())
    except (OSError, ValueError) as error:
        raise ConfigurationError(
            f"{run} holds no head that can be read ({error}); fit one with `nanomorph fit-head`"
        ) from error
    tuples = {name: tuple(state[name]) for name in ("labels", "descriptors")}
    names = {f.name for f in fields(Head)}
    return Head(**{name: value for name, value in (state | tuples | arrays).items() if name in names})
