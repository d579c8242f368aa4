"""Balanced multinomial logistic regression on standardised features, regularised and calibrated out of fold."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

# Standardised features are cut at this many standard deviations, so that one odd descriptor cannot decide alone.
CLIP = 5.0
# Regularisations tried (inverse strength), and the one used where there are too few groups to try.
C_GRID = tuple(np.logspace(-4, 2, 9))
C_DEFAULT = 0.1


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
class Problem:
    """Features x (n, F), the embedding's `n_embedding` columns first; class numbers y, weights and groups (n,)."""

    x: np.ndarray
    y: np.ndarray
    weight: np.ndarray
    groups: np.ndarray
    n_classes: int
    n_embedding: int
    n_folds: int
    embedding_weight: float
    seed: int


@dataclass(frozen=True, eq=False)
class Model:
    """A fitted regression: mean, scale (F,), weights (C, F), intercept (C,)."""

    mean: np.ndarray
    scale: np.ndarray
    weights: np.ndarray
    intercept: np.ndarray

    def logits(self, x: np.ndarray) -> np.ndarray:
        """(n, F) -> (n, C)."""
        return standardise(x, self.mean, self.scale) @ self.weights.T + self.intercept


def moments(x: np.ndarray, weight: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Weighted mean and standard deviation of each column over its finite values; 0 and 1 where there are none."""
    finite = np.isfinite(x)
    w = finite * weight[:, None]
    total = np.maximum(w.sum(axis=0), 1e-12)
    values = np.where(finite, x, 0.0)
    mean = (w * values).sum(axis=0) / total
    deviation = np.sqrt((w * np.where(finite, x - mean, 0.0) ** 2).sum(axis=0) / total)
    return mean, np.where(deviation > 1e-9, deviation, 1.0)


def fit(problem: Problem, rows: np.ndarray, c: float) -> Model:
    """Fit the named rows with inverse regularisation strength `c`."""
    return fit_path(problem, rows, [c])[0]


def fit_path(problem: Problem, rows: np.ndarray, strengths: Sequence[float]) -> list[Model]:
    """Fit the named rows with each inverse regularisation strength; rising ones start from the one before."""
    from sklearn.linear_model import LogisticRegression
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

    x, y, weight = problem.x[rows], problem.y[rows], problem.weight[rows]
    mean, scale = moments(x, weight)
    n, n_descriptors = problem.n_embedding, x.shape[1] - problem.n_embedding
    if n and n_descriptors:
        scale[:n] *= np.sqrt(n / (n_descriptors * problem.embedding_weight))
    z = standardise(x, mean, scale)
    basis = row_space(z)
    z = z if basis is None else z @ basis
    regression, models = LogisticRegression(max_iter=5000, tol=1e-4, warm_start=True), []
    # On matrices this small a second BLAS thread costs more than it computes.
    with threadpool_limits(1):
        for c in strengths:
            regression.set_params(C=c).fit(z, y, sample_weight=weight)
            weights, intercept = _all_classes(regression.coef_, regression.intercept_)
            models.append(Model(mean, scale, weights if basis is None else weights @ basis.T, intercept))
    return models


def row_space(z: np.ndarray) -> np.ndarray | None:
    """Orthonormal (F, n) that spans the rows of z (n, F) where there are far fewer rows than features; None elsewhere.

    The weights of least norm lie in that span (the representer theorem), so with 8 labels and 512 features the
    same answer is found among 8 numbers. With nearly as many rows as features the span costs more than it saves.
    """
    return np.linalg.qr(z.T)[0] if 2 * z.shape[0] < z.shape[1] else None


def _all_classes(weights: np.ndarray, intercept: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """scikit-learn gives two classes as one difference."""
    if len(weights) > 1:
        return weights.copy(), intercept.copy()
    return np.vstack([-weights, weights]) / 2, np.hstack([-intercept, intercept]) / 2


def folds(problem: Problem) -> list[tuple[np.ndarray, np.ndarray]]:
    """Splits by group with every class on each training side; none where a class has only one group."""
    from sklearn.model_selection import StratifiedGroupKFold

    groups_of = [len(set(problem.groups[problem.y == k])) for k in range(problem.n_classes)]
    n = min(problem.n_folds, *groups_of)
    if n < 2:
        return []
    splitter = StratifiedGroupKFold(n, shuffle=True, random_state=problem.seed)
    splits = splitter.split(problem.x, problem.y, problem.groups.astype(str))
    return [(a, b) for a, b in splits if len(set(problem.y[a])) == problem.n_classes and len(b)]


def choose_c(problem: Problem) -> tuple[float, np.ndarray | None]:
    """The C with the least balanced log loss out of fold, and its out-of-fold logits (NaN rows: in no fold)."""
    splits = folds(problem)
    if not splits:
        return C_DEFAULT, None
    logits = np.full((len(C_GRID), len(problem.y), problem.n_classes), np.nan)
    for train, test in splits:
        for number, model in enumerate(fit_path(problem, train, C_GRID)):
            logits[number, test] = model.logits(problem.x[test])
    losses = [log_loss(one, problem.y, problem.weight) for one in logits]
    best = int(np.argmin(losses))
    return float(C_GRID[best]), logits[best]


def log_loss(logits: np.ndarray, y: np.ndarray, weight: np.ndarray) -> float:
    """Weighted mean of -log p(true class) over the rows that have logits."""
    known = np.isfinite(logits).all(axis=1)
    p = softmax(logits[known])[np.arange(known.sum()), y[known]]
    return float(np.average(-np.log(np.maximum(p, 1e-12)), weights=weight[known]))


def best_temperature(logits: np.ndarray, y: np.ndarray, weight: np.ndarray) -> float:
    """The temperature (Guo et al. 2017) of the highest posterior, between 0.1 and 20.

    Its logarithm has a normal prior about 0 of standard deviation 1, as much as a handful of labels say: four
    right answers in a row do not make a head certain, four hundred do.
    """
    from scipy.optimize import minimize_scalar

    known = int(np.isfinite(logits).all(axis=1).sum())
    found = minimize_scalar(
        lambda t: known * log_loss(logits / np.exp(t), y, weight) + t**2 / 2,
        bounds=(np.log(0.1), np.log(20)),
        method="bounded",
    )
    return float(np.exp(found.x))
