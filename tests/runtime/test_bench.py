"""`nanomorph bench`: what it counts, what it says, and that it measures the real pipeline."""

import json

import numpy as np
import pytest

from nanomorph.bench.frames import frame, write_frames
from nanomorph.bench.limit import limits
from nanomorph.bench.samples import Samples, percentiles
from nanomorph.bench.table import table
from nanomorph.bench.whole import WholeJob, whole_facts
from nanomorph.cli.main import main
from nanomorph.machine import peak_memory
from nanomorph.readers import read_path


def bench(bundle, *words):
    common = ["--bundle", bundle, "--device", "cpu", "--images", 2, "--repeats", 1, "--workers", 1]
    return main([str(word) for word in ["bench", *common, *words]])


def test_drawn_frames_are_micrographs(tmp_path):
    first, second = (read_path(path) for path in write_frames(tmp_path, 200, 2))
    assert (first.pixels.shape, first.pixels.dtype) == ((200, 200), np.uint16)
    assert first.nm_per_px == pytest.approx((5.0, 5.0))  # a field of 1000 nm
    assert not np.array_equal(first.pixels, second.pixels)
    assert np.array_equal(frame(200, 1), second.pixels)
    # Dark material on a bright film, some of both.
    assert 0.01 < (second.pixels < 23000).mean() < 0.8


def test_milliseconds_by_hand():
    facts = Samples(wall=[0.010, 0.020, 0.030], cpu=[0.02, 0.04, 0.09]).facts()
    assert (facts["ms"], facts["cpu_ms"], facts["n"]) == (pytest.approx(20), pytest.approx(50), 3)
    assert (facts["ms_5"], facts["ms_95"]) == (pytest.approx(11), pytest.approx(29))
    assert percentiles([0.1] * 5)["ms_99"] == pytest.approx(100)


def test_rates_by_hand():
    """10 images in 5, 4 and 2 s: 2, 2.5 and 5 a second; 8 s of the processor in 4 s are two cores."""
    runs = [WholeJob(10, seconds, 8.0, 0.5, (seconds / 10,) * 10) for seconds in (5.0, 4.0, 2.0)]
    facts = whole_facts(runs, megapixels=4.0)
    assert (facts["images_per_s"], facts["images_per_s_least"], facts["images_per_s_most"]) == (2.5, 2.0, 5.0)
    assert (facts["megapixels_per_s"], facts["cpu_ms"], facts["cores_busy"]) == (10.0, 800.0, 2.0)
    assert facts["between_images"]["n"] == 30


def case(provider="CPU", cores_busy=1.9):
    cost = {"read": (5, 5), "prepare": (5, 5), "infer": (90, 20), "measure": (30, 60), "write": (20, 10)}
    spread = {"ms_5": 1.0, "ms_95": 12345.0, "ms_99": 23456.0}
    stages = {name: {"ms": ms, "cpu_ms": cpu, **spread} for name, (ms, cpu) in cost.items()}
    whole = {"batch": None, "images_per_s": 10.0, "images_per_s_least": 9.0, "images_per_s_most": 1111.0,
             "megapixels_per_s": 1111.0, "cpu_ms": 120.0, "cores_busy": cores_busy, "n": 3}  # fmt: skip
    alone = {"batch": 4, "ms": 100.0, "cpu_ms": 25.0, **spread, "frames_per_s": 40.0, "megapixels_per_s": 6.0}
    return {
        "images": 8, "pixels": "4096 x 4096 px", "provider": provider, "precision": "fp32", "stages": stages,
        "one_image": {"ms": 150.0, **spread}, "bare": {"views": 1.0, "ms": 90.0, "cpu_ms": 80.0, "n": 8},
        "whole": [whole], "model_alone": [alone], "workers": 2, "cores": 2, "model_sees": [384, 384],
        "peak_bytes": 2**30, "device_bytes": None if provider == "CPU" else 2**31,
    }  # fmt: skip


def test_the_limit_is_named():
    # On a CPU all stages share its cores: 60 of 100 ms go into measuring.
    first, second = limits(case())
    assert first == "What limits: measure, 60 % of the processor's work on an image (all cores are busy)."
    assert second == "An image costs 1.50 x the processor time of the model alone on the same frames."
    # Cores that wait: infer takes 90 ms with 20 of the processor's.
    said = "What limits: waiting for disks or for other programs (1.2 of 2 cores busy), most of it in infer."
    assert limits(case(cores_busy=1.2))[0] == said


def test_beside_a_gpu_the_slower_of_the_two_limits():
    # The model takes 90 ms on its device; reading, preparing, measuring, writing 80 ms on two cores.
    first, second = limits(case("CUDA"))
    assert first == "What limits: infer (CUDA 90.0 ms an image, the cores 40.0 ms)."
    assert second == "The whole job runs at 0.90 x the rate of the model alone on the same frames."
    quick = case("CUDA")
    quick["bare"]["ms"] = 9.0
    assert limits(quick)[0] == "What limits: measure (CUDA 9.0 ms an image, the cores 40.0 ms)."


