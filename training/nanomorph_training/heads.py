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

STATE, TENSORS = "head.json", "head.safetensors"
LEVELS = ("field", "domain")
# Standardised features are cut at this many standard deviations, so that one odd descriptor cannot decide alone.
CLIP = 5.0
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


# Regularisations tried (inverse strength), and the one used where there are too few groups to try.
C_GRID = tuple(np.logspace(-4, 2, 9))
C_DEFAULT = 0.1


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
    problem = _Problem(x, y, weight, np.asarray(groups, object), len(classes), n_embedding, settings)
    c, logits = _choose_c(problem)
    temperature = best_temperature(logits, y, weight) if logits is not None else 1.0
    model = _fit(problem, np.arange(len(y)), c)
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
        radius=_radius(problem, c, centroids, model, by),
        metrics={"c": c, "n": len(y), "n_groups": len(set(groups)), **scores},
    )


def _encode(labels: Sequence[str], classes: Sequence[str] | None) -> tuple[np.ndarray, list[str]]:
    present = set(labels)
    order = [name for name in (classes or sorted(present)) if name in present]
    unknown = present - set(order)
    if unknown:
        raise ConfigurationError(f"labels that are not among the classes: {', '.join(sorted(unknown))}")
    if len(order) < 2:
        raise ConfigurationError(f"a head tells classes apart and needs two; the labels hold {', '.join(order) or 'none'}")
    return np.array([order.index(label) for label in labels]), order


def balanced(y: np.ndarray, weight: np.ndarray, n_classes: int) -> np.ndarray:
    """Weights (n,) of mean 1 whose sum is the same for every class."""
    totals = np.bincount(y, weight, minlength=n_classes)
    return weight * len(y) / (n_classes * totals[y])


def standardise(x: np.ndarray, mean: np.ndarray, scale: np.ndarray, clip: float = CLIP) -> np.ndarray:
    """(n, F) -> (x - mean) / scale, cut to +-clip; 0 where x is NaN."""
    z = (np.asarray(x, float) - mean) / scale
    return np.clip(np.where(np.isnan(z), 0.0, z), -clip, clip)


