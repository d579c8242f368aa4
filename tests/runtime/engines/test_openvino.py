"""OpenVINO behind the runtime's interface: onnxruntime's numbers, and the same bits whatever runs beside."""

import csv
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import cv2
import numpy as np
import pytest

from nanomorph.bundle import load_bundle
from nanomorph.cli.main import main
from nanomorph.engines.opening import open_engine
from nanomorph.engines.openvino import OpenVinoEngine, settings
from nanomorph.errors import ConfigurationError, FatalError
from nanomorph.inference.gates import EXACT_LIMIT, largest_difference

openvino = pytest.importorskip("openvino", reason="needs the extra `openvino`")


@pytest.fixture(scope="module")
def network():
    """The embedded bundle: the tiny one has no convolution."""
    return load_bundle()


@pytest.fixture
def tiny(tiny_bundle, tmp_path):
    """The tiny bundle with one proof micrograph, and its graph once more under the name of int8."""
    bundle, proof = load_bundle(tiny_bundle), np.full((96, 128), 220, np.uint8)
    proof[30:60, 20:100] = 20
    assert cv2.imwrite(str(tmp_path / "proof.png"), proof)
    graphs = {"fp32": "backbone.onnx", "int8": "backbone.onnx"}
    return changed(bundle, backbone=graphs, proof=[str(tmp_path / "proof.png")])


def changed(bundle, **entries):
    """With other entries in its manifest."""
    return replace(bundle, manifest=bundle.manifest | entries)


def frames(n, height=64, width=96):
    return np.random.default_rng(0).integers(0, 256, (n, 1, height, width), dtype=np.uint8)


def assert_same_bits(ours, theirs):
    assert ours.keys() == theirs.keys()
    for name in ours:
        assert ours[name].dtype == np.float32
        np.testing.assert_array_equal(ours[name], theirs[name])


def test_numbers_are_those_of_onnxruntime(network):
    engine = open_engine(network, "openvino")
    assert (engine.provider, engine.precision, engine.dim) == ("OpenVINO", "fp32", 512)
    assert largest_difference(engine.run(frames(2)), open_engine(network, "cpu").run(frames(2))) < EXACT_LIMIT


def test_it_computes_in_fp32_on_any_processor(network):
    engine = OpenVinoEngine(network.backbones["fp32"], "fp32")
    assert engine._compiled.get_property("INFERENCE_PRECISION_HINT") == openvino.Type.f32


def test_neither_batches_nor_threads_nor_neighbours_change_a_bit(network):
    file, batch = network.backbones["fp32"], frames(4)
    engine = OpenVinoEngine(file, "fp32", 1)
    alone = [engine.run(frame[None]) for frame in batch]
    whole = {name: np.concatenate([one[name] for one in alone]) for name in alone[0]}
    engine.run(frames(1, 32, 32))  # another shape in between
    for other in (engine, *(OpenVinoEngine(file, "fp32", threads) for threads in (0, 3))):
        assert_same_bits(other.run(batch), whole)
    with ThreadPoolExecutor(4) as threads:
        for n, outputs in enumerate(threads.map(engine.run, [frame[None] for frame in batch] * 3)):
            assert_same_bits(outputs, alone[n % 4])


def test_streams_share_the_cores(monkeypatch):
    monkeypatch.setattr("nanomorph.engines.openvino.cores", lambda: 8)
    shared = {threads: settings(threads) for threads in (0, 1, 3, 4, 16)}
    streams = {threads: (one["NUM_STREAMS"], one["INFERENCE_NUM_THREADS"]) for threads, one in shared.items()}
    assert streams == {0: (1, 8), 1: (8, 8), 3: (2, 6), 4: (2, 8), 16: (1, 16)}


def test_two_graphs(tiny):
    """Here both are the same graph: the embedding is that of the second."""
    engine = open_engine(changed(tiny, embedder="backbone.onnx"), "openvino", "fp32")
    # 51 / 255 = 0.2
    outputs = engine.run(np.full((1, 1, 32, 64), 51, np.uint8))
    np.testing.assert_allclose(outputs["embedding"], [[0.2, 0.8]], atol=1e-6)
    assert outputs["foreground"].shape == (1, 1, 32, 64)