@pytest.mark.parametrize("provider", ["CPU", "TensorRT"])
def test_the_table_fits_a_terminal(provider):
    found = {
        "machine": {"nanomorph": "0.1.0", "processor": "AMD", "cores": 2},
        "bundle": {"name": "b", "fingerprint": "f"},
        "cases": [case(provider) | {"limits": ["What limits: nothing."]}],
    }
    lines = table(found).splitlines()
    assert max(map(len, lines)) <= 80
    assert any(line.split()[-3:] == ["100.0", "12345.0", "23456.0"] or "batches of 4" in line for line in lines)
    assert ("on the device: 2048 MiB" in table(found)) == (provider == "TensorRT")


def test_peak_memory_only_grows():
    before = peak_memory()
    block = np.ones(2**25, np.uint8)
    assert peak_memory() >= before
    assert peak_memory() > block.nbytes


def test_a_real_run_over_sizes_and_batches(tiny_bundle, tmp_path, capsys):
    file = tmp_path / "bench.json"
    assert bench(tiny_bundle, "--size", "96,128", "--batch", "1,2", "--json", file) == 0
    shown = capsys.readouterr().out
    found = json.loads(file.read_text(encoding="utf-8"))
    assert max(map(len, shown.splitlines())) <= 80
    assert [one["pixels"] for one in found["cases"]] == ["96 x 96 px", "128 x 128 px"]
    assert found["bundle"]["name"] == "tiny"
    assert found["machine"]["packages"]["numpy"] == np.__version__
    for one, side in zip(found["cases"], (96, 128), strict=True):
        assert list(one["stages"]) == ["read", "prepare", "infer", "measure", "write"]
        assert [alone["batch"] for alone in one["model_alone"]] == [1, 2]
        assert [whole["batch"] for whole in one["whole"]] == [1, 2]
        assert one["whole"][0]["megapixels_per_s"] == pytest.approx(one["whole"][0]["images_per_s"] * side**2 / 1e6)
        assert (one["bare"]["views"], one["stages"]["read"]["n"], one["workers"]) == (1.0, 2, 1)
        assert one["peak_bytes"] > 10 * 2**20
        assert all(sentence in " ".join(shown.split()) for sentence in one["limits"])


def test_openvino_shares_the_cores_with_the_other_stages(tiny_bundle, tmp_path, capsys):
    pytest.importorskip("openvino", reason="needs the extra `openvino`")
    file = tmp_path / "bench.json"
    assert bench(tiny_bundle, "--size", "96", "--device", "cpu,openvino", "--json", file) == 0
    assert "96 x 96 px, OpenVINO fp32, one at a time" in capsys.readouterr().out
    found = json.loads(file.read_text(encoding="utf-8"))["cases"]
    assert [one["provider"] for one in found] == ["CPU", "OpenVINO"]
    assert [one["device_bytes"] for one in found] == [None, None]
    assert all("the processor time of the model alone" in one["limits"][1] for one in found)


def test_micrographs_of_ones_own(tiny_bundle, tmp_path, capsys):
    write_frames(tmp_path / "mine", 96, 3)
    (tmp_path / "mine" / "notes.tif").write_text("no micrograph")
    assert bench(tiny_bundle, "--inputs", tmp_path / "mine", "--no-overlays") == 0
    captured = capsys.readouterr()
    assert "== 2 images, 96 x 96 px, CPU fp32, one at a time" in captured.out
    assert "What limits: " in captured.out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--inputs", "nowhere"], "nowhere"),
        (["--size", "64,8"], "--size 8: give 64 or more"),
        (["--workers", "0"], "--workers 0: give 1 or more"),
        (["--repeats", "0"], "give 1 or more"),
        (["--inputs", "a", "--size", "64"], "leave it out"),
        (["--device", "cpu,tpu"], "--device tpu: choose from auto, cpu"),
        (["--precision", "fp4"], "--precision fp4: choose from"),
        (["--detail", "fine"], "--detail fine"),
        (["--json", "nowhere/a.json"], "there is no folder"),
        (["--cuda-graphs"], "--cuda-graphs goes with --device cuda"),
    ],
)
def test_what_cannot_be_timed(words, said, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["bench", *words]) == 2
    assert said in capsys.readouterr().err


def test_what_is_no_number_is_said_without_words_of_python(capsys):
    for option, value in (("--size", "64,large"), ("--repeats", "large"), ("--workers", "large")):
        assert main(["bench", option, value]) == 2
        assert f"argument {option}: 'large' is not a whole number" in capsys.readouterr().err


def test_what_fails_in_the_measuring_process_is_one_sentence(tiny_bundle, capsys):
    assert bench(tiny_bundle, "--precision", "int8", "--size", "64") == 2
    assert capsys.readouterr().err.splitlines()[-1].endswith("bundle tiny has no int8 backbone; it has: fp32.")


def test_a_folder_without_micrographs(tiny_bundle, tmp_path, capsys):
    (tmp_path / "a.tif").write_text("no micrograph")
    assert bench(tiny_bundle, "--inputs", tmp_path) == 2
    assert "no file there is a micrograph" in capsys.readouterr().err
