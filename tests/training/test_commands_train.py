"""The three commands after one another on eight tiny micrographs."""

from __future__ import annotations

import csv
import json
import shlex
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import cv2
import numpy as np
import pytest

from nanomorph.bundle import EMBEDDED, load_bundle
from nanomorph.cli.main import _parse
from nanomorph.errors import ConfigurationError
from nanomorph_export.commands import export
from nanomorph_training.commands import fit_head, fit_segmenter, pretrain
from nanomorph_training.heads.head import load_head


def command(module, line: str) -> list[str]:
    """Run a command line; what it reported."""
    reported: list[str] = []
    name = module.__name__.rsplit(".")[-1]
    assert module.run(_parse(name, module.Options, module.__doc__, shlex.split(line)), reported.append) == 0
    return reported


def test_from_micrographs_to_heads(pool: Path, tmp_path: Path) -> None:
    run, common = tmp_path / "runs", f"--cache {tmp_path / 'cache'} --threads 1"
    command(pretrain, f"--data {pool} --out {run}/pre --steps 2 --batch 4 --window 32 {common}")
    assert (run / "pre" / "views.png").is_file()
    segmenter = f"--data {pool} --encoder {run}/pre --out {run}/seg --window 64 --batch 2 {common}"
    (said,) = command(fit_segmenter, f"{segmenter} --steps 12 --lr 3e-3 --encoder-lr 1 --validate-every 6")
    assert "Dice" in said
    for name in ("pre", "seg"):
        assert {f.name for f in (run / name).iterdir()} >= {
            "checkpoint.safetensors",
            "checkpoint.json",
            "metrics.csv",
            "log.txt",
            "repeat.txt",
        }
    with open(run / "seg" / "metrics.csv", newline="") as file:
        assert [row["step"] for row in csv.DictReader(file)] == ["6", "12"]

    head = f"--data {pool} --encoder {run}/seg {common} --cache {tmp_path / 'cache'}"
    command(fit_head, f"{head} --task side --out {run}/side")
    side = load_head(run / "side")
    assert (side.level, side.labels, side.uses_embedding) == ("field", ("a", "b"), True)
    assert side.metrics["n"] == 7
    assert side.metrics["test"]["n"] == 1  # article-3 is held out

    (tmp_path / "none-of-them").mkdir()
    for n in (1, 2):
        shutil.copy(pool.parent / f"{n}.png", tmp_path / "none-of-them")
    command(fit_head, f"{head} --task side --labels b a --other {tmp_path / 'none-of-them'} --out {run}/wary")
    wary = load_head(run / "wary")
    assert (wary.labels, wary.metrics["n"]) == (("b", "a", "other"), 9)

    command(fit_head, f"{head} --task kind --level domain --labels b a --out {run}/kind")
    kind = load_head(run / "kind")
    assert (kind.level, kind.labels, kind.uses_embedding) == ("domain", ("b", "a"), False)
    assert json.loads((run / "kind" / "head.json").read_text())["metrics"]["test"]["n"] == 1


