"""A head's graph computes what the fitted head computes, in numbers worked out by hand."""

import numpy as np
import onnxruntime
import pytest

from nanomorph_export.head_graph import export_head
from nanomorph_training.heads.head import Head


def head(**changes):
    parts = {
        "task": "shape",
        "level": "domain",
        "labels": ("disc", "rod"),
        "uses_embedding": False,
        "descriptors": ("aspect_ratio", "solidity"),
        "mean": np.array([2.0, 0.5]),
        "scale": np.array([0.5, 0.25]),
        "weights": np.array([[-1.0, 0.0], [1.0, 0.0]]),
        "intercept": np.array([0.0, 0.5]),
        "temperature": 2.0,
        "uncertain_below": 0.5,
        "centroids": np.array([[0.0, 0.0], [3.0, 4.0]]),
        "radius": 10.0,
        "clip": 5.0,
    }
    return Head(**(parts | changes))


def run(head_, features, tmp_path):
    export_head(head_, tmp_path / "head.onnx")
    session = onnxruntime.InferenceSession(str(tmp_path / "head.onnx"), providers=["CPUExecutionProvider"])
    return session.run(["probabilities", "novelty"], {"features": np.array(features, np.float32)})


def test_by_hand(tmp_path):
    # z = ((3 - 2) / .5, (.5 - .5) / .25) = (2, 0); logits (-2, 2.5) / 2; distance to (0, 0) is 2, over radius 10.
    probabilities, novelty = run(head(), [[3.0, 0.5]], tmp_path)
    assert probabilities[0, 1] == pytest.approx(1 / (1 + np.exp(-2.25)), rel=1e-6)
    assert novelty[0] == pytest.approx(0.2, rel=1e-6)


def test_what_was_not_measured_counts_as_the_mean(tmp_path):
    missing, at_mean = run(head(), [[np.nan, 0.5], [2.0, 0.5]], tmp_path)[0]
    np.testing.assert_array_equal(missing, at_mean)


def test_an_absurd_value_is_cut(tmp_path):
    # z would be 1e6; cut to 5: logits (-5, 5.5) / 2.
    probabilities, _ = run(head(), [[5e5, 0.5]], tmp_path)
    assert probabilities[0, 1] == pytest.approx(1 / (1 + np.exp(-5.25)), rel=1e-6)


def test_equals_the_fitted_head_on_random_features(tmp_path):
    rng = np.random.default_rng(0)
    random = head(weights=rng.normal(size=(2, 2)), centroids=rng.normal(size=(2, 2)))
    features = rng.normal(2, 3, size=(100, 2))
    features[::7, 0] = np.nan
    for ours, theirs in zip(run(random, features, tmp_path), random(features), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-6)


def test_bytes_are_the_same_each_time(tmp_path):
    export_head(head(), tmp_path / "a.onnx")
    export_head(head(), tmp_path / "b.onnx")
    assert (tmp_path / "a.onnx").read_bytes() == (tmp_path / "b.onnx").read_bytes()
