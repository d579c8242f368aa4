"""A bundle leaves only whole and proven: parity with torch, gates that refuse, nothing left behind."""

import json
import shutil
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import torch

from nanomorph.bundle import load_bundle
from nanomorph.errors import FatalError
from nanomorph.inference import gates
from nanomorph.model import Model, analyze
from nanomorph_export.graphs import HALF_STORED_FROM, fuse
from nanomorph_export.quantise import harm, rectified, thin, too_harmful
from nanomorph_export.write_bundle import Parts, write_bundle


@pytest.fixture(scope="module")
def written(backbone, heads, micrographs, tmp_path_factory):
    """All precisions, with int8 called faster: how fast it is says nothing in a test."""
    folder = tmp_path_factory.mktemp("export") / "bundle"
    parts = Parts("test", backbone, heads, {"why": "a test"}, precisions=("fp32", "int8", "fp16"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("nanomorph_export.precisions.times_faster", lambda *_: 2.0)
        patch.setattr("nanomorph_export.quantise.HARM_FRAMES", 1)
        tried = write_bundle(folder, parts, micrographs)
    return folder, {one.precision: one for one in tried}


def test_every_gate_is_on_record(written):
    folder, tried = written
    assert [gate.name for gate in tried["fp32"].gates] == [
        "tensors: largest relative difference",
        "tensors: mean relative difference",
        "mask Dice, mean",
        "label agreement",
        "domain width, median relative change",
        "domain width, median change in nm",
    ]
    assert tried["fp32"].passed
    assert tried["fp32"].gates[0].value < 1e-5
    manifest = json.loads((folder / "bundle.json").read_text())
    assert manifest["provenance"] == {"why": "a test"}
    for name, one in tried.items():
        entry = manifest["precisions"][name]
        assert [gate["value"] for gate in entry["gates"]] == [gate.value for gate in one.gates]
        assert entry["written"] == one.passed == (name in manifest["backbone"])
    assert all(gate["passed"] for head in manifest["heads"] for gate in head["gates"])


def test_the_bundle_loads_and_analyses(written, micrographs):
    bundle = load_bundle(written[0])
    for precision in bundle.backbones:
        model = Model(bundle, device="cpu", precision=precision)
        result = analyze(micrographs.proof[0].pixels, model)
        assert [judgement.task for judgement in result.labels] == ["whole", "shape"]
        assert result.embedding.shape == (32,)
        assert result.mask.shape == (96, 128)
        assert result.precision == precision


def test_int8_takes_bytes_in_and_keeps_weights_of_seven_bits(written):
    """U8 activations and S8 weights in -64..64: products of two bytes, summed in pairs, fit 16 bits without VNNI."""
    assert written[1]["int8"].passed, written[1]["int8"].failures
    graph = onnx.load(str(written[0] / "backbone.int8.onnx")).graph
    arrays = {tensor.name: onnx.numpy_helper.to_array(tensor) for tensor in graph.initializer}
    weights = [values for name, values in arrays.items() if name.endswith("_quantized") and values.dtype == np.int8]
    assert weights
    assert max(int(np.abs(values.astype(int)).max()) for values in weights) <= 64
    scales = {node.input[2] for node in graph.node if node.op_type == "QuantizeLinear"}
    assert {arrays[name].dtype for name in scales} == {np.dtype(np.uint8)}
    stays = json.loads((written[0] / "bundle.json").read_text())["precisions"]["int8"]["fp32_layers"]
    assert {"decoder.fine.0", "decoder.out"} <= set(stays)
    assert set(stays) < {name.removesuffix(".weight") for name in arrays} | {"decoder.context"}


def test_fp16_is_computed_between_float32_ends(written):
    assert written[1]["fp16"].passed, written[1]["fp16"].failures
    graph = onnx.load(str(written[0] / "backbone.fp16.onnx")).graph
    assert {output.type.tensor_type.elem_type for output in graph.output} == {onnx.TensorProto.FLOAT}
    convolutions = {node.input[1] for node in graph.node if node.op_type == "Conv"}
    kinds = {tensor.data_type for tensor in graph.initializer if tensor.name in convolutions}
    assert kinds == {onnx.TensorProto.FLOAT16}


def copy_as_int8(source, target, _budget):
    shutil.copy(source, target)
    return ()


@pytest.fixture
def traced_before(written, monkeypatch):
    """Tracing takes seconds; these tests are about what comes after it."""
    monkeypatch.setattr(
        "nanomorph_export.write_bundle.export_backbone",
        lambda _, path: shutil.copy(written[0] / "backbone.onnx", path),
    )


@pytest.mark.usefixtures("traced_before")
def test_a_precision_that_fails_is_left_out_and_the_card_says_why(backbone, heads, micrographs, tmp_path, monkeypatch):
    monkeypatch.setattr("nanomorph_export.precisions.times_faster", lambda *_: 0.9)
    monkeypatch.setattr("nanomorph_export.precisions.plan_int8", lambda source, *_: source)
    monkeypatch.setattr(
        "nanomorph_export.precisions.write_int8", lambda source, to, _: (shutil.copy(source, to), ())[1]
    )
    parts = Parts("test", backbone, heads, {}, precisions=("int8",))
    (_, int8) = write_bundle(tmp_path / "bundle", parts, micrographs)
    assert int8.failures == "speed, times fp32 on this CPU: 0.9 (limit 1, FAILED)"
    assert list(load_bundle(tmp_path / "bundle").backbones) == ["fp32"]
    assert not (tmp_path / "bundle" / "backbone.int8.onnx").exists()
    manifest = json.loads((tmp_path / "bundle" / "bundle.json").read_text())
    assert [gate["name"] for gate in manifest["precisions"]["int8"]["gates"] if not gate["passed"]] == [
        "speed, times fp32 on this CPU"
    ]


def test_the_layers_that_hurt_most_stay_until_the_rest_is_harmless():
    harms = {"a": 3.0, "b": 0.3, "c": 4.0, "d": 0.4}
    assert too_harmful(harms, budget=0.5) == ["c", "a"]  # left: the root of .3^2 + .4^2
    assert too_harmful(harms, budget=0.49) == ["c", "a", "d"]
    assert too_harmful(harms, budget=10.0) == []
    assert too_harmful(harms, budget=0.0) == ["c", "a", "d"]  # a file without any int8 would be no int8 file


def test_layers_that_read_few_channels_are_not_worth_bytes():
    def graph(*channels: int) -> onnx.ModelProto:
        nodes = [onnx.helper.make_node("Conv", [f"x{n}", f"w{n}"], [f"x{n + 1}"], str(n)) for n in range(len(channels))]
        weights = [
            onnx.numpy_helper.from_array(np.zeros((8, size, 3, 3), np.float32), f"w{n}")
            for n, size in enumerate(channels)
        ]
        return onnx.helper.make_model(onnx.helper.make_graph(nodes, "layers", [], [], weights))

    assert thin(graph(1, 16, 17, 64)) == {"0", "1"}
    assert thin(graph(1, 16)) == set()  # a file without any int8 would be no int8 file


def test_a_layer_is_as_harmful_as_the_pixels_that_change_sides():
    """What a probability does on its side of the threshold harms nobody; an embedding's change weighs a tenth."""
    before = {"embedding": np.array([[1.0, 2.0]]), "foreground": np.array([[[[0.1, 0.54, 0.9, 0.2]]]])}
    sure = before | {"foreground": np.array([[[[0.5, 0.54, 0.6, 0.0]]]])}
    across = before | {"foreground": np.array([[[[0.1, 0.56, 0.9, 0.2]]]])}
    other = before | {"embedding": np.array([[1.0, 2.4]])}
    assert harm(sure, before, 0.55) == 0.0
    assert harm(across, before, 0.55) == 0.25
    assert harm(other, before, 0.55) == pytest.approx(0.01)  # mean .2 of at most 2


def test_ranges_start_at_zero_where_only_a_relu_reads(written):
    """Negative results would take half of the 256 codes, and the ReLU makes zeros of them."""
    source, graph = (onnx.load(str(written[0] / name)) for name in ("backbone.onnx", "backbone.int8.onnx"))
    arrays = {tensor.name: onnx.numpy_helper.to_array(tensor) for tensor in graph.graph.initializer}
    zeros = {node.input[0]: arrays[node.input[2]] for node in graph.graph.node if node.op_type == "QuantizeLinear"}
    names = rectified(source)
    found = [int(zero) for name, zero in zeros.items() if name in names]
    assert found
    assert set(found) == {0}
    readers = {name: node.op_type for node in source.graph.node for name in node.input}
    assert {readers[name] for name in names} == {"Relu"}


def test_the_graph_takes_any_number_and_size_of_frames(written, backbone):
    session = onnxruntime.InferenceSession(str(written[0] / "backbone.onnx"), providers=["CPUExecutionProvider"])
    for shape in ((1, 1, 32, 32), (3, 1, 64, 160)):
        batch = np.random.default_rng(2).integers(0, 256, shape, dtype=np.uint8)
        ours = session.run(None, {"image": batch})
        with torch.inference_mode():
            theirs = backbone(torch.from_numpy(batch))
        assert [out.shape for out in ours] == [tuple(out.shape) for out in theirs]
        # Against the network as trained: no more than the rounding of its large weights to half precision.
        np.testing.assert_allclose(ours[0], theirs[0].numpy(), rtol=2e-2, atol=2e-2)
        np.testing.assert_allclose(ours[1], theirs[1].numpy(), atol=1e-3)


def test_weights_are_stored_in_half_precision_and_folded(written):
    graph = onnx.load(str(written[0] / "backbone.onnx")).graph
    assert not [node for node in graph.node if node.op_type == "BatchNormalization"]
    assert not [
        t for t in graph.initializer if t.data_type == onnx.TensorProto.FLOAT and np.prod(t.dims) >= HALF_STORED_FROM
    ]
    # The first node that sees the image casts it: TensorRT takes uint8 only there.
    assert next(node for node in graph.node if "image" in node.input).op_type == "Cast"


def test_no_path_of_the_exporting_machine_is_in_the_file(written):
    assert str(Path(__file__).parents[2]).encode() not in (written[0] / "backbone.onnx").read_bytes()


def test_folding_changes_nothing_but_rounding(backbone):
    batch = torch.randint(0, 256, (2, 1, 64, 64), dtype=torch.uint8)
    with torch.inference_mode():
        for ours, theirs in zip(fuse(backbone)(batch), backbone(batch), strict=True):
            torch.testing.assert_close(ours, theirs, rtol=1e-3, atol=1e-4)


@pytest.mark.usefixtures("traced_before")
def test_a_failing_gate_leaves_what_was_there(written, backbone, heads, micrographs, monkeypatch):
    folder, _ = written
    before = {path.name: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    monkeypatch.setattr(gates, "EXACT_LIMIT", -1.0)
    with pytest.raises(FatalError, match="tensors: largest relative difference"):
        write_bundle(folder, Parts("worse", backbone, heads, {}), micrographs)
    assert {path.name: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before
    assert [path.name for path in folder.parent.iterdir()] == [folder.name]


@pytest.mark.usefixtures("traced_before")
def test_a_head_that_its_graph_does_not_compute_is_refused(backbone, heads, micrographs, tmp_path, monkeypatch):
    monkeypatch.setattr("nanomorph_export.head_graph.HEAD_LIMIT", -1.0)
    with pytest.raises(FatalError, match="head whole: largest difference"):
        write_bundle(tmp_path / "bundle", Parts("test", backbone, heads, {}), micrographs)
    assert not list(tmp_path.iterdir())
