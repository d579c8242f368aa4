"""`nanomorph watch` and `nanomorph status` through the real program."""

import csv
import json
import os
import signal
import subprocess
import sys

import pytest

from micrograph_files import rod_image, tiff
from nanomorph.cli.main import main

STOPPING = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]
posix_only = pytest.mark.skipif(os.name == "nt", reason="Windows delivers signals otherwise")


@pytest.fixture
def folder(tmp_path):
    place = tmp_path / "in"
    place.mkdir()
    (place / "a.tif").write_bytes(tiff(rod_image(1, 64)))
    return place


@pytest.fixture
def start(tiny_bundle, folder, tmp_path):
    """Start the program; lines of JSON come from its stdout."""
    started = []

    def run(*arguments, ignored=None):
        command = [sys.executable, "-m", "nanomorph.cli.main", "watch", str(folder), "--out", str(tmp_path / "out")]
        command += ["--bundle", str(tiny_bundle), "--device", "cpu", "--settle", "0.1", "--poll", "0.1", "--json"]
        before = ignored and signal.signal(ignored, signal.SIG_IGN)  # as `nohup` does: a child inherits it
        process = subprocess.Popen(
            [*command, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, encoding="utf-8"
        )
        if ignored:
            signal.signal(ignored, before)
        started.append(process)
        return process

    yield run
    for process in started:
        process.kill()
        process.communicate()


def until(process, **wanted):
    """The first line that says this."""
    for line in process.stdout:
        said = json.loads(line)
        if all(said.get(key) == value for key, value in wanted.items()):
            return said
    raise AssertionError(f"never said {wanted}: {process.stderr.read()}")


def names(tmp_path, table="fields"):
    with open(tmp_path / "out" / f"{table}.csv", encoding="utf-8", newline="") as file:
        return [next(iter(row.values())) for row in csv.DictReader(file)]


@posix_only
@pytest.mark.parametrize("number", STOPPING)
def test_a_signal_finishes_the_image_in_hand(start, tmp_path, number):
    process = start()
    assert until(process, outcome="done")["name"] == "a.tif"
    process.send_signal(number)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "stopping after the image in hand" in errors
    assert names(tmp_path) == ["a.tif"]
    assert (tmp_path / "out" / "report.html").exists()


@posix_only
def test_a_command_that_outlives_its_terminal_is_not_stopped(start, folder):
    process = start(ignored=signal.SIGHUP)
    until(process, outcome="done")
    process.send_signal(signal.SIGHUP)
    (folder / "b.tif").write_bytes(tiff(rod_image(2, 64)))
    assert until(process, outcome="done")["name"] == "b.tif"


@posix_only
def test_a_second_watcher_is_refused_and_the_first_one_named(start, tmp_path, capsys):
    first = start()
    until(first, outcome="done")
    second = start()
    _, errors = second.communicate(timeout=60)
    assert second.returncode == 2
    assert f"being written by process {first.pid}" in errors

    assert main(["status", str(tmp_path / "out")]) == 0
    shown = capsys.readouterr().out
    assert f"running: process {first.pid}" in shown
    assert "watching: " in shown
    assert "a.tif  density: sparse (accepted)" in shown


def test_idle_exit_says_whether_anything_was_set_aside(start, folder, tmp_path, capsys):
    process = start("--idle-exit", "0.5")
    process.communicate(timeout=60)
    assert process.returncode == 0
    (folder / "cut.tif").write_bytes(tiff(rod_image(2, 64))[:900])
    process = start("--idle-exit", "0.5", "--exclude", "*.txt", "b*")
    process.communicate(timeout=60)
    assert process.returncode == 1
    assert names(tmp_path) == ["a.tif"]
    assert names(tmp_path, "quarantine") == ["cut.tif"]

    assert main(["status", str(tmp_path / "out"), "--json"]) == 0
    status = json.loads(capsys.readouterr().out)
    assert status["writer"] is None
    assert status["state"] == "stopped: nothing new came"
    assert status["counts"] == {"done": 1, "quarantined": 1, "alias": 0, "held": 0}
    assert [one["reason"] for one in status["quarantined"]] == ["truncated"]


def test_started_again_while_the_share_is_away_it_waits(start, folder, tmp_path):
    """A service is restarted whenever: exit code 2 would end it for good."""
    start("--idle-exit", "0.5").communicate(timeout=60)
    folder.rename(tmp_path / "away")
    process = start()
    while "folder lost" not in (said := process.stdout.readline()):
        assert said, process.stderr.read()
    (tmp_path / "away").rename(folder)
    (folder / "b.tif").write_bytes(tiff(rod_image(2, 64)))
    assert until(process, outcome="done")["name"] == "b.tif"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["missing"], "no such folder"),
        ([".", "--settle", "0"], "positive number of seconds"),
        ([".", "--memory", "-1"], "positive number of GiB"),
    ],
)
def test_wrong_usage_starts_nothing(tiny_bundle, tmp_path, monkeypatch, capsys, arguments, words):
    monkeypatch.chdir(tmp_path)
    assert main(["watch", *arguments, "--out", "out", "--bundle", str(tiny_bundle)]) == 2
    assert words in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_status_of_fewer_than_none(tmp_path, capsys):
    assert main(["status", str(tmp_path), "--last", "-1"]) == 2
    assert capsys.readouterr().err == "nanomorph: --last -1: give 0 or more.\n"


def test_status_of_a_folder_without_a_run(tmp_path, capsys):
    assert main(["status", str(tmp_path)]) == 2
    told = capsys.readouterr().err
    assert "holds no run: there is no" in told
    assert told.endswith("; give the --out of a batch or watch.\n")
