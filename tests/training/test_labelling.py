"""Labelling in the browser: the list that is written, who is asked about first, the page's server, the command."""

from __future__ import annotations

import csv
import json
import shlex
import signal
import subprocess
import sys
import threading
import urllib.error
import urllib.request
import zipfile
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest

from nanomorph.cli.main import main
from nanomorph.errors import ConfigurationError, OutputError
from nanomorph_training.data import collect, labelled_samples
from nanomorph_training.labelling.guesses import Guess, Guesses
from nanomorph_training.labelling.order import asking_order
from nanomorph_training.labelling.pictures import picture_of
from nanomorph_training.labelling.server import LabelServer
from nanomorph_training.labelling.session import Session
from nanomorph_training.labelling.sheet import Sheet, groups_of
from nanomorph_training.micrographs.samples import Sample

README = Path(__file__).parents[2] / "README.md"


@pytest.fixture
def images(tmp_path: Path) -> Path:
    """Four micrographs of two specimens; dark covers .2, .4, .6 and .8 of them."""
    folder = tmp_path / "images"
    for number in range(4):
        path = folder / ("first", "second")[number // 2] / f"{number}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        pixels = np.full((64, 64), 200, np.uint8)
        half = round(32 * (0.2 * (number + 1)) ** 0.5)
        pixels[32 - half : 32 + half, 32 - half : 32 + half] = 50
        cv2.imwrite(str(path), pixels)
    return folder


def by_stem(samples: list[Sample]) -> dict[str, Sample]:
    return {sample.path.stem: sample for sample in samples}


def test_a_list_is_whole_after_every_answer_and_is_learned_from(images: Path) -> None:
    samples, path = by_stem(collect([images])), images / "labels.csv"
    sheet = Sheet(path)
    sheet.give(samples["0"], "sparse", "first")
    sheet.give(samples["3"], "full", "")
    assert path.read_text().splitlines() == ["file,label,group", "first/0.png,sparse,first", "second/3.png,full,"]
    sheet.give(samples["0"], "full", "first")
    assert {s.path.stem: (s.label, s.group) for s in labelled_samples([path], None)} == {
        "0": ("full", "first"),
        "3": ("full", ""),
    }
    sheet.give(samples["0"], "", "first")
    assert Sheet(path).counts() == {"full": 1}
    assert Sheet(path).label_of(samples["0"]) == ""


def test_a_list_elsewhere_names_its_micrographs_in_full(images: Path, tmp_path: Path) -> None:
    sample, path = by_stem(collect([images]))["1"], tmp_path / "elsewhere" / "labels.csv"
    Sheet(path).give(sample, "sparse", "")
    assert path.read_text().splitlines()[1] == f"{sample.path.resolve()},sparse,"
    assert [s.path for s in labelled_samples([path], None)] == [sample.path]


def test_what_a_list_held_before_is_kept(images: Path) -> None:
    path = images / "labels.csv"
    path.write_text("File;Label;Article_DOI;by\nfirst/0.png;sparse;10.1/a;Eva\nsecond/2.png;;10.1/b;\n")
    samples, sheet = by_stem(collect([images / "first", images / "second"])), Sheet(path)
    sheet.give(samples["2"], "full", "second")
    sheet.give(samples["0"], "", "first")
    assert path.read_text().splitlines() == [
        "file,label,group,article_doi,by",
        "first/0.png,,,10.1/a,Eva",
        "second/2.png,full,,10.1/b,",
    ]


def test_a_list_that_cannot_be_written_is_told(images: Path) -> None:
    sample = collect([images])[0]
    (images / "labels.csv").mkdir()
    sheet = Sheet(images / "labels.csv" / "a.csv")
    sheet.path = images / "labels.csv"
    with pytest.raises(OutputError, match="cannot be written"):
        sheet.give(sample, "full", "")


def test_a_folder_is_a_group_where_that_is_asked_for(images: Path) -> None:
    samples = collect([images])
    assert groups_of(samples, by_folder=True) == ["first", "first", "second", "second"]
    assert groups_of(samples, by_folder=False) == [""] * 4
    assert groups_of([Sample(images / "a.zip", str(images), member="grid 1/b.png")], by_folder=True) == [
        "a.zip!/grid 1"
    ]
    assert groups_of([Sample(images / "first" / "0.png", str(images), group="known")], by_folder=True) == ["known"]


def test_each_guessed_class_in_turn_the_least_sure_first() -> None:
    guesses = [
        Guess("a", 0.99, "accepted"),
        Guess("a", 0.55, "uncertain"),
        Guess("b", 0.95, "accepted"),
        Guess("a", 0.40, "unknown"),
        Guess("b", 0.90, "accepted"),
        None,
    ]
    samples = [Sample(Path(f"{k}.png"), ".") for k in range(6)]
    # First round: what was never seen, the least sure a, the least sure b.
    assert asking_order(samples, [""] * 6, guesses) == [5, 1, 4, 3, 2, 0]


def test_each_group_in_turn_where_nothing_is_known() -> None:
    groups = ["x", "x", "x", "y", "y", "z"]
    samples = [Sample(Path(f"{k}.png"), ".") for k in range(6)]
    order = asking_order(samples, groups, [None] * 6)
    assert sorted(order) == list(range(6))
    assert {groups[k] for k in order[:3]} == {"x", "y", "z"}
    assert {groups[k] for k in order[3:5]} == {"x", "y"}


def test_a_run_knows_its_micrographs_by_the_end_of_their_path() -> None:
    guesses = Guesses(
        {"b/c.tif": Guess("a", 0.9, "accepted"), "d.zip!/e/f.tif": Guess("b", 0.5, "uncertain")}, ("a", "b")
    )
    samples = [
        Sample(Path("/data/b/c.tif"), "/data"),
        Sample(Path("/data/d.zip"), "/data", member="e/f.tif"),
        Sample(Path("/data/other/c.tif"), "/data"),
    ]
    assert [guess and guess.label for guess in guesses.of(samples)] == ["a", "b", None]


def test_a_micrograph_in_an_archive_is_shown_and_learned_from(images: Path) -> None:
    with zipfile.ZipFile(images.parent / "a.zip", "w") as archive:
        archive.write(images / "first" / "1.png", "grid/1.png")
    samples = collect([images.parent / "a.zip"])
    session = Session(samples, [""], Sheet(images.parent / "labels.csv"), [], [None])
    assert session.picture(0) == picture_of(by_stem(collect([images]))["1"])
    session.give(0, "full")
    assert [(s.member, s.label) for s in labelled_samples([images.parent / "labels.csv"], None)] == [
        ("grid/1.png", "full")
    ]


@pytest.fixture
def server(images: Path) -> Iterator[LabelServer]:
    (images / "first" / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\nno picture")
    samples = collect([images])
    session = Session(samples, [""] * len(samples), Sheet(images / "labels.csv"), ["sparse"], [None] * len(samples))
    with LabelServer(session) as serving:
        thread = threading.Thread(target=serving.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield serving
        serving.shutdown()
        thread.join()


def fetch(url: str, content: bytes | None = None) -> tuple[int, bytes]:
    try:
        with urllib.request.urlopen(url, content) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read()


def state(url: str) -> dict:
    return json.loads(fetch(url + "state")[1])


def test_the_page_shows_labels_and_keeps_them(server: LabelServer, images: Path) -> None:
    assert b"<!doctype html>" in fetch(server.url)[1]
    names = [Path(item["name"]).stem for item in state(server.url)["items"]]
    assert sorted(names) == ["0", "1", "2", "3", "broken"]
    status, png = fetch(f"{server.url}picture/{names.index('0')}")
    picture = cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_GRAYSCALE)
    assert status == 200
    assert [picture[32, 32], picture[0, 0], picture.shape] == [0, 255, (64, 64)]
    number = names.index("2")
    assert fetch(server.url + "label", json.dumps({"number": number, "label": " full "}).encode())[0] == 200
    after = state(server.url)
    assert after["classes"] == ["sparse", "full"]
    assert [item["label"] for item in after["items"]] == ["full" if k == number else "" for k in range(5)]
    assert "second/2.png,full," in (images / "labels.csv").read_text()


def test_what_the_page_refuses(server: LabelServer) -> None:
    stranger = server.url.replace(server.secret, "a" * len(server.secret))
    assert fetch(stranger)[0] == fetch(stranger + "state")[0] == fetch(server.url + "sheet.py")[0] == 404
    assert fetch(stranger + "label", b'{"number": 0, "label": "a"}')[0] == 404
    assert fetch(server.url + "label", b"no JSON")[0] == fetch(server.url + "label", b'{"number": 0}')[0] == 400
    assert fetch(server.url + "label", b'{"number": 99, "label": "a"}') == (400, b"there is no micrograph 99")
    assert fetch(server.url + "label", b" " * 20_000)[0] == fetch(server.url + "picture/99")[0] == 404
    broken = next(k for k, item in enumerate(state(server.url)["items"]) if "broken" in item["name"])
    status, why = fetch(f"{server.url}picture/{broken}")
    assert status == 422
    assert b"broken" in why or b"PNG" in why
    assert not any(item["label"] for item in state(server.url)["items"])


def test_from_a_run_to_labels_through_the_command_line(images: Path, tiny_bundle: Path, tmp_path: Path) -> None:
    results, labels = tmp_path / "results", tmp_path / "labels.csv"
    assert main(["batch", str(images), "--out", str(results), "--bundle", str(tiny_bundle)]) == 0
    program = [sys.executable, "-u", "-m", "nanomorph", "label", str(images), "--out", str(labels), "--no-browser"]
    asked = [*program, "--results", str(results), "--task", "density", "--group-by", "folder"]
    with subprocess.Popen(asked, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            url = process.stdout.readline().split()[-1]
            found = state(url)
            for number, item in enumerate(found["items"]):
                fetch(url + "label", json.dumps({"number": number, "label": item["guess"]["label"]}).encode())
            process.send_signal(signal.SIGINT)
            said = process.stdout.read()
        finally:
            process.kill()
    assert process.returncode == 0
    assert found["classes"] == ["sparse", "full"]
    assert f"{labels}: " in said
    assert "nanomorph fit-head --data" in said
    learned = labelled_samples([labels], None)
    assert {(s.path.stem, s.label, s.group) for s in learned} == {
        ("0", "sparse", "first"), ("1", "sparse", "first"), ("2", "full", "second"), ("3", "full", "second"),
    }  # fmt: skip


@pytest.mark.usefixtures("offline")
def test_from_labels_to_a_bundle_of_ones_own_as_the_readme_says(images: Path, monkeypatch) -> None:
    block = next(b for b in README.read_text(encoding="utf-8").split("```") if "nanomorph label images" in b)
    lines = [shlex.split(line, comments=True) for line in block.splitlines() if line.startswith("nanomorph")]
    assert [line[1] for line in lines] == ["label", "fit-head", "export", "batch"]
    monkeypatch.chdir(images.parent)
    monkeypatch.setenv("XDG_CACHE_HOME", str(images.parent / "cache"))
    sheet = Sheet(Path("labels.csv"))
    for sample in collect([Path("images")]):
        sheet.give(sample, "fibre" if sample.path.stem < "2" else "platelet", "")
    for line in lines[1:]:
        assert main(line[1:]) == 0, line
    with open("results/labels.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert {(row["task"], row["label"]) for row in rows} <= {("my-morphology", "fibre"), ("my-morphology", "platelet")}
    assert len(rows) == 4


def test_wrong_usage_is_one_sentence(images: Path, tiny_bundle: Path, tmp_path: Path, capsys) -> None:
    results = tmp_path / "results"
    assert main(["batch", str(images), "--out", str(results), "--bundle", str(tiny_bundle)]) == 0
    capsys.readouterr()
    for wrong, words in (
        (["--out", "labels.txt"], "ends in .csv"),
        (["--out", "a.csv", "--labels", "fibre", " "], "a class needs a name"),
        (["--out", "a.csv", "--task", "density"], "give --results, too"),
        (["--out", "a.csv", "--results", str(results)], "it has density, shape"),
        (["--out", "a.csv", "--port", "70000"], "--port 70000: give a number from 0 to 65535"),
        (["--out", str(images / "first" / "0.csv")], "has no column `file`"),
        (["--out", "a.csv", "--labels", "fibre", "Fibre"], "`Fibre` and `fibre` differ by their case alone"),
    ):
        (images / "first" / "0.csv").write_text("image,label\n")
        assert main(["label", str(images / "second"), "--no-browser", *wrong]) == 2
        told = capsys.readouterr().err
        assert words in told
        assert told.count("\n") == 1


def test_a_port_that_is_taken_is_told(server: LabelServer, images: Path, tmp_path: Path) -> None:
    taken = ["label", str(images), "--out", str(tmp_path / "a.csv"), "--port", str(server.server_port), "--no-browser"]
    assert main(taken) == 2


def test_a_task_is_named_where_a_run_has_several(images: Path, tiny_bundle: Path, tmp_path: Path) -> None:
    results = tmp_path / "results"
    assert main(["batch", str(images), "--out", str(results), "--bundle", str(tiny_bundle)]) == 0
    with pytest.raises(ConfigurationError, match="it has density, shape"):
        Guesses.of_run(results, None)
    assert Guesses.of_run(results, "density").classes == ("sparse", "full")
