"""`nanomorph bench`: what it counts, what it says, and that it measures the real pipeline."""

import json

import numpy as np
import pytest

from nanomorph.bench.cases import limits
from nanomorph.bench.frames import frame, write_frames
from nanomorph.bench.stages import Samples
from nanomorph.bench.table import table
from nanomorph.cli.main import main
from nanomorph.readers import read_path


def bench(bundle, *words):
    common = ["--bundle", bundle, "--device", "cpu", "--images", 2, "--repeats", 1, "--batch", 1, 3, "--workers", 1]
    return main([str(word) for word in ["bench", *common, *words]])


def test_drawn_frames_are_micrographs(tmp_path):
    first, second = (read_path(path) for path in write_frames(tmp_path, 96, 2))
    assert first.pixels.shape == (96, 96)
    assert first.nm_per_px == pytest.approx((0.5, 0.5))
    assert not np.array_equal(first.pixels, second.pixels)
    assert np.array_equal(frame(96, 0), frame(96, 0))


def test_milliseconds_by_hand():
    facts = Samples(wall=[0.010, 0.020, 0.030], cpu=[0.02, 0.04, 0.06]).facts()
    assert (facts["ms"], facts["cpu_ms"], facts["n"]) == (pytest.approx(20), pytest.approx(40), 3)
    assert (facts["ms_5"], facts["ms_95"]) == (pytest.approx(11), pytest.approx(29))


def case(provider="CPU"):
    cost = {"read": (5, 10), "infer": (90, 20), "measure": (30, 70)}
    stages = {name: {"ms": ms, "ms_5": ms, "ms_95": ms, "cpu_ms": cpu} for name, (ms, cpu) in cost.items()}
    whole = {"workers": 2, "images_per_s": 10.0, "images_per_s_least": 9.0, "images_per_s_most": 11.0,
             "megapixels_per_s": 1.0, "cpu_ms": 100.0, "peak_bytes": None}  # fmt: skip
    engine = {"batch": 4, "ms": 100.0, "ms_5": 96.0, "ms_95": 108.0, "frames_per_s": 40.0, "megapixels_per_s": 6.0}
    return {
        "images": 8, "pixels": "10 x 10 px", "provider": provider, "precision": "fp32", "stages": stages,
        "engine": [engine], "whole": [whole],
    }  # fmt: skip


def test_the_limit_is_named():
    # On a CPU all stages share its cores: 70 of 100 ms go into measuring.
    assert limits(case())[0] == "What limits: measure, 70 % of the processor's work on an image."
    # Beside a GPU the stage that takes longest holds the others up.
    assert limits(case("CUDA"))[0].startswith("What limits: infer")
    assert "0.90 x the rate of its infer stage" in limits(case())[1]


def test_the_table_fits_a_terminal():
    found = {
        "machine": {"nanomorph": "0", "processor": "", "cores": 2},
        "bundle": {"name": "b", "fingerprint": "f"},
        "cases": [case() | {"limits": ["What limits: nothing."]}],
    }
    lines = table(found).splitlines()
    assert max(map(len, lines)) <= 80
    # Frames a second and times are of one frame, not of a batch.
    assert any(line.split() == ["batch", "4", "25.0", "(24", "to", "27)", "40.00", "6.00"] for line in lines)


def test_json_of_a_real_run(tiny_bundle, capsys):
    assert bench(tiny_bundle, "--size", "96", "128", "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert [one["pixels"] for one in found["cases"]] == ["96 x 96 px", "128 x 128 px"]
    (first, _) = found["cases"]
    assert list(first["stages"]) == ["read", "prepare", "infer", "measure", "write"]
    assert [engine["batch"] for engine in first["engine"]] == [1, 3]
    (whole,) = first["whole"]
    assert whole["workers"] == 1
    assert whole["images_per_s"] > 0
    assert whole["megapixels_per_s"] == pytest.approx(whole["images_per_s"] * 96 * 96 / 1e6)
    assert found["bundle"]["name"] == "tiny"


def test_micrographs_of_ones_own(tiny_bundle, tmp_path, capsys):
    write_frames(tmp_path / "mine", 96, 3)
    (tmp_path / "mine" / "notes.tif").write_text("no micrograph")
    assert bench(tiny_bundle, "--inputs", tmp_path / "mine") == 0
    captured = capsys.readouterr()
    assert "== 2 images, 96 x 96 px, CPU fp32" in captured.out
    assert "What limits: " in captured.out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--inputs", "nowhere"], "nowhere"),
        (["--size", "8"], "--size 8: too small"),
        (["--workers", "0"], "--workers 0: too small"),
        (["--repeats", "0"], "give 1 or more"),
        (["--inputs", "a", "--size", "64"], "leave it out"),
    ],
)
def test_what_cannot_be_timed(words, said, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["bench", *words]) == 2
    assert said in capsys.readouterr().err


def test_a_folder_without_micrographs(tiny_bundle, tmp_path, capsys):
    (tmp_path / "a.tif").write_text("no micrograph")
    assert bench(tiny_bundle, "--inputs", tmp_path) == 2
    assert "no file there is a micrograph" in capsys.readouterr().err
