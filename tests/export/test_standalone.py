"""One file from image to class: what backbone and head say one after the other."""

import json

import numpy as np
import onnxruntime
import pytest

from nanomorph.bundle import load_bundle
from nanomorph.errors import ConfigurationError
from nanomorph.model import Model
from nanomorph_export.standalone import write_standalone
from nanomorph_export.write_bundle import Parts, write_bundle


def test_equals_backbone_and_head(backbone, make_head, micrographs, tmp_path):
    rng = np.random.default_rng(0)
    head = make_head("kind", labels=("a", "b", "c"), weights=rng.normal(size=(3, 32)), intercept=np.zeros(3),
                     centroids=rng.normal(size=(3, 32)))  # fmt: skip
    parts = Parts("test", backbone, [head], {})
    said = []
    write_standalone(tmp_path / "classifier.onnx", parts, micrographs, said.append)
    assert "kind, a, b, c" in said[-1]
    session = onnxruntime.InferenceSession(str(tmp_path / "classifier.onnx"), providers=["CPUExecutionProvider"])
    assert [value.name for value in session.get_inputs()] == ["image"]
    properties = session.get_modelmeta().custom_metadata_map
    assert json.loads(properties["labels"]) == ["a", "b", "c"]
    assert json.loads(properties["prepare"])["max_side"] == 384

    write_bundle(tmp_path / "bundle", parts, micrographs)
    model = Model(load_bundle(tmp_path / "bundle"), device="cpu")
    batch = rng.integers(0, 256, (2, 1, 64, 96), dtype=np.uint8)
    expected = model.judge.heads[0](model.engine.run(batch)["embedding"])
    for ours, theirs in zip(session.run(["probabilities", "novelty"], {"image": batch}), expected, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-5)


def test_a_head_that_needs_measuring_is_refused(backbone, heads, micrographs, tmp_path):
    for head in heads:
        with pytest.raises(ConfigurationError, match="one file cannot measure"):
            write_standalone(tmp_path / "x.onnx", Parts("test", backbone, [head], {}), micrographs, print)
    assert not list(tmp_path.iterdir())