def class_means(z: np.ndarray, y: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Weighted mean of z (n, F) for every class: (C, F)."""
    members = (y[:, None] == np.arange(y.max() + 1)) * weight[:, None]
    return (members / members.sum(axis=0)).T @ z


def nearest(z: np.ndarray, centroids: np.ndarray) -> np.ndarray:
    """Distance (n,) of z (n, F) to the nearest centroid."""
    return np.min([np.linalg.norm(z - centroid, axis=1) for centroid in centroids], axis=0)


def softmax(logits: np.ndarray) -> np.ndarray:
    """Along the last axis."""
    powers = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return powers / powers.sum(axis=-1, keepdims=True)


@dataclass(frozen=True, eq=False)
class _Problem:
    x: np.ndarray
    y: np.ndarray
    weight: np.ndarray
    groups: np.ndarray
    n_classes: int
    n_embedding: int
    settings: HeadSettings


@dataclass(frozen=True, eq=False)
class _Model:
    mean: np.ndarray
    scale: np.ndarray
    weights: np.ndarray
    intercept: np.ndarray

    def logits(self, x: np.ndarray) -> np.ndarray:
        return standardise(x, self.mean, self.scale) @ self.weights.T + self.intercept


def _moments(x: np.ndarray, weight: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Weighted mean and standard deviation of each column over its finite values; 0 and 1 where there are none."""
    finite = np.isfinite(x)
    w = finite * weight[:, None]
    total = np.maximum(w.sum(axis=0), 1e-12)
    values = np.where(finite, x, 0.0)
    mean = (w * values).sum(axis=0) / total
    deviation = np.sqrt((w * np.where(finite, x - mean, 0.0) ** 2).sum(axis=0) / total)
    return mean, np.where(deviation > 1e-9, deviation, 1.0)


def _fit(problem: _Problem, rows: np.ndarray, c: float) -> _Model:
    from sklearn.linear_model import LogisticRegression

    x, y, weight = problem.x[rows], problem.y[rows], problem.weight[rows]
    mean, scale = _moments(x, weight)
    n, n_descriptors = problem.n_embedding, x.shape[1] - problem.n_embedding
    if n and n_descriptors:
        scale[:n] *= np.sqrt(n / (n_descriptors * problem.settings.embedding_weight))
    z = standardise(x, mean, scale)
    model = LogisticRegression(C=c, max_iter=5000, tol=1e-4).fit(z, y, sample_weight=weight)
    weights, intercept = model.coef_, model.intercept_
    if len(weights) == 1:  # two classes come as one difference
        weights, intercept = np.vstack([-weights, weights]) / 2, np.hstack([-intercept, intercept]) / 2
    return _Model(mean, scale, weights, intercept)


def _folds(problem: _Problem) -> list[tuple[np.ndarray, np.ndarray]]:
    """Splits by group with every class on each training side; none where a class has only one group."""
    from sklearn.model_selection import StratifiedGroupKFold

    groups_of = [len(set(problem.groups[problem.y == k])) for k in range(problem.n_classes)]
    n = min(problem.settings.folds, *groups_of)
    if n < 2:
        return []
    splitter = StratifiedGroupKFold(n, shuffle=True, random_state=problem.settings.seed)
    folds = splitter.split(problem.x, problem.y, problem.groups.astype(str))
    return [(a, b) for a, b in folds if len(set(problem.y[a])) == problem.n_classes and len(b)]


def _choose_c(problem: _Problem) -> tuple[float, np.ndarray | None]:
    """The C with the least balanced log loss out of fold, and its out-of-fold logits (NaN rows: in no fold)."""
    folds = _folds(problem)
    if not folds:
        return C_DEFAULT, None
    best: tuple[float, float, np.ndarray] | None = None
    for c in C_GRID:
        logits = np.full((len(problem.y), problem.n_classes), np.nan)
        for train, test in folds:
            logits[test] = _fit(problem, train, float(c)).logits(problem.x[test])
        loss = log_loss(logits, problem.y, problem.weight)
        if best is None or loss < best[0]:
            best = loss, float(c), logits
    assert best is not None
    return best[1], best[2]


def log_loss(logits: np.ndarray, y: np.ndarray, weight: np.ndarray) -> float:
    """Weighted mean of -log p(true class) over the rows that have logits."""
    known = np.isfinite(logits).all(axis=1)
    p = softmax(logits[known])[np.arange(known.sum()), y[known]]
    return float(np.average(-np.log(np.maximum(p, 1e-12)), weights=weight[known]))


def best_temperature(logits: np.ndarray, y: np.ndarray, weight: np.ndarray) -> float:
    """The temperature of least log loss (Guo et al. 2017), between 0.1 and 20."""
    from scipy.optimize import minimize_scalar

    found = minimize_scalar(
        lambda t: log_loss(logits / np.exp(t), y, weight), bounds=(np.log(0.1), np.log(20)), method="bounded"
    )
    return float(np.exp(found.x))


# What an answer needs where there is nothing to set the threshold by: more than half.
UNCERTAIN_DEFAULT = 0.5


def _judge_out_of_fold(
    probabilities: np.ndarray | None, y: np.ndarray, units: np.ndarray | None, classes: list[str], settings: HeadSettings
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


def verdicts(
    probabilities: np.ndarray, y: np.ndarray, units: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """True class, judged class and confidence: of each row, or of each unit by majority of its rows (share of it)."""
    guess = probabilities.argmax(axis=1)
    if units is None:
        return y, guess, probabilities.max(axis=1)
    rows = [np.flatnonzero(units == unit) for unit in dict.fromkeys(units)]
    shares = np.array([np.bincount(guess[r], minlength=probabilities.shape[1]) / len(r) for r in rows])
    return np.array([y[r[0]] for r in rows]), shares.argmax(axis=1), shares.max(axis=1)


def uncertain_threshold(right: np.ndarray, confidence: np.ndarray, target: float) -> float:
    """The lowest confidence from which on answers are right at the rate `target`; between 0.5 and 0.95.

    Where no threshold reaches the rate, the one that keeps the surest tenth.
    """
    order = np.argsort(confidence)
    # Of the answers from each place on, the share that is right; ties share the lowest place.
    rate = np.cumsum(right[order][::-1])[::-1] / np.arange(len(right), 0, -1)
    first_of_tie = np.searchsorted(confidence[order], confidence[order], side="left")
    reached = np.flatnonzero((rate >= target) & (first_of_tie == np.arange(len(right))))
    found = confidence[order][reached[0]] if len(reached) else np.quantile(confidence, 0.9)
    return float(np.clip(found, UNCERTAIN_DEFAULT, 0.95))


NOTHING = -1


def score(truth: np.ndarray, guess: np.ndarray, classes: Sequence[str]) -> dict[str, Any]:
    """Accuracy, balanced accuracy (mean recall of the classes present), recalls and confusion (rows: truth).

    A guess of NOTHING (nothing was found to judge) is wrong, and stands in no column of the confusion.
    """
    confusion = np.zeros((len(classes), len(classes)), dtype=int)
    judged = guess != NOTHING
    np.add.at(confusion, (truth[judged], guess[judged]), 1)
    counts = np.bincount(truth, minlength=len(classes))
    recalls = {name: float(confusion[k, k] / counts[k]) for k, name in enumerate(classes) if counts[k]}
    return {
        "n": len(truth),
        "accuracy": float((truth == guess).mean()),
        "balanced_accuracy": float(np.mean(list(recalls.values()))),
        "recall": recalls,
        "confusion": confusion.tolist(),
        "nothing_found": int((~judged).sum()),
    }


def _radius(problem: _Problem, c: float, centroids: np.ndarray, model: _Model, units: np.ndarray | None) -> float:
    """The distance that the stated share of known micrographs exceeds, out of fold where folds are possible."""
    distance = nearest(standardise(problem.x, model.mean, model.scale), centroids)
    for train, test in _folds(problem):
        fold = _fit(problem, train, c)
        known = class_means(standardise(problem.x[train], fold.mean, fold.scale), problem.y[train], problem.weight[train])
        distance[test] = nearest(standardise(problem.x[test], fold.mean, fold.scale), known)
    if units is not None:
        distance = np.array([np.median(distance[units == unit]) for unit in dict.fromkeys(units)])
    return float(max(np.quantile(distance, 1 - problem.settings.false_alarms), 1e-6))


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
        raise ConfigurationError(f"{run} holds no head that can be read ({error}); fit one with `nanomorph fit-head`") from error
    tuples = {name: tuple(state[name]) for name in ("labels", "descriptors")}
    names = {f.name for f in fields(Head)}
    return Head(**{name: value for name, value in (state | tuples | arrays).items() if name in names})
