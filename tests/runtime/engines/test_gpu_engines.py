"""CUDA and TensorRT engines on a stand-in for the GPU: what is copied when, what is rebuilt, what is refused."""

import hashlib
import importlib.util
import json
import logging
import re
import shutil
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import onnx
import onnxruntime
import pytest

from nanomorph.bundle import BundleError, load_bundle
from nanomorph.cli.main import main
from nanomorph.engines.cuda import SHAPES, CudaEngine, settings
from nanomorph.engines.onnx_runtime import OnnxRuntimeEngine
from nanomorph.engines.opening import open_engine
from nanomorph.engines.tensorrt.build import Profile, profile_of
from nanomorph.engines.tensorrt.store import open_proven
from nanomorph.errors import ConfigurationError, FatalError

spec = importlib.util.spec_from_file_location("gpu_stand_in", Path(__file__).with_name("gpu_stand_in.py"))
stand_in = importlib.util.module_from_spec(spec)
spec.loader.exec_module(stand_in)


@pytest.fixture
def bundle(tiny_bundle, tmp_path):
    """The tiny bundle with one proof micrograph."""
    folder = shutil.copytree(tiny_bundle, tmp_path / "bundle")
    frame = np.full((96, 128), 220, np.uint8)
    frame[30:60, 20:100] = 20
    assert cv2.imwrite(str(folder / "proof.png"), frame)
    manifest = json.loads((folder / "bundle.json").read_text())
    manifest["files"]["proof.png"] = hashlib.sha256((folder / "proof.png").read_bytes()).hexdigest()
    (folder / "bundle.json").write_text(json.dumps(manifest | {"proof": ["proof.png"]}))
    return load_bundle(folder)


@pytest.fixture
def trt(monkeypatch):
    module = stand_in.tensorrt()
    monkeypatch.setitem(sys.modules, "tensorrt", module)
    return module


def frames(n, height=32, width=64, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (n, 1, height, width), dtype=np.uint8)


def assert_equal_outputs(ours, theirs):
    assert ours.keys() == theirs.keys()
    for name in ours:
        np.testing.assert_allclose(ours[name], theirs[name], atol=1e-6)


# --- CUDA through onnxruntime -----------------------------------------------------------------------


def test_cuda_copies_through_pinned_buffers_once_a_shape(bundle):
    memory = stand_in.HostMemory()
    engine = CudaEngine(bundle.backbones["fp32"], "fp32", memory=memory, device="cpu")
    cpu = OnnxRuntimeEngine(bundle.backbones["fp32"], "fp32")
    for seed in range(3):
        assert_equal_outputs(engine.run(frames(2, seed=seed)), cpu.run(frames(2, seed=seed)))
    assert len(memory.pinned_arrays) == 3  # image, embedding, foreground: made for the shape, used three times
    first = engine.run(frames(2, seed=1))
    engine.run(frames(2, seed=2))
    assert_equal_outputs(first, cpu.run(frames(2, seed=1)))  # results are not overwritten by the next batch


def test_cuda_takes_batches_from_many_threads(bundle):
    """Its buffers serve one batch at a time: without its lock, results of one thread would be another's."""
    engine = CudaEngine(bundle.backbones["fp32"], "fp32", memory=stand_in.HostMemory(), device="cpu")
    cpu = OnnxRuntimeEngine(bundle.backbones["fp32"], "fp32")
    batches = [frames(1 + seed % 2, seed=seed) for seed in range(40)]
    with ThreadPoolExecutor(4) as threads:
        for outputs, batch in zip(threads.map(engine.run, batches), batches, strict=True):
            assert_equal_outputs(outputs, cpu.run(batch))


