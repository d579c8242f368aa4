"""Backbone, heads, manifest and card: one folder, whole or not at all."""

from __future__ import annotations

import hashlib
import json
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from nanomorph.bundle import MANIFEST, SCHEMA_VERSION, load_bundle
from nanomorph.errors import FatalError
from nanomorph.micrograph import Micrograph
from nanomorph.model import Model
from nanomorph.prepare import InputSpec
from nanomorph_export.gates import Gate, TorchEngine, as_metrics, outcome_gates, tensor_gate
from nanomorph_export.graphs import export_backbone, fuse, round_to_half
from nanomorph_export.head_graph import export_head
from nanomorph_training.heads import Head
from nanomorph_training.models import Backbone


def write_bundle(
    folder: Path,
    name: str,
    backbone: Backbone,
    heads: Sequence[Head],
    input_spec: InputSpec,
    calibration: Sequence[Micrograph],
    provenance: Mapping[str, Any],
    foreground_threshold: float = 0.5,
) -> list[Gate]:
    """Export, prove on the `calibration` micrographs, then put at `folder`, replacing a bundle there.

    Raises FatalError naming the gate that failed; `folder` is then as it was.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".bundle-") as temporary:
        draft = Path(temporary) / "bundle"
        draft.mkdir()
        stored = round_to_half(fuse(backbone))
        export_backbone(stored, draft / "backbone.onnx")
        for head in heads:
            export_head(head, draft / head_file(head))
        manifest = {
            "schema": SCHEMA_VERSION,
            "name": name,
            "created": datetime.now(UTC).isoformat(timespec="seconds"),
            "input": asdict(input_spec),
            "foreground_threshold": foreground_threshold,
            "backbone": {"fp32": "backbone.onnx"},
            "heads": [head_entry(head) for head in heads],
            "provenance": dict(provenance),
        }
        write_manifest(draft, manifest)
        gates = _prove(draft, stored, backbone, calibration)
        write_manifest(draft, manifest | {"gates": as_metrics(gates)})
        _replace(draft, folder)
    return gates


def head_file(head: Head) -> str:
    """Where a head lies in a bundle."""
    return f"heads/{head.task}.onnx"


def head_entry(head: Head) -> dict[str, Any]:
    """A head's part of the manifest."""
    return {
        "task": head.task,
        "level": head.level,
        "file": head_file(head),
        "labels": list(head.labels),
        "uses_embedding": head.uses_embedding,
        "descriptors": list(head.descriptors),
        "temperature": head.temperature,
        "uncertain_below": head.uncertain_below,
        "metrics": dict(head.metrics),
    }


def write_manifest(folder: Path, manifest: Mapping[str, Any]) -> None:
    """Write bundle.json with the sha256 of every file beside it."""
    files = sorted(path for path in folder.rglob("*.onnx"))
    hashes = {path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}
    text = json.dumps(dict(manifest) | {"files": hashes}, indent=2) + "\n"
    (folder / MANIFEST).write_text(text, encoding="utf-8")


def _prove(draft: Path, stored: Backbone, trained: Backbone, calibration: Sequence[Micrograph]) -> list[Gate]:
    model = Model(load_bundle(draft), device="cpu", precision="fp32")
    tensors = tensor_gate(model.engine, TorchEngine(stored), calibration, model)
    gates = [tensors, *outcome_gates(model, TorchEngine(trained), calibration)]
    for gate in gates:
        if not gate.passed:
            raise FatalError(f"the exported graph fails a gate: {gate.name} is {gate.value:.4g}, limit {gate.limit:g}.")
    return gates


def _replace(draft: Path, folder: Path) -> None:
    """Two renames: at every moment either the old bundle or the new one can be found, beside its name at worst."""
    if folder.exists():
        keep = [path for path in folder.iterdir() if path.suffix == ".md"]
        for path in keep:
            shutil.copy2(path, draft / path.name)
        old = draft.parent / "old"
        folder.replace(old)
    draft.replace(folder)
