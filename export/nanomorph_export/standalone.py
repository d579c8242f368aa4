"""Backbone and one head in one ONNX file, from image to class, for tools that know nothing of bundles."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable
from pathlib import Path

import onnx
from onnx import compose

from nanomorph.bundle import load_bundle
from nanomorph.errors import ConfigurationError
from nanomorph_export.calibration import Micrographs
from nanomorph_export.graphs import write_graph
from nanomorph_export.write_bundle import Parts, write_bundle


def write_standalone(file: Path, parts: Parts, micrographs: Micrographs, report: Callable[[str], None]) -> None:
    """Prove the parts as for a bundle, then write image uint8 (N, 1, H, W) -> probabilities (N, C), novelty (N,).

    Labels and the expected preparation are in the file's metadata. Raises ConfigurationError for a head that judges
    domains or needs measured descriptors: no graph measures those.
    """
    (head,) = parts.heads
    if head.level != "field" or head.descriptors:
        raise ConfigurationError(
            f"{head.task} needs what nanomorph measures ({head.level} level, {len(head.descriptors)} descriptors), "
            "and one file cannot measure: fit a head with --level field --features embedding"
        )
    with tempfile.TemporaryDirectory() as folder:
        write_bundle(Path(folder) / "bundle", parts, micrographs, report)
        bundle = load_bundle(Path(folder) / "bundle")
        backbone = onnx.load(str(bundle.embedder or bundle.backbones["fp32"]))
        classifier = onnx.load_model_from_string(bundle.graphs[bundle.heads[0].file])
    write_graph(merge(backbone, classifier, head.labels, json.dumps(bundle.manifest["input"])), file)
    report(f"{file}: {head.task}, {', '.join(head.labels)} ({file.stat().st_size / 1e6:.1f} MB)")


def merge(backbone: onnx.ModelProto, head: onnx.ModelProto, labels: tuple[str, ...], prepare: str) -> onnx.ModelProto:
    """The head's `features` are the backbone's `embedding`; its maps are left out."""
    head = compose.add_prefix(head, "head/", rename_inputs=False, rename_outputs=False)
    backbone.ir_version = head.ir_version
    merged = compose.merge_models(
        backbone, head, io_map=[("embedding", "features")], outputs=["probabilities", "novelty"]
    )
    onnx.helper.set_model_props(merged, {"labels": json.dumps(labels), "prepare": prepare})
    return merged
