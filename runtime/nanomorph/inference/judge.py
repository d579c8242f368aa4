"""Heads: embedding and descriptors in, labels with confidence, novelty and decision out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from nanomorph.analysis import Judgement
from nanomorph.bundle import MANIFEST, Bundle, BundleError, HeadSpec
from nanomorph.majority import OTHER, UNKNOWN, is_known, is_unknown, majority, voters
from nanomorph.measure import DOMAIN_COLUMNS, FIELD_COLUMNS
from nanomorph.session import open_session

if TYPE_CHECKING:
    import onnxruntime


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
    """All heads of a bundle. `dim`: length of the backbone's embedding, where heads are to be held against it."""

    def __init__(self, bundle: Bundle, dim: int | None = None) -> None:
        self.heads = tuple(open_head(bundle, spec, dim) for spec in bundle.heads)

    def __call__(
        self, embedding: np.ndarray, field: Mapping[str, float], domains: Mapping[str, np.ndarray]
    ) -> tuple[tuple[Judgement, ...], dict[str, np.ndarray]]:
        """Judge one micrograph; domain-level tasks add `<task>` and `<task>_confidence` to its domains.

        domains: arrays (N,) by column, a value for each domain.
        """
        judgements = []
        for head in self.heads:
            if head.spec.level == "field":
                judgements.append(judge_field(head, embedding, field))
            else:
                judgement, domains = judge_domains(head, embedding, domains)
                judgements.append(judgement)
        return tuple(judgements), dict(domains)


def open_head(bundle: Bundle, spec: HeadSpec, dim: int | None = None) -> Head:
    """Raises BundleError where the graph is not the head that bundle.json describes."""
    place = bundle.path / spec.file
    # One thread: a head is a few thousand multiplications.
    session = open_session(bundle.graphs[spec.file], "cpu", threads=1, name=str(place))
    known = {column.name for column in (FIELD_COLUMNS if spec.level == "field" else DOMAIN_COLUMNS)}
    unknown = [name for name in spec.descriptors if name not in known]
    if unknown:
        raise BundleError(f"{place}: head {spec.task} asks for what is not measured: {', '.join(unknown)}.")
    inputs = {value.name: value.shape for value in session.get_inputs()}
    outputs = {value.name: value.shape for value in session.get_outputs()}
    if set(inputs) != {"features"} or not {"probabilities", "novelty"} <= set(outputs):
        raise BundleError(f"{place} is no head: it takes {', '.join(inputs)} and gives {', '.join(outputs)}.")
    if outputs["probabilities"][1] != len(spec.labels):
        raise BundleError(
            f"{place} tells {outputs['probabilities'][1]} classes apart, {MANIFEST} names {len(spec.labels)} "
            f"for {spec.task}: {', '.join(spec.labels)}."
        )
    _check_width(spec, place, inputs["features"][1], dim)
    return Head(spec, session)


def _check_width(spec: HeadSpec, place: Path, width: int, dim: int | None) -> None:
    embedding = width - len(spec.descriptors)
    fits = embedding == 0 if not spec.uses_embedding else embedding > 0 and dim in (None, embedding)
    if not fits:
        with_ = "an embedding" if dim is None else f"an embedding of {dim}"
        named = f"{with_} and " * spec.uses_embedding + f"{len(spec.descriptors)} descriptors"
        raise BundleError(f"{place} takes {width} features, {MANIFEST} and the backbone give {spec.task} {named}.")


def judge_field(head: Head, embedding: np.ndarray, field: Mapping[str, float]) -> Judgement:
    """Label the micrograph as a whole."""
    return judge_fields(head, embedding[None], [field])[0]


def judge_fields(head: Head, embeddings: np.ndarray, fields: Sequence[Mapping[str, float]]) -> list[Judgement]:
    """As `judge_field`, of many micrographs in one call of the head, to the same bits; embeddings: (M, D)."""
    descriptors = np.array([[field[name] for name in head.spec.descriptors] for field in fields], dtype=np.float32)
    probabilities, novelty = head(features(head.spec, embeddings, 1, descriptors))
    return [_verdict(head.spec, *one) for one in zip(probabilities, novelty.tolist(), strict=True)]


def _verdict(spec: HeadSpec, probabilities: np.ndarray, novelty: float) -> Judgement:
    best = int(probabilities.argmax())
    label, confidence = spec.labels[best], float(probabilities[best])
    return Judgement(
        task=spec.task,
        label=label,
        confidence=confidence,
        decision="unknown" if label == OTHER else decide(confidence, novelty, spec.uncertain_below),
        novelty=novelty,
        probabilities=dict(zip(spec.labels, map(float, probabilities), strict=True)),
    )


