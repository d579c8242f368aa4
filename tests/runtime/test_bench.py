"""`nanomorph bench`: what it counts, what it says, and that it measures the real pipeline."""

import json
import struct
import sys
import zipfile
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from nanomorph.bench import cases, inputs, possible
from nanomorph.bench.cases import Plan, sample
from nanomorph.bench.frames import frame, repeated, write_frames
from nanomorph.bench.inputs import choose
from nanomorph.bench.limit import limits
from nanomorph.bench.samples import Samples, percentiles
from nanomorph.bench.table import block, head, terminal_width
from nanomorph.bench.whole import WholeJob, steady_cores, whole_facts
from nanomorph.cli.main import main
from nanomorph.errors import ConfigurationError, FatalError
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


def test_a_machine_of_many_cores_need_not_draw_for_minutes(tmp_path):
    paths = repeated(write_frames(tmp_path, 64, 3), 8)
    assert len({path.resolve() for path in paths}) == 8
    contents = [path.read_bytes() for path in paths]
    assert contents == (contents[:3] * 3)[:8]
    assert len(set(contents)) == 3


def test_stages_are_timed_on_a_sample_of_many(tmp_path):
    assert sample(list(range(40))) == list(range(0, 40, 3))
    assert sample(list(range(16))) == list(range(16))
    # Of drawn ones, which come again and are wires and particles in turn, on each once.
    (job,) = cases._jobs(plan(workers=(16,)), [[tmp_path / str(n) for n in range(64)]], None, "scratch")
    assert [Path(file).name for file in job.alone] == [str(n) for n in range(16)]
    assert limits(case() | {"bare": case()["bare"] | {"n": 4}})[1].endswith("of the model alone on 4 of the frames.")


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


def test_beginning_and_tail_are_not_waiting():
    """Two workers, six images: the first after 2 s, then one a second with both cores busy, the last two alone."""
    times, spent = [0, 2, 3, 4, 5, 6, 8], [0, 2, 4, 6, 8, 10, 11]
    assert steady_cores(times, spent, workers=2) == 2.0  # from the first to the fifth, which leaves one in work
    assert steady_cores(times[:5], spent[:5], workers=2) == 2.0
    assert steady_cores(times[:4], spent[:4], workers=2) is None  # three images: never two rounds
    runs = [WholeJob(6, 8.0, 11.0, 0.5, (1.0,) * 6, steady) for steady in (2.0, None)]
    assert whole_facts(runs[:1], 1.0)["cores_busy"] == 2.0
    assert whole_facts(runs[1:], 1.0)["cores_busy"] == 11 / 8


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


def test_more_workers_than_images_are_no_waiting():
    """On many cores eight images keep eight of them busy: that is no disk that they wait for."""
    many = case(cores_busy=7.9) | {"workers": 16, "cores": 32}
    assert limits(many)[0] == "Too few images to say what limits: 8 with 16 at once; 64 would tell."
    assert limits(many)[1].startswith("An image costs 1.50 x")
    # Eight of eight that can be busy, not of 32.
    assert limits(many | {"workers": 4, "cores": 32, "whole": case(cores_busy=3.9)["whole"]})[0] == (
        "What limits: measure, 60 % of the processor's work on an image (all cores are busy)."
    )
    assert limits(case("CUDA") | {"images": 3})[0].startswith("Too few images to say what limits: 3 with 2 at once")


def plan(**changes):
    usual = {"inputs": (), "sizes": (96,), "images": None, "repeats": 1, "devices": ("cpu",), "precisions": ("fp32",)}
    return Plan(**usual | {"batches": (None,), "workers": (1,)} | changes)


def test_as_many_images_as_tell_what_limits():
    assert plan().most_images == 8
    assert plan(workers=(1, 16)).most_images == 64  # the same for both, which are compared
    assert plan(workers=(16,), images=3).most_images == 3


def test_beside_a_gpu_the_slower_of_the_two_limits():
    # The model takes 90 ms on its device; reading, preparing, measuring, writing 80 ms on two cores.
    first, second = limits(case("CUDA"))
    assert first == "What limits: infer (CUDA 90.0 ms an image, the cores 40.0 ms)."
    assert second == "The whole job runs at 0.90 x the rate of the model alone on the same frames."
    quick = case("CUDA")
    quick["bare"]["ms"] = 9.0
    assert limits(quick)[0] == "What limits: measure (CUDA 9.0 ms an image, the cores 40.0 ms)."