def test_batch_asks_for_cuda_graphs_where_the_user_does(bundle, monkeypatch, tmp_path):
    asked = []

    def open_engine(bundle, device, *others):
        asked.append((device, others[-1]))
        return OnnxRuntimeEngine(bundle.backbones["fp32"], "fp32")

    monkeypatch.setattr("nanomorph.model.open_engine", open_engine)
    (tmp_path / "in").mkdir()
    words = ["batch", str(tmp_path / "in"), "--out", str(tmp_path / "out"), "--bundle", str(bundle.path)]
    assert main([*words, "--device", "cuda", "--cuda-graphs"]) == 0
    assert main([*words, "--device", "cuda"]) == 0
    assert asked == [("cuda", True), ("cuda", False)]


def test_cuda_keeps_buffers_of_few_shapes(bundle):
    memory = stand_in.HostMemory()
    engine = CudaEngine(bundle.backbones["fp32"], "fp32", memory=memory, device="cpu")
    for n in range(1, SHAPES + 4):
        assert engine.run(frames(n))["embedding"].shape == (n, 2)
    assert len(memory.pinned_arrays) == 3 * SHAPES


def test_cuda_graphs_have_one_number_a_shape(bundle, monkeypatch):
    """The CPU provider knows no such option, so the session is opened without it."""
    asked = []
    original = __import__("nanomorph.engines.cuda", fromlist=["open_session"]).open_session

    def open_session(model, device, options):
        asked.append(dict(options))
        return original(model, device)

    monkeypatch.setattr("nanomorph.engines.cuda.open_session", open_session)
    engine = CudaEngine(bundle.backbones["fp32"], "fp32", True, stand_in.HostMemory(), "cpu")
    for n in (1, 2, 1):
        engine.run(frames(n))
    numbers = [bound.options.get_run_config_entry("gpu_graph_id") for bound in engine._bound.values()]
    assert asked == [{"use_tf32": "0", "enable_cuda_graph": "1"}]
    assert sorted(numbers) == ["1", "2"]


def test_a_captured_graph_keeps_its_number_and_its_buffers(bundle, monkeypatch):
    """onnxruntime replays a graph on the addresses it was captured with: freed, they would be another's."""
    original = __import__("nanomorph.engines.cuda", fromlist=["open_session"]).open_session
    monkeypatch.setattr("nanomorph.engines.cuda.open_session", lambda model, device, **_: original(model, device))
    engine = CudaEngine(bundle.backbones["fp32"], "fp32", True, stand_in.HostMemory(), "cpu")
    engine.run(frames(1))
    first = engine._bound[frames(1).shape]
    for n in range(2, 2 * SHAPES + 4):
        engine.run(frames(n))
    engine.run(frames(1))
    assert engine._bound[frames(1).shape] is first
    numbers = [bound.options.get_run_config_entry("gpu_graph_id") for bound in engine._bound.values()]
    assert sorted(numbers, key=int) == ["-1"] * SHAPES + [str(n + 1) for n in range(SHAPES)]


def test_an_engine_that_is_closed_holds_nothing(bundle, trt):
    memory = stand_in.HostMemory()
    cuda = CudaEngine(bundle.backbones["fp32"], "fp32", memory=memory, device="cpu")
    tensorrt = open_proven(bundle, "fp32", memory=memory)
    for engine in (cuda, tensorrt):
        for n in (1, 2):
            engine.run(frames(n))
    assert memory.graphs >= 2
    for engine in (cuda, tensorrt):
        engine.close()
    assert (memory.pinned_arrays, memory.held, memory.graphs) == ([], {}, 0)
    assert trt.calls


def test_fp32_is_fp32_also_where_tensor_cores_would_round_it():
    assert settings("fp32", graphs=False) == {"use_tf32": "0"}
    assert settings("fp16", graphs=True) == {"enable_cuda_graph": "1"}


def test_the_wheels_of_nvidia_are_loaded_and_what_is_said_of_them_is_no_output(bundle, monkeypatch, capsys, caplog):
    asked = []

    def preload_dlls(**where):
        asked.append(where)
        print("Failed to load libcudnn.so.9")

    monkeypatch.setattr(onnxruntime, "preload_dlls", preload_dlls, raising=False)
    with caplog.at_level(logging.DEBUG):
        CudaEngine(bundle.backbones["fp32"], "fp32", memory=stand_in.HostMemory(), device="cpu")
    assert asked == [{"directory": ""}]
    assert capsys.readouterr().out == ""
    assert "Failed to load libcudnn.so.9" in caplog.text


