"""What a head is: what it looks at, how it judges, and its files. How it is learned: `heads.fitting`.

No torch here: a head is learned from cached features in seconds, on the microscope's own PC too.
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
from nanomorph_training.heads.logistic import CLIP, nearest, softmax, standardise

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

    def at(self, rows: np.ndarray) -> Features:
        """Those of some rows: places (m,), or bool (n,)."""
        return Features(None if self.embedding is None else self.embedding[rows], self.descriptors.iloc[rows])

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
    uncertain_below: a confidence under it is `uncertain` (domain level: that of the vote, `majority.Vote`).
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


def save_head(head: Head, run: Path) -> None:
    """Write head.safetensors (float32) and head.json, each atomically."""
    from safetensors.numpy import save as to_bytes

    with atomic_open(run / TENSORS) as file:
        file.write(to_bytes({name: np.ascontiguousarray(getattr(head, name), dtype=np.float32) for name in ARRAYS}))
    state = {name: value for name, value in asdict(head).items() if name not in ARRAYS}
    with atomic_open(run / STATE, "w") as file:
        file.write(json.dumps(state, indent=1) + "\n")


def load_head(run: Path) -> Head:
    """Read a head. Raises ConfigurationError where `run` holds none, or one that is damaged."""
    from safetensors import SafetensorError
    from safetensors.numpy import load as from_bytes

    try:
        state = json.loads((run / STATE).read_text(encoding="utf-8"))
        arrays = from_bytes((run / TENSORS).read_bytes())
        tuples = {name: tuple(state[name]) for name in ("labels", "descriptors")}
        names = {f.name for f in fields(Head)}
        head = Head(**{name: value for name, value in (state | tuples | arrays).items() if name in names})
        _require_shapes(head)
    except (OSError, ValueError, KeyError, TypeError, SafetensorError) as error:
        raise ConfigurationError(
            f"{run} holds no head that can be read ({error}); fit one with `nanomorph fit-head`"
        ) from error
    return head


def _require_shapes(head: Head) -> None:
    classes, features = len(head.labels), head.mean.size
    line, table = (features,), (classes, features)
    known = {"mean": line, "scale": line, "weights": table, "intercept": (classes,), "centroids": table}
    wrong = [name for name, shape in known.items() if getattr(head, name).shape != shape]
    if wrong:
        raise ValueError(f"{', '.join(wrong)} not of {classes} classes and {features} features")