def made(**changes):
    machine = {"nanomorph": "0.1.0", "processor": "AMD", "cores": 2, "all_cores": 4, "load": 0.2} | changes
    return {"machine": machine, "bundle": {"name": "b", "fingerprint": "f"}}


@pytest.mark.parametrize("width", [60, 72, 80])
@pytest.mark.parametrize("provider", ["CPU", "TensorRT"])
def test_the_table_fits_a_terminal_with_all_its_figures(provider, width):
    text = block(case(provider) | {"limits": ["What limits: nothing." * 9]}, width)
    lines = text.splitlines()
    assert max(map(len, lines)) <= width
    assert [line.split()[0] for line in lines if line.endswith(("%", "CPU ms"))][1:6] == [*case()["stages"]]
    assert any(line.split()[-4:] == ["100.0", "12345", "23456", "25"] for line in lines)
    assert any(line.split()[-3:] == ["1111", "120", "3"] for line in lines)
    assert ("on the device: 2048 MiB" in text) == (provider == "TensorRT")


@pytest.mark.parametrize(("columns", "width"), [("60", 60), ("40", 60), ("72", 72), ("200", 80)])
def test_as_wide_as_the_terminal(columns, width, monkeypatch):
    monkeypatch.setenv("COLUMNS", columns)
    assert terminal_width() == width


def test_one_is_not_many():
    assert "AMD, 1 core" in head(made(cores=1)).splitlines()
    assert block(case() | {"images": 1, "limits": []}).splitlines()[1].startswith("== 1 image, 4096")


def test_other_programs_are_said():
    assert "load" not in head(made())
    assert "load" not in head(made(load=None))
    said = "The machine was at work before this began (load 1.0 on 4 cores)"
    assert said in head(made(load=1.0))


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


def test_what_was_measured_is_kept_when_a_later_case_fails(tiny_bundle, tmp_path, monkeypatch, capsys):
    """By Ctrl-C or by an error: the cases before it are shown and in the file."""
    file = tmp_path / "bench.json"
    for error, code in ((KeyboardInterrupt(), 130), (FatalError("the device is gone"), 3)):
        answers = iter([case(), error])

        def answer(_, answers=answers):
            found = next(answers)
            if isinstance(found, BaseException):
                raise found
            return found

        monkeypatch.setattr(cases, "measure_apart", answer)
        assert bench(tiny_bundle, "--size", "96,128", "--json", file) == code
        captured = capsys.readouterr()
        assert captured.out.count("== 8 images, 4096 x 4096 px") == 1
        assert len(json.loads(file.read_text(encoding="utf-8"))["cases"]) == 1
        file.unlink()
    assert "the device is gone" in captured.err


@pytest.mark.parametrize("keep", [True, False])
def test_the_sentence_of_ctrl_c_is_true(keep, tiny_bundle, tmp_path, monkeypatch, capsys):
    def interrupt(_):
        raise KeyboardInterrupt

    file = tmp_path / "bench.json"
    words = ["--size", "96", *(["--json", file] if keep else [])]
    monkeypatch.setattr(cases, "measure_apart", interrupt)
    assert bench(tiny_bundle, *words) == 130
    assert capsys.readouterr().err.splitlines()[-1] == "nanomorph: interrupted; no case was finished"
    assert not file.exists()
    answers = [case()]
    monkeypatch.setattr(cases, "measure_apart", lambda job: answers.pop() if answers else interrupt(job))
    assert bench(tiny_bundle, *words, "--workers", "1,2") == 130
    where = f"above and in {file}" if keep else "above"
    said = f"nanomorph: interrupted; what was measured of 1 case is {where}"
    assert capsys.readouterr().err.splitlines()[-1] == said


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--precision", "fp32,int8"], "bundle tiny has no int8 backbone; it has: fp32."),
        (["--device", "cpu,tensorrt"], "TensorRT is not installed"),
        (["--size", "96,1000000"], "--size 1000000: this machine's memory allows frames of"),
        (["--json", "."], "that is a folder, give the name of a file"),
        pytest.param(
            ["--json", "/proc/bench.json"],
            "/proc cannot be written to",
            marks=pytest.mark.skipif(sys.platform != "linux", reason="/proc"),
        ),
    ],
)
def test_what_is_not_to_be_had_is_said_before_anything_is_drawn(words, said, tiny_bundle, monkeypatch, capsys):
    if "tensorrt" in words[1]:
        pytest.importorskip("onnxruntime")
        if find_spec("tensorrt"):
            pytest.skip("TensorRT is installed")
    drawn = []
    monkeypatch.setattr(cases, "write_frames", lambda *arguments: drawn.append(arguments))
    assert bench(tiny_bundle, *words) == 2
    captured = capsys.readouterr()
    assert said in captured.err
    assert captured.err.count("\n") == 1
    assert (captured.out, drawn) == ("", [])


