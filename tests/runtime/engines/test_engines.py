"""Engines: the device and precision asked for, or one sentence that says why not."""

import subprocess
import sys

import numpy as np
import pytest

from nanomorph.bundle import load_bundle
from nanomorph.engines.opening import open_engine
from nanomorph.errors import ConfigurationError
from nanomorph.session import cuda_is_built_in


@pytest.fixture
def bundle(tiny_bundle):
    return load_bundle(tiny_bundle)


def test_runs_batches_of_any_size(bundle):
    engine = open_engine(bundle, "cpu")
    batch = np.stack([np.full((1, 32, 64), gray, np.uint8) for gray in (0, 255, 51)])
    outputs = engine.run(batch)
    assert engine.provider == "CPU"
    assert engine.precision == "fp32"
    # 51 / 255 = 0.2
    np.testing.assert_allclose(outputs["embedding"], [[0, 1], [1, 0], [0.2, 0.8]], atol=1e-6)
    assert outputs["foreground"].shape == (3, 1, 32, 64)
    assert outputs["foreground"][0].min() > 0.99
    assert outputs["foreground"][1].max() < 0.01


def test_a_precision_that_is_not_in_the_bundle(bundle):
    with pytest.raises(ConfigurationError, match="tiny has no int8 backbone; it has: fp32"):
        open_engine(bundle, "cpu", "int8")


def test_asking_for_openvino_where_it_is_not_installed_is_an_error(bundle, monkeypatch):
    monkeypatch.setitem(sys.modules, "openvino", None)
    with pytest.raises(ConfigurationError, match=r'pip install "nanomorph\[cpu,openvino\]", or use --device cpu'):
        open_engine(bundle, "openvino")


@pytest.mark.skipif(cuda_is_built_in(), reason="this onnxruntime has CUDA")
def test_asking_for_a_gpu_that_is_not_there_is_an_error(bundle):
    with pytest.raises(ConfigurationError, match="no CUDA"):
        open_engine(bundle, "cuda")


@pytest.mark.skipif(cuda_is_built_in(), reason="this onnxruntime has CUDA")
def test_auto_falls_back_to_the_cpu(bundle):
    assert open_engine(bundle, "auto").provider == "CPU"


def test_onnxruntime_reports_nothing_to_its_maker():
    code = (
        "import onnxruntime\n"
        "calls = []\n"
        "onnxruntime.disable_telemetry_events = lambda: calls.append(1)\n"
        "import nanomorph.model, nanomorph.inference.judge, nanomorph.engines.cuda\n"
        "assert calls == [1], calls\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
