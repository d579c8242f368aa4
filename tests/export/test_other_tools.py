"""The exported files in ten lines of other tools, importing nothing of ours."""

import subprocess
import sys
from importlib.util import find_spec

import numpy as np
import pytest

import nanomorph
from nanomorph.model import Model

ONNX_RUNTIME = """
import numpy as np, onnxruntime, sys
backbone = onnxruntime.InferenceSession(f"{sys.argv[1]}/" + sys.argv[2], providers=["CPUExecutionProvider"])
image = np.load(sys.argv[3])                                   # uint8 (N, 1, H, W), sides multiples of 32
embedding, foreground, interior = backbone.run(["embedding", "foreground", "interior"], {"image": image})
head = onnxruntime.InferenceSession(f"{sys.argv[1]}/" + sys.argv[4], providers=["CPUExecutionProvider"])
descriptors = np.full((len(image), head.get_inputs()[0].shape[1] - embedding.shape[1]), np.nan, np.float32)
probabilities, novelty = head.run(["probabilities", "novelty"], {"features": np.hstack([embedding, descriptors])})
np.savez(sys.argv[5], embedding=embedding, foreground=foreground, interior=interior, probabilities=probabilities)
"""

OPENVINO = """
import numpy as np, openvino, sys
core = openvino.Core()
backbone = core.compile_model(f"{sys.argv[1]}/" + sys.argv[2], "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
outputs = backbone({"image": np.load(sys.argv[3])})            # uint8 (N, 1, H, W), sides multiples of 32
embedding, foreground, interior = (outputs[name] for name in ("embedding", "foreground", "interior"))
head = core.compile_model(f"{sys.argv[1]}/" + sys.argv[4], "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
descriptors = np.full((len(embedding), head.inputs[0].partial_shape[1].get_length() - 512), np.nan, np.float32)
probabilities = head({"features": np.hstack([embedding, descriptors])})["probabilities"]
np.savez(sys.argv[5], embedding=embedding, foreground=foreground, interior=interior, probabilities=probabilities)
"""


@pytest.fixture(scope="module")
def model():
    return Model(nanomorph.load_bundle(), device="cpu", precision="fp32")


@pytest.mark.parametrize(("tool", "script"), [("onnxruntime", ONNX_RUNTIME), ("openvino", OPENVINO)])
def test_ten_lines_give_what_ours_gives(model, tool, script, tmp_path):
    if find_spec(tool) is None:
        pytest.skip(f"{tool} is not installed")
    lines = script.strip().splitlines()
    assert len(lines) <= 10
    assert "nanomorph" not in script
    images = np.random.default_rng(0).integers(0, 256, (2, 1, 96, 64), dtype=np.uint8)
    np.save(tmp_path / "image.npy", images)
    bundle = model.bundle
    spec = bundle.heads[0]
    arguments = [bundle.path, bundle.manifest["backbone"]["fp32"], tmp_path / "image.npy", spec.file, tmp_path / "out"]
    done = subprocess.run(
        [sys.executable, "-c", script, *map(str, arguments)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    theirs = np.load(tmp_path / "out.npz")
    ours = model.engine.run(images)
    for name, values in ours.items():
        np.testing.assert_allclose(theirs[name], values, rtol=1e-3, atol=1e-4)
    missing = np.full((2, len(spec.descriptors)), np.nan, np.float32)
    probabilities, _ = model.judge.heads[0](np.hstack([ours["embedding"], missing]))
    np.testing.assert_allclose(theirs["probabilities"], probabilities, atol=1e-3)