class OnStandIn(CudaEngine):
    """As CudaEngine, on the stand-in. `answer` is what becomes of its outputs."""

    answer = staticmethod(lambda outputs: outputs)

    def __init__(self, model, precision, graphs=False):
        super().__init__(model, precision, graphs, stand_in.HostMemory(), "cpu")

    def run(self, batch):
        return self.answer(super().run(batch))


@pytest.fixture
def cuda(monkeypatch):
    """A machine with CUDA, as far as anybody can tell before something is computed."""
    monkeypatch.setattr("nanomorph.engines.cuda.CudaEngine", OnStandIn)
    monkeypatch.setattr("nanomorph.engines.opening._cuda_is_built_in", lambda: True)
    monkeypatch.setattr("nanomorph.session.cuda_is_built_in", lambda: True)
    return lambda answer: monkeypatch.setattr(OnStandIn, "answer", staticmethod(answer))


def no_kernel(_outputs):
    raise RuntimeError("[ONNXRuntimeError] : 1 : FAIL : CUDNN failure 5000: no kernel image for this device")


def black(outputs):
    return {name: 0 * values for name, values in outputs.items()}


def test_cuda_that_computes_is_taken(bundle, cuda):
    assert open_engine(bundle, "auto").provider == "CUDA"
    cuda(lambda outputs: {name: values + 1e-5 for name, values in outputs.items()})  # another order of sums
    assert open_engine(bundle, "cuda").provider == "CUDA"


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (no_kernel, "CUDA does not run on this GPU (.*no kernel image for this device); use --device cpu"),
        (black, "CUDA (fp32) does not compute what the bundle's fp32 graph computes: .*FAILED.; use --device cpu"),
    ],
)
def test_cuda_that_opens_and_cannot_compute_falls_back_loudly(bundle, cuda, caplog, answer, why):
    cuda(answer)
    with caplog.at_level(logging.WARNING):
        assert open_engine(bundle, "auto").provider == "CPU"
    sentence = why.replace("(", r"\(").replace(")", r"\)")
    assert re.search(f"CUDA is installed and does not work, the CPU computes instead: {sentence}", caplog.text)
    with pytest.raises(FatalError, match=sentence):
        open_engine(bundle, "cuda")


def test_fp16_passes_the_gates_again_where_it_opens(bundle, cuda):
    both = bundle.manifest["backbone"] | {"fp16": "backbone.onnx"}
    halved = replace(bundle, manifest=bundle.manifest | {"backbone": both})
    assert open_engine(halved, "cuda").precision == "fp16"
    cuda(lambda outputs: outputs | {"foreground": 1 - outputs["foreground"]})
    with pytest.raises(FatalError, match=r"CUDA \(fp16\) does not compute .*mask Dice, mean: .* FAILED"):
        open_engine(halved, "cuda")


def test_auto_falls_back_loudly_where_cuda_is_installed_and_broken(bundle, monkeypatch, caplog):
    providers = ["CUDAExecutionProvider", "CPUExecutionProvider"]
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: providers)
    with caplog.at_level(logging.WARNING):
        engine = open_engine(bundle, "auto")
    assert engine.provider == "CPU"
    assert "CUDA is installed and does not work, the CPU computes instead" in caplog.text
    with pytest.raises(ConfigurationError):
        open_engine(bundle, "cuda")


# --- TensorRT -----------------------------------------------------------------------------------------


