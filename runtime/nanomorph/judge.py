"""Heads: embedding and descriptors in, labels with confidence, novelty and decision out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from nanomorph.analysis import Judgement
from nanomorph.bundle import Bundle, HeadSpec
from nanomorph.engines.onnx_runtime import open_session

if TYPE_CHECKING:
    import onnxruntime
    import pandas as pd


@dataclass(frozen=True, eq=False)
class Head:
    """A head's session. Input: embedding and descriptors side by side, float32 (N, F), NaN = not measured."""

    spec: HeadSpec
    session: onnxruntime.InferenceSession

    def __call__(self, features: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Probabilities (N, C) and novelty (N,), 1 being the threshold."""
        probabilities, novelty = self.session.run(["probabilities", "novelty"], {"features": features})
        return probabilities, novelty


class Judge:
    """All heads of a bundle."""

    def __init__(self, bundle: Bundle) -> None:
        # One thread: a head is a few thousand multiplications.
        self.heads = tuple(Head(spec, open_session(bundle.path / spec.file, "cpu", threads=1)) for spec in bundle.heads)

    def __call__(
        self, embedding: np.ndarray, field: Mapping[str, float], domains: pd.DataFrame
    ) -> tuple[tuple[Judgement, ...], pd.DataFrame]:
        """Judge one micrograph; domain-level tasks add `<task>` and `<task>_confidence` to its domains."""
        judgements = []
        for head in self.heads:
            if head.spec.level == "field":
                judgements.append(judge_field(head, embedding, field))
            else:
                judgement, domains = judge_domains(head, embedding, domains)
                judgements.append(judgement)
        return tuple(judgements), domains


def judge_field(head: Head, embedding: np.ndarray, field: Mapping[str, float]) -> Judgement:
    """Label the micrograph as a whole."""
    descriptors = np.array([[field[name] for name in head.spec.descriptors]], dtype=np.float32)
    probabilities, novelty = head(features(head.spec, embedding, descriptors))
    best = int(probabilities[0].argmax())
    confidence = float(probabilities[0, best])
    return Judgement(
        task=head.spec.task,
        label=head.spec.labels[best],
        confidence=confidence,
        decision=decide(confidence, float(novelty[0]), head.spec.uncertain_below),
        novelty=float(novelty[0]),
        probabilities=dict(zip(head.spec.labels, map(float, probabilities[0]), strict=True)),
    )


def judge_domains(head: Head, embedding: np.ndarray, domains: pd.DataFrame) -> tuple[Judgement, pd.DataFrame]:
    """Label every domain; the micrograph takes the majority of those that lie wholly in the field."""
    task, labels = head.spec.task, np.array(head.spec.labels)
    if domains.empty:
        nothing = Judgement(
            task, "", float("nan"), "unknown", float("nan"), dict.fromkeys(head.spec.labels, float("nan"))
        )
        empty = domains.assign(**{task: np.array([], dtype=object), f"{task}_confidence": np.array([], dtype=float)})
        return nothing, empty
    descriptors = domains[list(head.spec.descriptors)].to_numpy(dtype=np.float32)
    probabilities, novelty = head(features(head.spec, embedding, descriptors))
    best = probabilities.argmax(axis=1)
    confidences = probabilities.max(axis=1)
    domains = domains.assign(**{task: labels[best], f"{task}_confidence": confidences})
    whole = ~domains["touches_edge"].to_numpy(dtype=bool)
    judged = whole if whole.any() else np.ones(len(domains), dtype=bool)
    return _majority(head.spec, best[judged], confidences[judged], novelty[judged]), domains


def _majority(spec: HeadSpec, best: np.ndarray, confidences: np.ndarray, novelty: np.ndarray) -> Judgement:
    fractions = np.bincount(best, minlength=len(spec.labels)) / len(best)
    winner = int(fractions.argmax())
    typical_novelty = float(np.median(novelty))
    return Judgement(
        task=spec.task,
        label=spec.labels[winner],
        confidence=float(confidences[best == winner].mean()),
        decision=decide(float(fractions[winner]), typical_novelty, spec.uncertain_below),
        novelty=typical_novelty,
        probabilities=dict(zip(spec.labels, map(float, fractions), strict=True)),
    )


def features(spec: HeadSpec, embedding: np.ndarray, descriptors: np.ndarray) -> np.ndarray:
    """A head's input, float32 (N, F): the field's embedding (D,) repeated, then the descriptors (N, K)."""
    if not spec.uses_embedding:
        return descriptors
    return np.hstack([np.tile(embedding, (len(descriptors), 1)), descriptors]).astype(np.float32)


def decide(confidence: float, novelty: float, uncertain_below: float) -> str:
    """`unknown` beats `uncertain`: a confident answer about something never seen is worth nothing."""
    if novelty > 1:
        return "unknown"
    return "uncertain" if confidence < uncertain_below else "accepted"