def test_an_engine_that_computes_something_else_is_refused(tiny, monkeypatch):
    right = OpenVinoEngine.run
    monkeypatch.setattr(OpenVinoEngine, "run", lambda *of: {n: 1.001 * v for n, v in right(*of).items()})
    with pytest.raises(FatalError, match=r"largest relative difference: 0.001 \(limit 0.0001, FAILED\); use"):
        open_engine(tiny, "openvino", "fp32")
    open_engine(tiny, "openvino", "int8")  # a thousandth moves no label and no mask
    monkeypatch.setattr(OpenVinoEngine, "run", lambda *of: {n: 1 - v for n, v in right(*of).items()})
    with pytest.raises(FatalError, match=r"OpenVINO \(int8\).*mask Dice, mean: .* FAILED"):
        open_engine(tiny, "openvino", "int8")


def test_a_processor_that_openvino_does_not_know(tiny, monkeypatch):
    def run(*_):
        raise RuntimeError("Exception from node.cpp:823:\n[CPU] bad combination\n\n")

    monkeypatch.setattr(OpenVinoEngine, "run", run)
    with pytest.raises(FatalError, match=r"does not run on this processor \(\[CPU\] bad combination\); use"):
        open_engine(tiny, "openvino", "fp32")


def test_int8_needs_micrographs_to_prove_itself_on(tiny):
    assert open_engine(tiny, "openvino", "int8").precision == "int8"
    with pytest.raises(ConfigurationError, match="tiny holds no proof micrographs"):
        open_engine(changed(tiny, proof=[]), "openvino", "int8")


def test_a_graph_that_does_not_open(tmp_path):
    (tmp_path / "graph.onnx").write_bytes(b"no graph")
    with pytest.raises(ConfigurationError, match=r"graph.onnx does not open in OpenVINO \d"):
        OpenVinoEngine(tmp_path / "graph.onnx", "fp32")


def test_every_row_says_openvino(tiny_bundle, tmp_path):
    assert cv2.imwrite(str(tmp_path / "frame.png"), frames(1, 200, 300)[0, 0])
    words = ["batch", str(tmp_path / "frame.png"), "--out", str(tmp_path / "out"), "--bundle", str(tiny_bundle)]
    assert main([*words, "--device", "openvino"]) == 0
    rows = csv.DictReader((tmp_path / "out" / "labels.csv").read_text(encoding="utf-8").splitlines())
    assert {(row["provider"], row["precision"]) for row in rows} == {("OpenVINO", "fp32")}


def test_auto_never_takes_int8(tiny):
    """Two machines must not label alike micrographs differently because one bundle has a file more."""
    assert open_engine(tiny, "openvino").precision == "fp32"
    assert open_engine(tiny, "cpu").precision == "fp32"


def test_int8_is_held_to_the_limit_of_its_export(tiny, monkeypatch):
    """One label of two turns: too many for any precision, and no more than this export allowed."""
    agreeing = {"name": "label agreement", "value": 0.9, "limit": 0.4, "passed": True, "n": 10}
    monkeypatch.setattr("nanomorph.inference.gates.label_agreement", lambda _: (0.5, 2))
    with pytest.raises(FatalError, match=r"label agreement: 0.5 \(limit 0.995, FAILED\)"):
        open_engine(tiny, "openvino", "int8")
    open_engine(changed(tiny, precisions={"int8": {"written": True, "gates": [agreeing]}}), "openvino", "int8")


def test_masks_of_int8_are_held_to_those_of_the_same_file_in_onnxruntime(tiny, monkeypatch):
    """On these few micrographs the file itself has a Dice of .97: .969 is as good, .95 is not."""
    dice = iter(
        [0.969] * len(tiny.proof) + [0.97] * len(tiny.proof) + [0.95] * len(tiny.proof) + [0.97] * len(tiny.proof)
    )
    monkeypatch.setattr("nanomorph.inference.gates.mask_dice", lambda *_: next(dice))
    open_engine(tiny, "openvino", "int8")
    with pytest.raises(FatalError, match=r"mask Dice, mean: 0.95 \(limit 0.968, FAILED\)"):
        open_engine(tiny, "openvino", "int8")