def test_tensorrt_builds_proves_keeps_and_takes_again(bundle, trt, caplog):
    with caplog.at_level(logging.WARNING):
        engine = open_proven(bundle, "fp32", memory=stand_in.HostMemory())
    assert "there is no engine yet; building it for this machine" in caplog.text
    assert ("flags", 1 << 1) in trt.calls
    assert ("ws", 2048 * 1024 * 1024) in trt.calls
    # 2 x 1024 x 1024 px at a time, 512 px a side: eight frames.
    assert ("profile", ("image", (1, 1, 32, 32), (4, 1, 512, 512), (8, 1, 512, 512))) in trt.calls
    card = json.loads((bundle.path / "engines" / "fp32.json").read_text())
    assert (card["tensorrt"], card["device"]) == ("11.4.0", "Stand-in, 9.9")
    assert card["onnx_sha256"] == bundle.manifest["files"]["backbone.onnx"]
    assert [gate["passed"] for gate in card["gates"]] == [True] * 4
    assert_equal_outputs(engine.run(frames(3)), OnnxRuntimeEngine(bundle.backbones["fp32"], "fp32").run(frames(3)))

    caplog.clear()
    built = trt.calls.count(("build", len(bundle.backbones["fp32"].read_bytes())))
    open_proven(bundle, "fp32", memory=stand_in.HostMemory())
    assert trt.calls.count(("build", len(bundle.backbones["fp32"].read_bytes()))) == built
    assert not caplog.text


def test_tensorrt_runs_one_context_and_graph_a_shape_and_larger_batches_in_turns(bundle, trt):
    engine = open_proven(bundle, "fp32", memory=stand_in.HostMemory())
    contexts = trt.calls.count(("context",))
    cpu = OnnxRuntimeEngine(bundle.backbones["fp32"], "fp32")
    for seed in range(3):
        assert_equal_outputs(engine.run(frames(5, seed=seed)), cpu.run(frames(5, seed=seed)))
    assert trt.calls.count(("context",)) == contexts + 1
    assert_equal_outputs(engine.run(frames(19)), cpu.run(frames(19)))  # the profile ends at 8: 8 + 8 + 3
    assert trt.calls.count(("context",)) == contexts + 3


def flip(bundle):
    file = bundle.path / "engines" / "fp32.engine"
    data = bytearray(file.read_bytes())
    data[10] ^= 1
    file.write_bytes(bytes(data))


def break_the_card(bundle):
    (bundle.path / "engines" / "fp32.json").write_text("{")


def change_the_graph(bundle):
    graph = onnx.load(str(bundle.path / "backbone.onnx"))
    graph.producer_name = "another export"
    onnx.save(graph, str(bundle.path / "backbone.onnx"))
    changed = hashlib.sha256((bundle.path / "backbone.onnx").read_bytes()).hexdigest()
    bundle.manifest["files"]["backbone.onnx"] = changed


def update_tensorrt(_bundle):
    sys.modules["tensorrt"].__version__ = "10.16.1"


@pytest.mark.usefixtures("trt")
@pytest.mark.parametrize(
    ("change", "why"),
    [
        (update_tensorrt, "tensorrt was 11.4.0, is 10.16.1"),
        (flip, "it is not the engine that was proven"),
        (break_the_card, "its fingerprint cannot be read"),
        (change_the_graph, "onnx_sha256 was"),
    ],
)
def test_tensorrt_rebuilds_loudly_on_any_mismatch(bundle, caplog, change, why):
    open_proven(bundle, "fp32", memory=stand_in.HostMemory())
    caplog.clear()
    change(bundle)
    with caplog.at_level(logging.WARNING):
        open_proven(bundle, "fp32", memory=stand_in.HostMemory())
    assert why in caplog.text
    caplog.clear()
    open_proven(bundle, "fp32", memory=stand_in.HostMemory())
    assert not caplog.text


