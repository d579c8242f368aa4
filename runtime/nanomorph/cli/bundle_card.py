"""A bundle's card for people: what it sees, how exact each precision is, what each head can and cannot."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from nanomorph.bundle import Bundle, HeadSpec
from nanomorph.inference.gates import Gate
from nanomorph.majority import OTHER
from nanomorph.manifest import SCORES


def bundle_card(bundle: Bundle) -> str:
    """The card of a verified bundle."""
    manifest, spec = bundle.manifest, bundle.input
    size = sum((bundle.path / file).stat().st_size for file in manifest["files"])
    lines = [
        f"name: {bundle.name}",
        f"fingerprint: {bundle.fingerprint}",
        f"path: {bundle.path}",
        f"made: {manifest['created']}, schema {manifest['schema']}"
        + (f", changed {manifest['updated']}" if "updated" in manifest else ""),
        f"files: {len(manifest['files'])}, {size / 1e6:.1f} MB, every sha256 is right",
        f"sees: frames at most {spec.max_side} px on their longer side, trained at {spec.nm_per_px_min:g} to "
        f"{spec.nm_per_px_max:g} nm/px",
        f"foreground: from a probability of {bundle.foreground_threshold:g} on",
        *_embedder(bundle),
        "",
        *_precisions(bundle),
    ]
    for head in bundle.heads:
        lines += ["", *_head(head, manifest)]
    return "\n".join([*lines, *_provenance(manifest.get("provenance", {}))])


def _embedder(bundle: Bundle) -> Iterator[str]:
    if bundle.embedder is not None:
        size = bundle.embedder.stat().st_size
        yield f"embedding: by an encoder of its own ({size / 1e6:.1f} MB), not the segmenter's: two passes a frame"


def _precisions(bundle: Bundle) -> Iterator[str]:
    tried = bundle.manifest.get("precisions", {"fp32": {"written": True, "gates": bundle.manifest.get("gates", [])}})
    for precision, entry in tried.items():
        if entry["written"]:
            size = bundle.backbones[precision].stat().st_size
            yield f"{precision}: {size / 1e6:.1f} MB, {'every gate passed' if entry['gates'] else 'no gate on record'}"
            yield from (f"  {gate}" for gate in _gates(entry))
        else:
            failed = "; ".join(str(gate) for gate in _gates(entry) if not gate.passed)
            yield f"{precision}: NOT in the bundle, it failed: {failed}"
        if entry.get("fp32_layers"):
            yield f"  computed in fp32: {', '.join(entry['fp32_layers'])}"


def _gates(entry: Mapping[str, Any]) -> list[Gate]:
    return [Gate(gate["name"], gate["value"], gate["limit"], gate["passed"]) for gate in entry["gates"]]


def _head(head: HeadSpec, manifest: Mapping[str, Any]) -> Iterator[str]:
    entry = next(entry for entry in manifest["heads"] if entry["task"] == head.task)
    of = {"field": "the whole micrograph", "domain": "every domain by itself"}[head.level]
    parts = ["the embedding"] * head.uses_embedding
    parts += [f"{len(head.descriptors)} descriptors"] if head.descriptors else []
    yield f"head {head.task}: labels {of}, from {' and '.join(parts)}"
    yield f"  labels: {', '.join(head.labels)}" + " (`other`: none of them, unknown)" * (OTHER in head.labels)
    yield f"  uncertain below {head.uncertain_below:.2f}, unknown above novelty 1"
    if "temperature" in entry:
        yield f"  temperature {entry['temperature']:.2f}"
    for name in SCORES:
        if scores := head.metrics.get(name):
            yield (
                f"  {name.replace('_', ' ')}: accuracy {scores['accuracy']:.2f}, balanced "
                f"{scores['balanced_accuracy']:.2f} (n = {scores['n']})"
            )


def _provenance(provenance: Mapping[str, Any]) -> Iterator[str]:
    for stage in ("segmenter", "pretraining"):
        if known := provenance.get(stage):
            versions = known.get("versions", {})
            yield ""
            yield f"{stage}: {known.get('encoder', 'encoder unknown')}, {known.get('n_images', '?')} images"
            yield f"  data {known.get('data_fingerprint', '?')}, code {versions.get('commit', '?')}"
