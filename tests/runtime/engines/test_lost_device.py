"""A device that fails while micrographs are in work: one sentence, exit code 3, and nothing that was done is lost."""

import csv

import cv2
import numpy as np
import onnxruntime
import pytest

from nanomorph.cli.main import main
from nanomorph.engines.onnx_runtime import OnnxRuntimeEngine

FRAMES, FAILING = 6, 4


@pytest.fixture
def command(tiny_bundle, tmp_path):
    (tmp_path / "in").mkdir()
    for n in range(FRAMES):
        frame = np.full((64, 96), 200, np.uint8)
        frame[20:40, 10 * n : 10 * n + 30] = 20
        assert cv2.imwrite(str(tmp_path / "in" / f"{n}.png"), frame)
    words = ["batch", str(tmp_path / "in"), "--out", str(tmp_path / "out"), "--bundle", str(tiny_bundle)]
    return [*words, "--workers", "1", "--detail", "whole", "--no-overlays"]


def labelled(folder):
    with open(folder / "labels.csv", encoding="utf-8", newline="") as file:
        return {row["micrograph"] for row in csv.DictReader(file)}


def test_the_run_stops_and_the_same_command_goes_on(command, tmp_path, capsys, monkeypatch):
    run, calls = OnnxRuntimeEngine.run, []

    def lost(self, batch):
        calls.append(batch)
        if len(calls) == FAILING:
            failure = onnxruntime.capi.onnxruntime_pybind11_state.Fail
            raise failure("[ONNXRuntimeError] : 1 : FAIL : CUDA failure 2:\n out of memory")
        return run(self, batch)

    monkeypatch.setattr(OnnxRuntimeEngine, "run", lost)
    assert main(command) == 3
    last = capsys.readouterr().err.strip().splitlines()[-1]
    assert last.startswith(
        "nanomorph: CPU failed while it computed ([ONNXRuntimeError] : 1 : FAIL : CUDA failure 2: out"
    )
    done = labelled(tmp_path / "out")
    assert 1 <= len(done) < FRAMES
    calls.clear()
    monkeypatch.setattr(OnnxRuntimeEngine, "run", lambda self, batch: (calls.append(batch), run(self, batch))[1])
    assert main(command) == 0
    assert len(labelled(tmp_path / "out")) == FRAMES
    assert len(calls) == FRAMES - len(done)
