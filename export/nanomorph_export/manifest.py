"""bundle.json as export writes it. No torch: a microscope's own PC can relearn a head."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from nanomorph.atomic import atomic_open
from nanomorph.bundle import MANIFEST
from nanomorph.errors import ConfigurationError, FatalError
from nanomorph.inference.gates import as_metrics
from nanomorph.manifest import SCHEMA_VERSION, Problem, check, files_of
from nanomorph.manifest import check_head as check_entry
from nanomorph_export.head_graph import export_head, head_gate
from nanomorph_training.heads.head import Head
from nanomorph_training.heads.remarks import check_labels, check_task


def check_head(head: Head) -> None:
    """Raises ConfigurationError for a head that no bundle takes, before a file or a column is named after it."""
    try:
        check_task(head.task)
        check_labels(head.labels)
        check_entry(head_entry(head, f"heads/{head.task}.onnx"))
    except (ConfigurationError, Problem) as problem:
        raise ConfigurationError(f"the head of task {head.task!r} goes into no bundle: {problem}") from problem


def add_head(folder: Path, manifest: Mapping[str, Any], head: Head) -> dict[str, Any]:
    """Write a head's graph into a bundle's folder; the manifest with it, in place of one of the same task.

    The file's name holds a part of its sha256: a new head never overwrites one that is being read. Raises
    ConfigurationError as `check_head`, FatalError where the graph does not compute what was fitted.
    """
    check_head(head)
    temporary = folder / "heads" / f".{head.task}.onnx"
    try:
        export_head(head, temporary)
        gate = head_gate(head, temporary)
        if not gate.passed:
            raise FatalError(f"the exported head fails a gate: {gate}")
        digest = hashlib.sha256(temporary.read_bytes()).hexdigest()
        file = f"heads/{head.task}.{digest[:8]}.onnx"
        temporary.replace(folder / file)
    finally:
        temporary.unlink(missing_ok=True)
    entries = [*manifest["heads"]]
    tasks = [entry["task"] for entry in entries]
    where = tasks.index(head.task) if head.task in tasks else len(tasks)
    entries[where : where + 1] = [head_entry(head, file) | {"gates": as_metrics([gate])}]
    return dict(manifest) | {"heads": entries}


def head_entry(head: Head, file: str) -> dict[str, Any]:
    """A head's part of the manifest."""
    return {
        "task": head.task,
        "level": head.level,
        "file": file,
        "labels": list(head.labels),
        "uses_embedding": head.uses_embedding,
        "descriptors": list(head.descriptors),
        "temperature": head.temperature,
        "uncertain_below": head.uncertain_below,
        "metrics": dict(head.metrics),
    }


def write_manifest(folder: Path, manifest: Mapping[str, Any]) -> None:
    """Write bundle.json, atomically, with the sha256 of every file that it names.

    Raises ConfigurationError, and writes nothing, where no nanomorph would load it.
    """
    hashes = {file: hashlib.sha256((folder / file).read_bytes()).hexdigest() for file in sorted(files_of(manifest))}
    whole = dict(manifest) | {"schema": SCHEMA_VERSION, "files": hashes}
    try:
        check(whole)
    except Problem as problem:
        raise ConfigurationError(f"{folder / MANIFEST} would be no manifest of a bundle: {problem}") from problem
    with atomic_open(folder / MANIFEST, "w") as stream:
        stream.write(json.dumps(whole, indent=2) + "\n")
