"""A bundle leaves only whole and proven: parity with torch, gates that refuse, nothing left behind."""

import json
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import torch

from nanomorph.bundle import load_bundle
from nanomorph.errors import FatalError
from nanomorph.measure import FIELD_DESCRIPTORS, SHAPE_DESCRIPTORS
from nanomorph.micrograph import Calibration, Micrograph
from nanomorph.model import analyze
from nanomorph.prepare import InputSpec
from nanomorph_export import gates, write_bundle
from nanomorph_export.graphs import HALF_STORED_FROM, fuse
from nanomorph_training.heads import Head
from nanomorph_training.models import build_backbone


@pytest.fixture(scope="module")
def backbone():
    """Random weights, with batch statistics that are not those of a fresh network: folding must not lose them."""
    torch.manual_seed(0)
    network = build_backbone()
    network.train()
    with torch.no_grad():
        network(torch.randint(0, 256, (4, 1, 64, 64), dtype=torch.uint8))
    return network.eval()


def make_head(task, level, uses_embedding, descriptors):
    n = 512 * uses_embedding + len(descriptors)
    rng = np.random.default_rng(0)
    return Head(
        task, level, ("one", "two"), uses_embedding, tuple(descriptors), np.zeros(n), np.ones(n),
        rng.normal(size=(2, n)) / 100, np.zeros(2), 1.0, 0.5, np.zeros((2, n)), 1.0,
    )  # fmt: skip


@pytest.fixture(scope="module")
def heads():
    return [
        make_head("whole", "field", True, FIELD_DESCRIPTORS),
        make_head("shape", "domain", False, SHAPE_DESCRIPTORS),
    ]


@pytest.fixture(scope="module")
def micrographs():
    rng = np.random.default_rng(1)
    frames = [rng.integers(0, 256, size, dtype=np.uint8) for size in ((64, 96), (96, 96))]
    return [Micrograph(frame, None, Calibration.NONE, "noise") for frame in frames]


@pytest.fixture(scope="module")
def written(backbone, heads, micrographs, tmp_path_factory):
    folder = tmp_path_factory.mktemp("export") / "bundle"
    found = write_bundle.write_bundle(folder, "test", backbone, heads, InputSpec(), micrographs, {"why": "a test"})
    return folder, found


def test_every_gate_was_passed_and_is_on_record(written):
    folder, found = written
    assert len(found) == 4
    assert all(gate.passed for gate in found)
    assert found[0].value < 1e-5
    manifest = json.loads((folder / "bundle.json").read_text())
    assert [gate["name"] for gate in manifest["gates"]] == [gate.name for gate in found]
    assert manifest["provenance"] == {"why": "a test"}


def test_the_bundle_loads_and_analyses(written, micrographs):
    bundle = load_bundle(written[0])
    result = analyze(micrographs[0].pixels, bundle)
    assert [judgement.task for judgement in result.labels] == ["whole", "shape"]
    assert result.embedding.shape == (512,)
    assert result.mask.shape == (64, 96)


def test_the_graph_takes_any_number_and_size_of_frames(written, backbone):
    session = onnxruntime.InferenceSession(str(written[0] / "backbone.onnx"), providers=["CPUExecutionProvider"])
    for shape in ((1, 1, 32, 32), (3, 1, 64, 160)):
        batch = np.random.default_rng(2).integers(0, 256, shape, dtype=np.uint8)
        ours = session.run(None, {"image": batch})
        with torch.inference_mode():
            theirs = backbone(torch.from_numpy(batch))
        assert [out.shape for out in ours] == [tuple(out.shape) for out in theirs]
        # Against the network as trained: no more than the rounding of its weights to half precision.
        np.testing.assert_allclose(ours[0], theirs[0].numpy(), rtol=2e-2, atol=2e-2)
        np.testing.assert_allclose(ours[1], theirs[1].numpy(), atol=5e-3)


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


def test_a_failing_gate_leaves_what_was_there(written, backbone, heads, micrographs, monkeypatch):
    folder, _ = written
    before = {path.name: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    monkeypatch.setattr(gates, "TENSOR_LIMIT", -1.0)
    with pytest.raises(FatalError, match="tensors: largest relative difference"):
        write_bundle.write_bundle(folder, "worse", backbone, heads, InputSpec(), micrographs, {})
    assert {path.name: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before
    assert [path.name for path in folder.parent.iterdir()] == [folder.name]


@pytest.mark.parametrize(
    ("ours", "theirs", "dice"), [([1, 1, 0], [1, 0, 0], 2 / 3), ([0, 0], [0, 0], 1.0), ([1, 0], [0, 1], 0.0)]
)
def test_dice_by_hand(ours, theirs, dice):
    assert gates.mask_dice(np.array(ours, bool), np.array(theirs, bool)) == pytest.approx(dice)