def test_an_engine_that_fails_its_gates_is_refused_before_anything_is_measured(monkeypatch):
    def fail(*_):
        raise FatalError("OpenVINO (int8) does not compute what the fp32 graph computes")

    monkeypatch.setattr(possible, "ask", fail)
    with pytest.raises(ConfigurationError, match="does not compute"):
        possible.require_engines(None, [("openvino", "int8")], False)


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
    (tmp_path / "mine" / "0 notes.tif").write_text("no micrograph")
    assert bench(tiny_bundle, "--inputs", tmp_path / "mine", "--no-overlays") == 0
    captured = capsys.readouterr()
    assert "== 2 images, 96 x 96 px, CPU fp32, one at a time" in captured.out
    assert "What limits: " in captured.out
    assert "1 of 3 files left out: 0 notes.tif (" in captured.err


def test_what_is_left_out_is_said(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "rsciio.digitalmicrograph", None)
    first, second = write_frames(tmp_path, 96, 2)
    (tmp_path / "a.tif").write_bytes(first.read_bytes()[:2000])
    (tmp_path / "b.dm3").write_bytes(struct.pack(">III", 3, 200, 1) + bytes(range(1, 250)))
    (tmp_path / "c.txt").write_text("notes")
    with zipfile.ZipFile(tmp_path / "d.zip", "w") as archive:
        archive.write(first, "1.tif")
        archive.write(first, "2.tif")
    chosen = choose([tmp_path], 8)
    assert chosen.files == (first.resolve(), second.resolve())
    assert list(chosen.in_words(None)) == [
        "4 of 6 files left out: a.tif (truncated), "
        'b.dm3 has the format Gatan DM; to read it: pip install "nanomorph[microscopes]", '
        "c.txt (not-an-image), d.zip (archive)"
    ]
    assert list(chosen.in_words(5))[1:] == ["--images 5: there are 2 that can be read, which are taken"]
    # No more is looked at than is wanted; of many a few are named.
    assert len(choose([first, second], 1).files) == 1
    assert list(choose([first, second], 2).in_words(2)) == []
    many = [tmp_path / f"{n}.tif" for n in range(7)]
    for path in many:
        path.write_bytes(b"")
    (line,) = choose([*many, first], 1).in_words(1)
    assert line.endswith("4.tif (empty), 2 more")


def test_an_input_that_the_machine_has_no_memory_for_is_left_out(tmp_path, monkeypatch):
    small, large = *write_frames(tmp_path, 96, 1), *write_frames(tmp_path, 200, 1)
    monkeypatch.setattr(inputs, "default_limit", lambda: 100 * 100 * 75 * 4 // 3)
    chosen = choose([small, large], 2)
    assert chosen.files == (small.resolve(),)
    assert [one.reason for one in chosen.left_out] == ["too-large"]


def test_archives_are_not_timed(tiny_bundle, tmp_path, capsys):
    with zipfile.ZipFile(tmp_path / "a.zip", "w"):
        pass
    assert bench(tiny_bundle, "--inputs", tmp_path / "a.zip") == 2
    assert "a.zip: bench reads files and folders, not archives" in capsys.readouterr().err


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
    assert main(["bench", "--json"]) == 2
    assert "argument --json: FILE is missing after it" in capsys.readouterr().err


def test_a_folder_without_micrographs(tiny_bundle, tmp_path, capsys):
    (tmp_path / "a.tif").write_text("no micrograph")
    assert bench(tiny_bundle, "--inputs", tmp_path) == 2
    assert "no file there is a micrograph that can be read: a.tif (" in capsys.readouterr().err
