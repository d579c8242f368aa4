"""Shared fixtures: real data where it is there, and a bundle so small that its answers are known by heart."""

import hashlib
import json
import signal
from pathlib import Path

import numpy as np
import pytest

SHARED = Path(__file__).parents[2] / "shared" / "data"


# A shell starts what it puts in the background deaf to Ctrl-C, and what tests start would inherit that.
signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real micrographs beside the checkout."""
    if not SHARED.is_dir():
        pytest.skip(f"no real micrographs at {SHARED}")
    return SHARED


@pytest.fixture(scope="session")
def tiny_bundle(tmp_path_factory) -> Path:
    """Foreground = darker than mid-gray; embedding = (mean, 1 - mean) of the frame; two heads of few weights.

    `density` (field): "full" where more than half of the field is foreground, else "sparse".
    `shape` (domain): "rod" where the aspect ratio exceeds 2, else "disc".
    """
    folder = tmp_path_factory.mktemp("bundle") / "tiny"
    folder.mkdir()
    _write_backbone(folder / "backbone.onnx")
    heads = [
        _head("density", "field", ("sparse", "full"), "foreground_fraction", 0.5),
        _head("shape", "domain", ("disc", "rod"), "aspect_ratio", 2.0),
    ]
    for head in heads:
        _write_head(folder / head["file"], head.pop("boundary"))
    files = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*.onnx"))
    manifest = {
        "schema": 1,
        "name": "tiny",
        "created": "2026-01-01T00:00:00+00:00",
        "input": {"max_side": 512, "multiple": 32, "nm_per_px_min": 0.1, "nm_per_px_max": 100.0},
        "foreground_threshold": 0.5,
        "backbone": {"fp32": "backbone.onnx"},
        "heads": heads,
        "files": {file: hashlib.sha256((folder / file).read_bytes()).hexdigest() for file in files},
    }
    (folder / "bundle.json").write_text(json.dumps(manifest))
    return folder


def _head(task: str, level: str, labels: tuple[str, str], descriptor: str, boundary: float) -> dict:
    return {
        "task": task,
        "level": level,
        "file": f"heads/{task}.onnx",
        "labels": list(labels),
        "uses_embedding": False,
        "descriptors": [descriptor],
        "uncertain_below": 0.6,
        "boundary": boundary,
    }


def _write_backbone(path: Path) -> None:
    from onnx import TensorProto, helper

    nodes = [
        helper.make_node("Cast", ["image"], ["gray"], to=TensorProto.FLOAT),
        helper.make_node("Div", ["gray", "white"], ["x"]),
        helper.make_node("Sub", ["middle", "x"], ["dark"]),
        helper.make_node("Mul", ["dark", "steepness"], ["logit"]),
        helper.make_node("Sigmoid", ["logit"], ["foreground"]),
        helper.make_node("ReduceMean", ["x", "axes"], ["mean"], keepdims=0),
        helper.make_node("Sub", ["one", "mean"], ["rest"]),
        helper.make_node("Concat", ["mean", "rest"], ["embedding"], axis=1),
    ]
    constants = {"white": 255.0, "middle": 0.5, "steepness": 40.0, "one": 1.0}
    image = helper.make_tensor_value_info("image", TensorProto.UINT8, ["n", 1, "h", "w"])
    outputs = [
        helper.make_tensor_value_info("embedding", TensorProto.FLOAT, ["n", 2]),
        helper.make_tensor_value_info("foreground", TensorProto.FLOAT, ["n", 1, "h", "w"]),
    ]
    _save(path, nodes, [image], outputs, constants, {"axes": np.array([2, 3])})


def _write_head(path: Path, boundary: float) -> None:
    """Two classes, 20 logits per unit of the one descriptor; never novel."""
    from onnx import TensorProto, helper

    nodes = [
        helper.make_node("Sub", ["features", "boundary"], ["over"]),
        helper.make_node("MatMul", ["over", "weights"], ["logits"]),
        helper.make_node("Softmax", ["logits"], ["probabilities"], axis=-1),
        helper.make_node("Mul", ["over", "nothing"], ["zeros"]),
        helper.make_node("ReduceSum", ["zeros", "axis"], ["novelty"], keepdims=0),
    ]
    features = helper.make_tensor_value_info("features", TensorProto.FLOAT, ["n", 1])
    outputs = [
        helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, ["n", 2]),
        helper.make_tensor_value_info("novelty", TensorProto.FLOAT, ["n"]),
    ]
    arrays = {"weights": np.array([[-10.0, 10.0]], np.float32), "axis": np.array([1])}
    path.parent.mkdir(exist_ok=True)
    _save(path, nodes, [features], outputs, {"boundary": boundary, "nothing": 0.0}, arrays)


def _save(path, nodes, inputs, outputs, scalars, arrays) -> None:
    import onnx
    from onnx import helper, numpy_helper

    initializers = [numpy_helper.from_array(np.array([value], np.float32), name) for name, value in scalars.items()]
    initializers += [numpy_helper.from_array(value, name) for name, value in arrays.items()]
    graph = helper.make_graph(nodes, path.stem, inputs, outputs, initializers)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)
    onnx.checker.check_model(model, full_check=True)
    path.write_bytes(model.SerializeToString())