def judge_domains(
    head: Head, embedding: np.ndarray, domains: Mapping[str, np.ndarray]
) -> tuple[Judgement, dict[str, np.ndarray]]:
    """Label every domain, UNKNOWN where it is unlike everything or OTHER; the micrograph takes the majority of the rest
    that lie wholly in the field (`majority.voters`), and is unknown itself where most of these are."""
    task = head.spec.task
    at_edge = domains["touches_edge"]
    descriptors = np.empty((len(at_edge), len(head.spec.descriptors)), np.float32)
    for k, name in enumerate(head.spec.descriptors):
        descriptors[:, k] = domains[name]
    ((judgement, labels, confidences),) = judge_rows(head, embedding[None], [descriptors], [at_edge])
    return judgement, {**domains, task: labels, f"{task}_confidence": confidences}


def judge_rows(
    head: Head, embeddings: np.ndarray, descriptors: Sequence[np.ndarray], touches_edge: Sequence[np.ndarray]
) -> list[tuple[Judgement, np.ndarray, np.ndarray]]:
    """As `judge_domains`, of many micrographs in one call of the head, to the same bits.

    embeddings: (M, D); descriptors: of each micrograph's domains, float32 (N, K) in the head's order.
    Returns for each micrograph: verdict, labels (N,), confidences (N,).
    """
    counts = [len(rows) for rows in descriptors]
    if not any(counts):
        return [_no_rows(head.spec) for _ in counts]
    probabilities, novelty = head(features(head.spec, embeddings, counts, np.concatenate(descriptors)))
    ends = np.cumsum(counts)[:-1]
    best, confidences = probabilities.argmax(axis=1), probabilities.max(axis=1)
    by_micrograph = zip(*(np.split(of, ends) for of in (best, confidences, novelty)), touches_edge, strict=True)
    return [_judged_rows(head.spec, *one) for one in by_micrograph]


def _judged_rows(
    spec: HeadSpec, best: np.ndarray, confidences: np.ndarray, novelty: np.ndarray, touches_edge: np.ndarray
) -> tuple[Judgement, np.ndarray, np.ndarray]:
    if not len(best):
        return _no_rows(spec)
    whole = ~touches_edge if not touches_edge.all() else np.ones(len(best), dtype=bool)
    verdict = _majority(spec, best[whole], confidences[whole], novelty[whole])
    known = is_known(best, novelty, spec.labels)
    return verdict, np.where(known, np.array(spec.labels)[best], UNKNOWN), confidences


def _no_rows(spec: HeadSpec) -> tuple[Judgement, np.ndarray, np.ndarray]:
    return _nothing(spec), np.array([], dtype=object), np.array([], dtype=float)


def _nothing(spec: HeadSpec) -> Judgement:
    nan = float("nan")
    return Judgement(spec.task, "", nan, "unknown", nan, dict.fromkeys(spec.labels, nan))


def _majority(spec: HeadSpec, best: np.ndarray, confidences: np.ndarray, novelty: np.ndarray) -> Judgement:
    typical_novelty, voting = float(np.median(novelty)), voters(best, novelty, spec.labels)
    vote = majority(best[voting], confidences[voting], spec.labels)
    decision = decide(vote.confidence, typical_novelty, spec.uncertain_below)
    return Judgement(
        task=spec.task,
        label=spec.labels[vote.winner],
        confidence=vote.confidence,
        decision="unknown" if is_unknown(best, novelty, spec.labels) else decision,
        novelty=typical_novelty,
        probabilities=dict(zip(spec.labels, map(float, vote.fractions), strict=True)),
    )


def features(
    spec: HeadSpec, embeddings: np.ndarray, counts: int | Sequence[int], descriptors: np.ndarray
) -> np.ndarray:
    """A head's input, float32 (N, F): each embedding (M, D) in front of its `counts` rows of descriptors (N, K)."""
    if not spec.uses_embedding:
        return descriptors
    return np.hstack([np.repeat(embeddings, counts, axis=0), descriptors]).astype(np.float32, copy=False)


def decide(confidence: float, novelty: float, uncertain_below: float) -> str:
    """`unknown` beats `uncertain`: a confident answer about something never seen is worth nothing."""
    if not novelty <= 1:  # nor where it is no number
        return "unknown"
    return "accepted" if confidence >= uncertain_below else "uncertain"
