"""Heads fitted on another encoder than the segmenter's: a second graph, and both compute what they did."""

import copy

import numpy as np
import onnx
import pytest
import torch

from nanomorph.bundle import BundleError, load_bundle
from nanomorph.cli.main import main
from nanomorph.engines.opening import open_engine
from nanomorph.errors import ConfigurationError
from nanomorph_export.runs import other_encoder
from nanomorph_export.standalone import write_standalone
from nanomorph_export.write_bundle import EMBEDDER, Parts, write_bundle


@pytest.fixture(scope="module")
def embedder(backbone):
    """The same network, its encoder's first convolution turned upside down."""
    other = copy.deepcopy(backbone)
    with torch.no_grad():
        other.encoder.stages[0][0].weight.neg_()
    return other


@pytest.fixture(scope="module")
def parts(backbone, embedder, make_head):
    return Parts("two", backbone, [make_head()], {"encoder": "abcd"}, embedder=embedder, precisions=["fp32", "int8"])


@pytest.fixture(scope="module")
def bundle(parts, micrographs, tmp_path_factory):
    folder = tmp_path_factory.mktemp("two") / "bundle"
    tried = write_bundle(folder, parts, micrographs)
    assert tried[0].passed
    return load_bundle(folder)


def test_maps_of_one_and_embedding_of_the_other(bundle, backbone, embedder):
    assert bundle.embedder == bundle.path / EMBEDDER
    frame = np.random.default_rng(0).integers(0, 256, (2, 1, 64, 96), dtype=np.uint8)
    with torch.no_grad():
        own, foreground, _ = backbone(torch.from_numpy(frame))
        other, _, _ = embedder(torch.from_numpy(frame))
    got = open_engine(bundle, "cpu", "fp32").run(frame)
    # Weights are stored as fp16.
    np.testing.assert_allclose(got["embedding"], other.numpy(), rtol=0.01, atol=0.01 * float(other.max()))
    np.testing.assert_allclose(got["foreground"], foreground.numpy(), atol=0.01)
    assert np.abs(got["embedding"] - own.numpy()).max() > 0.1 * float(own.max())


def test_the_second_graph_is_a_part_of_what_a_bundle_is(bundle, parts, micrographs, tmp_path, capsys):
    write_bundle(tmp_path / "one", Parts("one", parts.backbone, parts.heads, {}), micrographs)
    assert load_bundle(tmp_path / "one").embedder is None
    assert load_bundle(tmp_path / "one").measures != bundle.measures
    assert main(["inspect", str(bundle.path)]) == 0
    assert "by an encoder of its own" in capsys.readouterr().out


def test_a_damaged_second_graph_is_named(parts, micrographs, tmp_path):
    write_bundle(tmp_path / "bundle", Parts("two", parts.backbone, [], {}, embedder=parts.embedder), micrographs)
    (tmp_path / "bundle" / EMBEDDER).write_bytes(b"x")
    with pytest.raises(BundleError, match=EMBEDDER):
        load_bundle(tmp_path / "bundle")


def test_tensorrt_says_what_to_do(bundle):
    with pytest.raises(ConfigurationError, match="use --device cuda, or fit the heads on the segmenter's run"):
        open_engine(bundle, "tensorrt")


def test_a_classifier_in_one_file_has_the_heads_encoder(parts, micrographs, tmp_path):
    write_standalone(tmp_path / "classifier.onnx", parts, micrographs, lambda _: None)
    stored = {tensor.name for tensor in onnx.load(str(tmp_path / "classifier.onnx")).graph.initializer}
    assert any("encoder" in name for name in stored)
    assert not any("decoder" in name for name in stored)


def test_equal_encoders_need_one_graph(backbone, embedder):
    assert other_encoder(copy.deepcopy(backbone), backbone) is None
    assert other_encoder(embedder, backbone) is embedder
