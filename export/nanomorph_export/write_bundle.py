"""Backbone in its precisions, heads, manifest: one folder, whole or not at all."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from nanomorph.bundle import load_bundle
from nanomorph.engine import Engine
from nanomorph.engines import joined
from nanomorph.errors import FatalError
from nanomorph.inference.gates import cases
from nanomorph.model import Model
from nanomorph.prepare import InputSpec
from nanomorph_export.calibration import Micrographs, write_proof
from nanomorph_export.graphs import Embedder, export_backbone, fuse, round_to_half
from nanomorph_export.manifest import add_head, write_manifest
from nanomorph_export.place import DRAFTS, clear_leftovers, put, require_room
from nanomorph_export.precisions import FILES, Tried, try_fp16, try_fp32, try_int8
from nanomorph_training.heads.head import Head
from nanomorph_training.models import Backbone
from nanomorph_training.predict import TorchEngine

EMBEDDER = "embedder.onnx"


@dataclass(frozen=True, eq=False)
class Parts:
    """What a bundle is made of. provenance: where the weights came from.

    embedder: whose encoder the heads were fitted on, where it is not the backbone's bit for bit: a second graph.
    """

    name: str
    backbone: Backbone
    heads: Sequence[Head]
    provenance: Mapping[str, Any]
    input: InputSpec = InputSpec()
    foreground_threshold: float = 0.5
    precisions: Sequence[str] = field(default=("fp32",))
    embedder: Backbone | None = None


def write_bundle(
    folder: Path, parts: Parts, micrographs: Micrographs, report: Callable[[str], None] = lambda _: None
) -> list[Tried]:
    """Export, prove, then put at `folder`, replacing a bundle there; what was tried, in the order of `precisions`.

    A link stays one: its folder is replaced. A reduced precision that fails a gate is left out, and bundle.json says
    which and by how much. Raises FatalError naming the gate where fp32 fails one; `folder` is then as it was.
    """
    folder = folder.resolve()
    require_room(folder)
    folder.parent.mkdir(parents=True, exist_ok=True)
    clear_leftovers(folder.parent, report)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=DRAFTS, ignore_cleanup_errors=True) as temporary:
        draft = Path(temporary) / "bundle"
        draft.mkdir()
        stored = round_to_half(fuse(parts.backbone))
        export_backbone(stored, draft / FILES["fp32"])
        manifest = _manifest(draft, parts)
        if (embedder := _stored_embedder(parts.embedder)) is not None:
            export_backbone(Embedder(embedder), draft / EMBEDDER, ["embedding"])
            manifest["embedder"] = EMBEDDER
        for head in parts.heads:
            manifest = add_head(draft, manifest, head)
        write_manifest(draft, manifest)
        tried = _prove(draft, parts, stored, micrographs, report)
        written = {one.precision: FILES[one.precision] for one in tried if one.passed}
        precisions = {one.precision: one.entry() for one in tried}
        write_manifest(draft, manifest | {"backbone": written, "precisions": precisions})
        load_bundle(draft)
        put(draft, folder)
    return tried


def _manifest(draft: Path, parts: Parts) -> dict[str, Any]:
    return {
        "name": parts.name,
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "input": asdict(parts.input),
        "foreground_threshold": parts.foreground_threshold,
        "backbone": {"fp32": FILES["fp32"]},
        "heads": [],
        "proof": write_proof(draft),
        "provenance": dict(parts.provenance),
    }


def _prove(
    draft: Path, parts: Parts, stored: Backbone, micrographs: Micrographs, report: Callable[[str], None]
) -> list[Tried]:
    model = Model(load_bundle(draft), device="cpu", precision="fp32")
    report(f"torch looks at {len(micrographs.proof)} micrographs")
    trained, exact = _in_torch(parts.backbone, parts.embedder), _in_torch(stored, _stored_embedder(parts.embedder))
    references = list(cases(model, trained, micrographs.proof))
    tried = [try_fp32(model, exact, references)]
    if not tried[0].passed:
        raise FatalError(f"the exported graph fails a gate: {tried[0].failures}")
    for precision in parts.precisions:
        if precision == "int8":
            report(f"int8: ranges from {len(micrographs.ranges)} micrographs, then the harm of every layer")
            tried.append(try_int8(draft, model, micrographs, references))
        elif precision == "fp16":
            tried.append(try_fp16(draft, model, fuse(parts.backbone), stored, references))
    return tried


def _stored_embedder(backbone: Backbone | None) -> Backbone | None:
    return None if backbone is None else round_to_half(fuse(backbone))


def _in_torch(backbone: Backbone, embedder: Backbone | None) -> Engine:
    return joined(TorchEngine(backbone), None if embedder is None else TorchEngine(embedder))
