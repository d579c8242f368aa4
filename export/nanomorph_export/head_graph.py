"""A head as a tiny ONNX graph. No torch: a microscope's own PC can relearn and rewrite a head."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
from onnx import NodeProto, TensorProto, helper, numpy_helper

from nanomorph.inference.gates import Gate, at_most
from nanomorph.session import open_session
from nanomorph_training.heads.head import Head

OPSET = 18
# onnx's newest IR version may be ahead of the runtime's: 10 is read by every onnxruntime since 1.18.
IR_VERSION = 10
# float32 in the graph, float64 where it was fitted.
HEAD_LIMIT = 1e-3
PROOF_ROWS = 200


def export_head(head: Head, path: Path) -> None:
    """Write `head`: features float32 (N, F), NaN where not measured -> probabilities (N, C), novelty (N,).

    probabilities = softmax((W z + b) / T); novelty = min over classes of |z - centroid| / radius;
    z = (x - mean) / scale, cut to +-clip, with unmeasured values at the mean (z = 0).
    """
    graph = helper.make_graph(
        _nodes(),
        f"head_{head.task}",
        [helper.make_tensor_value_info("features", TensorProto.FLOAT, ["N", head.mean.size])],
        [
            helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, ["N", len(head.labels)]),
            helper.make_tensor_value_info("novelty", TensorProto.FLOAT, ["N"]),
        ],
        _constants(head),
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION)
    onnx.checker.check_model(model, full_check=True)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(model.SerializeToString(deterministic=True))


def _constants(head: Head) -> list[TensorProto]:
    values = {
        "mean": head.mean,
        "scale": head.scale,
        "weights": (head.weights / head.temperature).T,
        "intercept": head.intercept / head.temperature,
        "centroids": head.centroids[None],
        "radius": np.array([head.radius]),
        "zero": np.zeros(1),
        "low": np.array(-head.clip),
        "high": np.array(head.clip),
    }
    axes = {"one": 1, "last": -1}
    return [numpy_helper.from_array(array.astype(np.float32), name) for name, array in values.items()] + [
        numpy_helper.from_array(np.array([axis]), name) for name, axis in axes.items()
    ]


def _nodes() -> list[NodeProto]:
    return [
        helper.make_node("Sub", ["features", "mean"], ["centred"]),
        helper.make_node("Div", ["centred", "scale"], ["scaled"]),
        helper.make_node("IsNaN", ["features"], ["unmeasured"]),
        helper.make_node("Where", ["unmeasured", "zero", "scaled"], ["known"]),
        helper.make_node("Clip", ["known", "low", "high"], ["z"]),
        helper.make_node("MatMul", ["z", "weights"], ["products"]),
        helper.make_node("Add", ["products", "intercept"], ["logits"]),
        helper.make_node("Softmax", ["logits"], ["probabilities"], axis=-1),
        helper.make_node("Unsqueeze", ["z", "one"], ["z_column"]),
        helper.make_node("Sub", ["z_column", "centroids"], ["differences"]),
        helper.make_node("ReduceL2", ["differences", "last"], ["distances"], keepdims=0),
        helper.make_node("ReduceMin", ["distances", "last"], ["nearest"], keepdims=0),
        helper.make_node("Div", ["nearest", "radius"], ["novelty"]),
    ]


def head_gate(head: Head, path: Path) -> Gate:
    """The graph against the fitted head on random features with gaps: largest difference of an output."""
    rng = np.random.default_rng(0)
    features = head.mean + head.scale * rng.normal(0, 3, (PROOF_ROWS, head.mean.size))
    features[rng.random(features.shape) < 0.1] = np.nan
    session = open_session(path, "cpu", threads=1)
    ours = session.run(["probabilities", "novelty"], {"features": features.astype(np.float32)})
    pairs = zip(ours, head(features.astype(np.float32).astype(float)), strict=True)
    worst = max(float(np.abs(a - b).max() / max(np.abs(b).max(), 1.0)) for a, b in pairs)
    return at_most(f"head {head.task}: largest difference", worst, HEAD_LIMIT, PROOF_ROWS)
