"""`nanomorph export` through the real program: contradictions refused before any work, what is said, what is left."""

import re
import subprocess
import sys

import pytest

from nanomorph.bundle import load_bundle
from nanomorph.cli.main import main
from nanomorph.errors import ConfigurationError
from nanomorph_export.calibration import Micrographs
from nanomorph_export.replace_head import require_same_threshold
from nanomorph_export.write_bundle import Parts
from nanomorph_training.heads.head import save_head


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--head", "h"], "give --out for a new bundle, or --into"),
        (["--head", "h", "--out", "a", "--into", "b", "--segmenter", "s"], "--into replaces a head and nothing else"),
        (["--head", "h", "--out", "a"], "--out needs --segmenter"),
        (["--head", "h", "--into", "b", "--precisions", "int8"], "--into replaces a head and nothing else"),
        (["--head", "h", "--segmenter", "s", "--out", "a", "--precisions", "int8"], "int8 needs --calibrate"),
        (["--head", "h", "g", "--into", "b"], "one --head at a time"),
        (["--head", "h", "g", "--segmenter", "s", "--standalone", "--out", "a"], "one --head at a time"),
        (
            ["--head", "h", "--segmenter", "s", "--standalone", "--out", "a", "--precisions", "fp32", "fp16"],
            "--standalone writes the fp32 graph: leave out --precisions",
        ),
        (["--head", "h", "--segmenter", "s", "--standalone", "--out", "."], "--standalone writes one file"),
        (["--head", "missing", "--segmenter", "s", "--out", "a"], "holds no head that can be read"),
        (["--head", "h", "--into", "b", "--embedder", "e"], "--into replaces a head and nothing else"),
        (["--head", "missing", "--into", "b"], "holds no head that can be read"),
    ],
)
def test_contradictions_start_nothing(tmp_path, monkeypatch, capsys, arguments, words):
    monkeypatch.chdir(tmp_path)
    assert main(["export", *arguments]) == 2
    assert words in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_two_heads_of_one_task_are_refused(tmp_path, make_head, capsys):
    for name in ("first", "second"):
        save_head(make_head("whole"), tmp_path / name)
    runs = [str(tmp_path / name) for name in ("first", "second")]
    assert main(["export", "--head", *runs, "--segmenter", str(tmp_path), "--out", str(tmp_path / "bundle")]) == 2
    assert "two --head are of the task whole" in capsys.readouterr().err


def test_a_place_that_is_taken_is_refused_before_a_run_is_read(tmp_path, capsys):
    (tmp_path / "raw.tif").write_text("three days of work")
    for place, words in ((tmp_path, "is there and no bundle"), (tmp_path / "raw.tif" / "new", "raw.tif is a file")):
        assert main(["export", "--head", "h", "--segmenter", "s", "--out", str(place)]) == 2
        assert words in capsys.readouterr().err


@pytest.mark.parametrize(
    ("runs", "words"),
    [
        (["--head", "no", "--segmenter", "s", "--out", "a"], "no holds no head"),
        (["--head", "no", "--into", "b"], "no holds no head"),
        (["--head", "h", "--segmenter", "s", "--out", "a"], "s: there is no such folder"),
        (["--head", "h", "--segmenter", "h", "--embedder", "e", "--out", "a"], "e: there is no such folder"),
    ],
)
def test_what_is_not_there_is_said_before_an_extra_is_asked_for(runs, words, tmp_path):
    (tmp_path / "h").mkdir()
    (tmp_path / "h" / "head.json").write_text("{}")
    blocked = "import sys; sys.modules.update(dict.fromkeys(('torch', 'onnx', 'safetensors')))"
    code = f"{blocked}; from nanomorph.cli.main import main; sys.exit(main({['export', *runs]!r}))"
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert words in done.stderr


def test_a_head_of_another_encoder_is_refused(tmp_path, make_head, monkeypatch, capsys):
    save_head(make_head("whole", metrics={"encoder": "aaaa"}), tmp_path / "head")
    monkeypatch.setattr("nanomorph_export.runs.provenance", lambda *_: {"encoder": "bbbb"})
    command = ["export", "--head", tmp_path / "head", "--segmenter", tmp_path, "--out", tmp_path / "bundle"]
    assert main([str(word) for word in command]) == 2
    assert "head whole was fitted on the encoder aaaa" in capsys.readouterr().err
    assert not (tmp_path / "bundle").exists()


def test_a_head_on_other_masks_than_the_bundles_is_refused(tmp_path, make_head, monkeypatch, capsys):
    head = make_head("whole", descriptors=["area_fraction"], metrics={"encoder": "aaaa"})
    save_head(head, tmp_path / "head")
    monkeypatch.setattr("nanomorph_export.runs.provenance", lambda *_: {"encoder": "aaaa"})
    runs = ["--segmenter", tmp_path, "--embedder", tmp_path]
    assert main([str(word) for word in ["export", "--head", tmp_path / "head", *runs, "--out", tmp_path / "b"]]) == 2
    assert "fit it with --features embedding" in capsys.readouterr().err


def test_what_failed_is_said_and_gives_exit_code_1(backbone, heads, micrographs, tmp_path, monkeypatch, capsys):
    """fp16 whose every layer is rounded to nothing: the bundle is there, fp16 is not, and the card says why."""
    parts = Parts("test", backbone, heads, {}, precisions=("fp32", "fp16"))
    small = Micrographs([], micrographs.proof)
    monkeypatch.setattr("nanomorph_export.commands.export._require_there", lambda _: None)
    monkeypatch.setattr("nanomorph_export.commands.export._parts", lambda _: parts)
    monkeypatch.setattr("nanomorph_export.calibration.gather", lambda *_: small)
    monkeypatch.setattr("nanomorph_export.reference._round", lambda _module, _inputs, output: output * 0)
    out = tmp_path / "bundle"
    assert main(["export", "--head", "h", "--segmenter", "s", "--out", str(out)]) == 1
    said = capsys.readouterr().out
    assert "fp32: written" in said
    assert "fp16: NOT written" in said
    assert list(load_bundle(out).backbones) == ["fp32"]
    assert main(["inspect", str(out)]) == 0
    card = capsys.readouterr().out
    assert re.search(r"fp32: \d\.\d MB, every gate passed", card)
    assert "fp16: NOT in the bundle, it failed: graph: mean relative difference from rounded torch" in card


def test_a_head_on_masks_cut_elsewhere_is_refused(make_head) -> None:
    """Descriptors at .6 are not those at .5; an embedding does not care."""
    require_same_threshold(make_head("whole", descriptors=["n_domains"], metrics={"threshold": 0.6}), 0.6)
    require_same_threshold(make_head("whole", metrics={"threshold": 0.6}), 0.5)
    with pytest.raises(ConfigurationError, match=r"masks from probability 0\.6 on, the bundle's begin at 0\.5"):
        require_same_threshold(make_head("whole", descriptors=["n_domains"], metrics={"threshold": 0.6}), 0.5)