def test_a_run_is_not_overwritten(pool: Path, tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "checkpoint.safetensors").touch()
    for module in (pretrain, fit_segmenter):
        with pytest.raises(ConfigurationError, match="already holds a run: add --resume auto"):
            command(module, f"--data {pool} --out {tmp_path / 'run'} --steps 1")


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("--out {t}/a", "say how long to train"),
        ("--out {t}/a --steps 1 --batch 1", "at least 2"),
    ],
)
def test_options_that_contradict_are_refused(pool: Path, tmp_path: Path, line: str, message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        command(pretrain, f"--data {pool} --cache {tmp_path / 'c'} " + line.format(t=tmp_path))


def test_minutes_become_steps() -> None:
    from nanomorph_training.runs.budget import total_steps

    def two_seconds() -> float:
        return 2.0

    assert total_steps(0, 0, 10, 100, 8, two_seconds) == 300
    assert total_steps(0, 2.5, 10, 100, 8, two_seconds) == 31
    assert total_steps(7, 2.5, 10, 100, 8, two_seconds) == 7


def test_the_repeat_line_gives_the_same_options() -> None:
    from nanomorph_training.runs.run_folder import command_line

    options = {"data": ["a b", "c"], "out": "r", "steps": 5, "lr": 0, "train_on_all": True, "cache": None, "labels": []}
    assert (
        command_line("pretrain", options) == "nanomorph pretrain --data 'a b' c --out r --steps 5 --lr 0 --train-on-all"
    )


def test_labels_by_folder(pool: Path, tmp_path: Path) -> None:
    from nanomorph_training.data import labelled_samples

    for label in ("cube", "rod"):
        (tmp_path / "classes" / label).mkdir(parents=True)
        (tmp_path / "classes" / label / "1.png").write_bytes((pool.parent / "1.png").read_bytes())
    samples = labelled_samples([tmp_path / "classes"], None)
    assert sorted(s.label for s in samples) == ["cube", "rod"]
    with pytest.raises(ConfigurationError, match="no micrograph has the label wire; labels are: cube, rod"):
        labelled_samples([tmp_path / "classes"], ["rod", "wire"])
    with pytest.raises(ConfigurationError, match=r"1\.png has a label: give a folder that holds a folder per class"):
        labelled_samples([tmp_path / "classes" / "rod" / "1.png"], None)


def test_an_encoder_that_is_not_there_asks_for_no_torch(pool: Path, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "safetensors", None)
    for name, why in (("nowhere", "there is no such folder"), ("empty", "it has no checkpoint")):
        (tmp_path / "empty").mkdir(exist_ok=True)
        with pytest.raises(ConfigurationError, match=f"{name} is no training run, and no bundle: {why}"):
            command(fit_head, f"--data {pool} --encoder {tmp_path}/{name} --task ab --out {tmp_path}/h")


def test_domains_that_are_other(pool: Path, tiny_bundle: Path, tmp_path: Path) -> None:
    """The tiny bundle's foreground is what is dark: squares are `other`, and nobody gave a mask of them."""
    (tmp_path / "dirt").mkdir()
    for n in range(3):
        image = np.full((96, 128), 200, np.uint8)
        image[10 + n : 30 + n, 10:30] = image[50:70, 60 : 80 + n] = 0
        cv2.imwrite(str(tmp_path / "dirt" / f"{n}.png"), image)
    line = f"--data {pool} --encoder {tiny_bundle} --task kind --level domain --labels b a --cache {tmp_path / 'cache'}"
    command(fit_head, f"{line} --out {tmp_path}/plain")
    command(fit_head, f"{line} --other {tmp_path / 'dirt'} --out {tmp_path}/wary")
    plain, wary = load_head(tmp_path / "plain"), load_head(tmp_path / "wary")
    assert (plain.labels, wary.labels) == (("b", "a"), ("b", "a", "other"))
    assert wary.metrics["n"] == plain.metrics["n"] + 6
    assert wary.metrics["out_of_fold"]["recall"]["other"] == 1
    assert wary.metrics["test"]["n"] == plain.metrics["test"]["n"] == 1


def test_frames_on_which_nothing_is_found_teach_no_class(pool: Path, tiny_bundle: Path, tmp_path: Path) -> None:
    (tmp_path / "film").mkdir()
    cv2.imwrite(str(tmp_path / "film" / "0.png"), np.full((96, 128), 200, np.uint8))
    line = f"--data {pool} --encoder {tiny_bundle} --task kind --level domain --cache {tmp_path / 'cache'}"
    command(fit_head, f"{line} --other {tmp_path / 'film'} --out {tmp_path}/head")
    assert load_head(tmp_path / "head").labels == ("a", "b")
    said = (tmp_path / "head" / "log.txt").read_text()
    assert "nothing was found in 1 micrographs of `other`: no such class is learned" in said


def test_a_bundle_is_an_encoder_and_needs_no_torch(pool: Path, tmp_path: Path) -> None:
    """The microscope's own PC: a head learned from the embedded bundle's backbone, then put into a copy of it."""
    bundle = tmp_path / "bundle"
    shutil.copytree(EMBEDDED, bundle)
    program = (
        "import sys; from nanomorph.cli.main import main; "
        f"assert main(['fit-head', '--data', {str(pool)!r}, '--encoder', {str(bundle)!r}, '--task', 'ab', "
        f"'--out', {str(tmp_path / 'ab')!r}, '--cache', {str(tmp_path / 'cache')!r}]) == 0; "
        f"assert main(['export', '--into', {str(bundle)!r}, '--head', {str(tmp_path / 'ab')!r}]) == 0; "
        "assert 'torch' not in sys.modules"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert [head.task for head in load_bundle(bundle).heads] == ["nanowire-morphology", "nanoparticle-shape", "ab"]


def test_a_head_is_learned_from_the_journal_of_an_earlier_run(
    pool: Path, tiny_bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from nanomorph.cli.main import main
    from nanomorph_training import features

    results, line = tmp_path / "results", f"fit-head --data {pool} --encoder {tiny_bundle} --task ab --train-on-all"
    assert main(["batch", str(pool.parent), "--bundle", str(tiny_bundle), "--out", str(results)]) in (0, 1)
    # Two heads of each level: computed, and from the journal alone.
    for level in ("field", "domain"):
        here = f"{line} --level {level} --masks predicted --cache {tmp_path / level}"
        assert main([*here.split(), "--out", str(tmp_path / f"{level}-computed")]) == 0
    monkeypatch.setattr(features, "see", lambda *_: pytest.fail("a micrograph was looked at again"))
    for level in ("field", "domain"):
        here = f"{line} --level {level} --masks predicted --cache {tmp_path / 'empty'} --journal {results}"
        assert main([*here.split(), "--out", str(tmp_path / f"{level}-journal")]) == 0
        computed, learned = (load_head(tmp_path / f"{level}-{way}") for way in ("computed", "journal"))
        np.testing.assert_allclose(learned.weights, computed.weights, rtol=1e-3, atol=1e-3)
        assert learned.descriptors == computed.descriptors


def test_a_journal_of_another_backbone_is_refused(pool: Path, tiny_bundle: Path, tmp_path: Path) -> None:
    from nanomorph.cli.main import main
    from nanomorph_training.encoders import open_extractor
    from nanomorph_training.study.contestants import untrained

    assert main(["batch", str(pool.parent / "0.png"), "--bundle", str(tiny_bundle), "--out", str(tmp_path / "r")]) == 0
    with pytest.raises(ConfigurationError, match="holds nothing that bundle"):
        open_extractor(EMBEDDED, tmp_path, journal=tmp_path / "r")
    with pytest.raises(ConfigurationError, match="needs the bundle"):
        open_extractor(untrained("resnet18", "random", 0, tmp_path), tmp_path, journal=tmp_path / "r")


def test_what_a_head_doubts_among_its_examples(tmp_path: Path) -> None:
    """One label is wrong, and every model that has not seen it says so."""
    import pandas as pd

    from nanomorph_training.heads.doubts import doubts, write_doubts
    from nanomorph_training.heads.fitting import Design, Examples, fit_head
    from nanomorph_training.heads.head import Features

    x = np.array([-3.0, -3.2, -2.8, -3.1, -2.9, 3.0, 3.2, 2.8, 3.1, -3.0])
    names = [f"{n}.png" for n in range(10)]
    examples = Examples(Features(None, pd.DataFrame({"x": x})), ["a"] * 5 + ["b"] * 5, names, micrographs=names)
    fit = fit_head(examples, Design("t", descriptors=("x",), uses_embedding=False))
    name, label, judged, _, _, why = doubts(fit)[0]
    assert (name, label, judged) == ("9.png", "b", "a")
    assert why.startswith("judged otherwise")
    write_doubts(tmp_path / "doubts.csv", fit)
    with open(tmp_path / "doubts.csv", newline="") as file:
        assert next(csv.DictReader(file))["file"] == "9.png"


def test_a_lonely_class_is_said_to_switch_validation_off(pool: Path, tiny_bundle: Path, tmp_path: Path) -> None:
    rows = [(1, "a"), (2, "a"), (3, "c"), (4, ""), (5, "b"), (6, "b")]
    (tmp_path / "l.csv").write_text("file,label\n" + "".join(f"{pool.parent / f'{n}.png'},{of}\n" for n, of in rows))
    line = f"--data {tmp_path}/l.csv --encoder {tiny_bundle} --task ab --out {tmp_path}/h --cache {tmp_path}/c"
    command(fit_head, line)
    said = (tmp_path / "h" / "log.txt").read_text()
    assert "1 of 6 micrographs have no label, or none that was asked for: left out" in said
    assert "no micrograph has a group: none is kept for the test" in said
    assert "nothing was validated (c with a single group or micrograph): no scores" in said
    assert load_head(tmp_path / "h").metrics["out_of_fold"] is None


def test_a_task_names_files(pool: Path, tiny_bundle: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="--task 'my kind/ä': letters, digits"):
        command(fit_head, f"--data {pool} --encoder {tiny_bundle} --task 'my kind/ä' --out {tmp_path}/h")
    assert not (tmp_path / "h").exists()


@pytest.mark.parametrize("task", ["area_px", "width_median_nm", "label", "area_px_confidence"])
def test_a_task_does_not_take_the_place_of_a_measured_column(tmp_path: Path, task: str) -> None:
    with pytest.raises(ConfigurationError, match=f"--task {task}: domains.csv has a column of that name already"):
        command(fit_head, f"--data x --encoder y --task {task} --out {tmp_path}/h")


def test_a_task_is_refused_before_anything_heavy_is_loaded(tmp_path: Path) -> None:
    blocked = "import sys; sys.modules.update(dict.fromkeys(('torch', 'sklearn')))"
    words = ["fit-head", "--data", "no", "--encoder", "no", "--task", "güte", "--out", "no"]
    code = f"{blocked}; from nanomorph.cli.main import main; sys.exit(main({words!r}))"
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "letters, digits" in done.stderr


def test_a_file_has_one_label(pool: Path, tiny_bundle: Path, tmp_path: Path) -> None:
    (tmp_path / "l.csv").write_text("File,LABEL\n" + "".join(f"{pool.parent / f'{n}.png'},a\n" for n in (1, 2)))
    line = f"--data {tmp_path}/l.csv --encoder {tiny_bundle} --task ab --out {tmp_path}/h"
    with pytest.raises(ConfigurationError, match=r"2\.png has a label and is named by --other, too: keep one"):
        command(fit_head, f"{line} --other {pool.parent / '2.png'}")
    (tmp_path / "l.csv").write_text(f"file,label\n{pool.parent / '1.png'},Rod\n{pool.parent / '2.png'},rod\n")
    with pytest.raises(ConfigurationError, match="classes `Rod` and `rod` differ by their case alone"):
        command(fit_head, f"--data {tmp_path}/l.csv --encoder {tiny_bundle} --task ab --out {tmp_path}/h")


def test_members_of_archives_are_learned_from(pool: Path, tiny_bundle: Path, tmp_path: Path) -> None:
    """The same head as from the files themselves; of two members of one archive each has features of its own."""
    archive = tmp_path / "all.zip"
    with zipfile.ZipFile(archive, "w") as opened:
        for n in range(1, 7):
            opened.write(pool.parent / f"{n}.png", f"{n}.png")
    heads = {}
    for name, of in (("files", f"{pool.parent}/"), ("members", f"{archive}!/")):
        rows = "".join(f"{of}{n}.png,{'ab'[n % 2]}\n" for n in range(1, 7))
        (tmp_path / f"{name}.csv").write_text(f"file,label\n{rows}")
        line = f"--data {tmp_path}/{name}.csv --encoder {tiny_bundle} --task ab --cache {tmp_path}/c"
        command(fit_head, f"{line} --out {tmp_path}/{name}")
        heads[name] = load_head(tmp_path / name)
    assert np.array_equal(heads["files"].weights, heads["members"].weights)
    assert heads["members"].weights.any()


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("--threshold 0.5 --journal j", "leave out --threshold"),
        ("--features embedding --descriptors n_domains", "uses no --descriptors"),
        ("--seed -1", "--seed -1: give a number from 0 to"),
    ],
)
def test_options_that_would_be_ignored_are_refused(tmp_path: Path, line: str, words: str) -> None:
    with pytest.raises(ConfigurationError, match=words):
        command(fit_head, f"--data x --encoder y --task t --out {tmp_path}/h {line}")


@pytest.mark.parametrize("line", ["--batch 0", "--steps -3", "--window 0", "--seed -1", "--validate-every 0"])
def test_lengths_of_a_training_are_checked(tmp_path: Path, line: str) -> None:
    with pytest.raises(ConfigurationError, match=f"{line.split()[0]} .*give a number from"):
        command(fit_segmenter, f"--data x --out {tmp_path}/s {line}")


@pytest.mark.parametrize("line", ["--lr -1", "--steps -2", "--window 0", "--threads 0", "--zoom -1", "--seed -1"])
def test_lengths_of_a_pretraining_are_checked(tmp_path: Path, line: str) -> None:
    with pytest.raises(ConfigurationError, match=f"{line.split()[0]} .*give a number from"):
        command(pretrain, f"--data x --out {tmp_path}/p {line}")


def test_an_encoder_without_segmenter_lends_its_embedding_alone(pool: Path, tmp_path: Path) -> None:
    line = f"--data {pool} --method simclr --steps 1 --batch 2 --window 32 --threads 1 --cache {tmp_path}/c"
    command(pretrain, f"{line} --out {tmp_path}/p")
    rows = "".join(f"{pool.parent / f'{n}.png'},{'ab'[n % 2]}\n" for n in range(1, 7))
    (tmp_path / "l.csv").write_text(f"file,label\n{rows}")
    line = f"--data {tmp_path}/l.csv --encoder {tmp_path}/p --task ab --out {tmp_path}/h --cache {tmp_path}/c"
    with pytest.raises(ConfigurationError, match="has no segmenter, so nothing can be measured on its masks"):
        command(fit_head, f"{line} --features both")
    with pytest.raises(ConfigurationError, match="has no segmenter to find the domains of `other`"):
        command(fit_head, f"{line} --level domain --other {pool.parent / '0.png'}")
    command(fit_head, line)
    head = load_head(tmp_path / "h")
    assert head.uses_embedding
    assert head.descriptors == ()
    with pytest.raises(ConfigurationError, match="has no segmenter: name a run of fit-segmenter"):
        command(export, f"--head {tmp_path}/h --segmenter {tmp_path}/p --out {tmp_path}/bundle")


@pytest.mark.parametrize("name", ["unknown", "uncertain", "accepted"])
def test_a_class_cannot_be_named_like_a_decision(pool: Path, tiny_bundle: Path, tmp_path: Path, name: str) -> None:
    (tmp_path / "l.csv").write_text(f"file,label\n{pool.parent / '1.png'},rod\n{pool.parent / '2.png'},{name}\n")
    with pytest.raises(ConfigurationError, match=f"a class named `{name}` could not be told from"):
        command(fit_head, f"--data {tmp_path}/l.csv --encoder {tiny_bundle} --task t --out {tmp_path}/h")


def test_a_head_is_not_overwritten_by_one_of_another_task(pool: Path, tiny_bundle: Path, tmp_path: Path) -> None:
    rows = "".join(f"{pool.parent / f'{n}.png'},{'ab'[n % 2]}\n" for n in range(1, 7))
    (tmp_path / "l.csv").write_text("file,label\n" + rows)
    line = f"--data {tmp_path}/l.csv --encoder {tiny_bundle} --out {tmp_path}/h --cache {tmp_path}/c --task"
    command(fit_head, f"{line} ab")
    command(fit_head, f"{line} ab")  # the same anew, with more labels for instance
    with pytest.raises(ConfigurationError, match="holds the head of ab, level field: give another folder for cd"):
        command(fit_head, f"{line} cd")
    assert load_head(tmp_path / "h").task == "ab"


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("--false-alarms 2", "--false-alarms 2.0: give a number from 0 to 1"),
        ("--accepted-accuracy 5", "--accepted-accuracy 5.0: give a number from 0 to 1"),
        ("--embedding-weight nan", "--embedding-weight nan: give a number from 0 on"),
        ("--threads 0", "--threads 0: give a number from 1 on"),
        ("--seed -1", "--seed -1: give a number from 0 to"),
        ("--threshold 7", "--threshold 7.0: give a number from 0 to 1"),
    ],
)
def test_numbers_out_of_range_are_refused(tmp_path: Path, line: str, message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        command(fit_head, f"--data x --encoder y --task t --out {tmp_path}/h {line}")