@pytest.mark.usefixtures("trt")
def test_a_workspace_that_was_asked_for_once_stays(bundle, caplog):
    """`build-engines --workspace 4096`, then `batch`, which asks for none; then a wish for another one."""
    open_proven(bundle, "fp32", 4096, memory=stand_in.HostMemory())
    assert json.loads((bundle.path / "engines" / "fp32.json").read_text())["workspace_mib"] == 4096
    caplog.clear()
    with caplog.at_level(logging.WARNING):
        open_proven(bundle, "fp32", memory=stand_in.HostMemory())
        assert not caplog.text
        open_proven(bundle, "fp32", 1024, memory=stand_in.HostMemory())
    assert "workspace_mib was 4096, is 1024" in caplog.text


def test_a_timing_cache_is_whole_or_the_one_before(bundle, trt, monkeypatch):
    """A disk that fills while it is written: half a cache would be believed by the next build."""
    open_proven(bundle, "fp32", memory=stand_in.HostMemory())
    cache = bundle.path / "engines" / "fp32.timing"
    before = cache.read_bytes()
    trt.__version__ = "11.5.0"
    monkeypatch.setattr(stand_in, "TIMES", b"other times")
    monkeypatch.setattr("nanomorph.atomic.os.fsync", lambda _: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        open_proven(bundle, "fp32", memory=stand_in.HostMemory())
    assert cache.read_bytes() == before


@pytest.mark.usefixtures("trt")
def test_no_engine_is_built_of_a_graph_that_is_not_the_bundles(bundle):
    (bundle.path / "backbone.onnx").write_bytes(b"the next export")
    with pytest.raises(BundleError, match="was changed while it was being opened"):
        open_proven(bundle, "fp32", memory=stand_in.HostMemory())
    assert not list(bundle.path.glob("engines/*"))


@pytest.mark.usefixtures("trt")
def test_tensorrt_rebuilds_for_another_gpu(bundle, caplog):
    open_proven(bundle, "fp32", memory=stand_in.HostMemory())
    with caplog.at_level(logging.WARNING):
        open_proven(bundle, "fp32", memory=stand_in.HostMemory("Other, 8.0"))
    assert "device was Stand-in, 9.9, is Other, 8.0" in caplog.text


def test_an_engine_that_computes_something_else_is_not_kept(bundle, monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorrt", stand_in.tensorrt(wrong_by=0.6))
    with pytest.raises(FatalError, match=r"does not compute what the bundle's fp32 graph computes: .*FAILED"):
        open_proven(bundle, "fp32", memory=stand_in.HostMemory())
    assert not list((bundle.path / "engines").glob("fp32.engine"))


def test_what_tensorrt_cannot_read_is_said_in_its_words(bundle, monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorrt", stand_in.tensorrt(refuses=True))
    with pytest.raises(FatalError, match=r"TensorRT 11\.4\.0 cannot read .*: no such operator"):
        open_proven(bundle, "fp32", memory=stand_in.HostMemory())


@pytest.mark.usefixtures("trt")
def test_a_bundle_without_proof_is_not_trusted(tiny_bundle, tmp_path):
    folder = shutil.copytree(tiny_bundle, tmp_path / "copy")
    with pytest.raises(ConfigurationError, match="holds no proof micrographs"):
        open_proven(load_bundle(folder), "fp32", memory=stand_in.HostMemory())


def test_the_profile_is_the_input_contract(bundle):
    assert profile_of(bundle.input, 2) == Profile((1, 1, 32, 32), (2, 1, 512, 512), (2, 1, 512, 512))


def test_without_tensorrt_one_sentence(bundle, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "tensorrt", None)
    assert main(["build-engines", str(bundle.path)]) == 2
    assert 'pip install "nanomorph[tensorrt]"' in capsys.readouterr().err
    with pytest.raises(ConfigurationError, match="TensorRT is not installed"):
        open_engine(bundle, "tensorrt")


@pytest.mark.usefixtures("trt")
def test_without_a_gpu_one_sentence(bundle, capsys):
    if importlib.util.find_spec("cuda") is None:
        pytest.skip("cuda-bindings is not installed")
    assert main(["build-engines", str(bundle.path)]) == 2
    assert "there is no GPU that works" in capsys.readouterr().err
