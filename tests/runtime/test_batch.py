"""`nanomorph batch` through the real program, with a bundle whose answers are known by heart."""

import io
import json
import os
import signal
import subprocess
import sys
import tarfile
import zipfile
from urllib.parse import quote

import cv2
import numpy as np
import pytest
import tifffile

from nanomorph.bundle import load_bundle
from nanomorph.cli.batch import summary
from nanomorph.cli.main import main
from nanomorph.journal import JournalReader
from nanomorph.model import Model
from nanomorph.naming import natural_key
from nanomorph.results import result_path
from nanomorph.running.run import Run
from nanomorph.running.work import Settings
from nanomorph.sources import discover
from runs import batch, rows

NM_PER_PX = 0.5


def rod(path, length=100, width=20, bits=8):
    """A dark rod on a bright 192 x 160 px field, with its pixel size."""
    pixels = np.full((160, 192), 220, np.uint8)
    pixels[70 : 70 + width, 40 : 40 + length] = 20
    pixels = pixels.astype(np.uint16) * 257 if bits == 16 else pixels
    resolution = 1e7 / NM_PER_PX
    tifffile.imwrite(path, pixels, resolution=(resolution, resolution), resolutionunit="CENTIMETER")


def disc(path, radius=30):
    pixels = np.full((160, 192), 220, np.uint8)
    cv2.circle(pixels, (96, 80), radius, 20, thickness=-1)
    assert cv2.imwrite(str(path), pixels)


@pytest.fixture
def folder(tmp_path):
    """Two good micrographs in subfolders, a text file, a truncated TIFF."""
    place = tmp_path / "acquisition"
    (place / "grid 1").mkdir(parents=True)
    rod(place / "grid 1" / "rod.tif", bits=16)
    disc(place / "disc.png")
    (place / "notes.txt").write_text("overnight run")
    rod(place / "cut.tif")
    data = (place / "cut.tif").read_bytes()
    (place / "cut.tif").write_bytes(data[: len(data) // 2])
    return place


def timeless(out, table):
    """The rows of a table without the columns that say when."""
    return [{k: v for k, v in row.items() if k not in {"processed_at", "first_seen"}} for row in rows(out, table)]


def test_a_folder_becomes_tables_masks_overlays_and_a_report(tiny_bundle, folder, tmp_path):
    out = tmp_path / "out"
    assert batch(tiny_bundle, folder, "--out", out) == 1  # two inputs are quarantined

    fields = {row["micrograph"]: row for row in rows(out, "fields")}
    assert list(fields) == ["disc.png", "grid 1/rod.tif"]
    assert fields["disc.png"]["calibration"] == "none"
    assert fields["disc.png"]["nm_per_px_x"] == ""
    assert float(fields["grid 1/rod.tif"]["nm_per_px_x"]) == pytest.approx(NM_PER_PX)
    assert float(fields["grid 1/rod.tif"]["foreground_fraction"]) == pytest.approx(100 * 20 / (192 * 160), rel=1e-3)

    labels = {(row["micrograph"], row["task"]): row for row in rows(out, "labels")}
    assert labels["grid 1/rod.tif", "shape"]["label"] == "rod"
    assert labels["disc.png", "shape"]["label"] == "disc"
    assert labels["disc.png", "density"]["label"] == "sparse"
    assert labels["disc.png", "density"]["provider"] == "CPU"
    assert labels["disc.png", "density"]["precision"] == "fp32"

    (domain,) = [row for row in rows(out, "domains") if row["micrograph"] == "grid 1/rod.tif"]
    assert float(domain["area_px"]) == 100 * 20
    assert float(domain["area_nm2"]) == pytest.approx(100 * 20 * NM_PER_PX**2)
    assert float(domain["width_median_nm"]) == pytest.approx(20 * NM_PER_PX, abs=0.2)
    assert domain["shape"] == "rod"
    (domain,) = [row for row in rows(out, "domains") if row["micrograph"] == "disc.png"]
    assert domain["area_nm2"] == ""
    assert float(domain["area_px"]) == pytest.approx(np.pi * 30**2, rel=0.03)

    quarantine = {row["input"]: row["reason"] for row in rows(out, "quarantine")}
    assert quarantine == {"cut.tif": "truncated", "notes.txt": "not-an-image"}

    mask = tifffile.imread(out / "masks" / "grid 1" / "rod.tif.tif")
    assert mask.shape == (160, 192)
    assert (mask == int(domain["domain"])).sum() == 100 * 20
    assert cv2.imread(str(out / "overlays" / "disc.png.png")) is not None
    assert "rod.tif" in (out / "report.html").read_text(encoding="utf-8")


def test_running_again_does_nothing_twice(tiny_bundle, folder, tmp_path, capsys):
    out = tmp_path / "out"
    batch(tiny_bundle, folder, "--out", out)
    before = (out / "labels.csv").read_bytes()
    assert batch(tiny_bundle, folder, "--out", out, "--json") == 1
    events = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert {event["outcome"] for event in events} == {"skipped"}
    assert (out / "labels.csv").read_bytes() == before


def test_a_new_file_is_added_to_what_is_there(tiny_bundle, folder, tmp_path):
    out = tmp_path / "out"
    batch(tiny_bundle, folder, "--out", out)
    disc(folder / "another.png", radius=20)
    batch(tiny_bundle, folder, "--out", out)
    assert [row["micrograph"] for row in rows(out, "fields")] == ["another.png", "disc.png", "grid 1/rod.tif"]


def test_the_output_may_lie_inside_the_input(tiny_bundle, folder):
    assert batch(tiny_bundle, folder, "--out", folder / "results") == 1
    assert batch(tiny_bundle, folder, "--out", folder / "results") == 1
    assert len(rows(folder / "results", "fields")) == 2


@pytest.mark.parametrize(
    ("first", "then", "said"),
    [
        ([], ["--nm-per-px", "0.4"], "made with no --nm-per-px, this run has --nm-per-px 0.4: choose another --out."),
        (["--edges", "count"], [], "made with --edges count, this run has --edges leave-out: choose another --out."),
    ],
)
def test_another_way_of_measuring_is_named_as_its_option(tiny_bundle, folder, tmp_path, capsys, first, then, said):
    batch(tiny_bundle, folder / "grid 1", "--out", tmp_path / "out", *first)
    assert batch(tiny_bundle, folder / "grid 1", "--out", tmp_path / "out", *then) == 2
    assert f"holds results {said}" in capsys.readouterr().err


def test_the_users_pixel_size_overrides_metadata(tiny_bundle, folder, tmp_path):
    out = tmp_path / "out"
    assert batch(tiny_bundle, folder / "grid 1" / "rod.tif", "--out", out, "--nm-per-px", 2) == 0
    (field,) = rows(out, "fields")
    assert field["micrograph"] == "rod.tif"
    assert field["calibration"] == "user"
    assert float(rows(out, "domains")[0]["area_nm2"]) == pytest.approx(100 * 20 * 4)
    oblong = tmp_path / "oblong"
    assert batch(tiny_bundle, folder / "grid 1" / "rod.tif", "--out", oblong, "--nm-per-px", "2,0.5") == 0
    (field,) = rows(oblong, "fields")
    assert (field["nm_per_px_x"], field["nm_per_px_y"]) == ("2", "0.5")
    assert float(rows(oblong, "domains")[0]["area_nm2"]) == pytest.approx(100 * 20 * 1)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("1,2,3", "argument --nm-per-px: '1,2,3': give a number of nm, as 0.42, or two for x and y"),
        ("wide", "argument --nm-per-px: 'wide': give a number of nm"),
        ("", "argument --nm-per-px: '': give a number of nm"),
        # Half of the world's decimal point.
        ("1,42", "1,42: 1.42 with a decimal point? If x and y differ, write 1.0,42.0"),
        ("0,42", "0,42: 0.42 with a decimal point?"),
        ("2e-9", "--nm-per-px 2e-09: a pixel size is 0.0001 to 100000 nanometres: did you mean m? Then give 2."),
        ("0.00005", "did you mean um? Then give 0.05."),
        ("2500000", "did you mean pm? Then give 2500."),
        ("1.0,-2.0", "--nm-per-px -2.0: a pixel size is a positive number of nanometres."),
    ],
)
def test_what_is_no_pixel_size(given, said, capsys):
    assert main(["batch", ".", "--out", "o", "--nm-per-px", given]) == 2
    assert said in capsys.readouterr().err


def test_the_help_asks_for_a_decimal_point(capsys):
    with pytest.raises(SystemExit):
        main(["batch", "--help"])
    assert "with a decimal point (0.42)" in " ".join(capsys.readouterr().out.split())


def test_two_ways_of_measuring_are_never_mixed(tiny_bundle, folder, tmp_path, capsys):
    out = tmp_path / "out"
    batch(tiny_bundle, folder, "--out", out)
    for other in (["--nm-per-px", 2], ["--outline", "model"], ["--edges", "count"], ["--detail", "whole"]):
        assert batch(tiny_bundle, folder, "--out", out, *other) == 2
        assert "choose another --out" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["missing"], "missing"),
        ([".", "--nm-per-px", "-1"], "a pixel size is a positive number"),
        ([".", "--workers", "0"], "give 1 or more"),
        ([".", "--precision", "int8"], "no int8 backbone"),
        ([".", "--device", "tensorrt"], "TensorRT"),
    ],
)
def test_wrong_usage_starts_nothing(tiny_bundle, tmp_path, monkeypatch, capsys, arguments, words):
    monkeypatch.chdir(tmp_path)
    assert main(["batch", *arguments, "--out", "out", "--bundle", str(tiny_bundle)]) == 2
    assert words in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_any_number_of_workers_gives_the_same_tables(tiny_bundle, folder, tmp_path):
    for n in range(6):
        disc(folder / f"disc {n}.png", radius=20 + n)
    tables = []
    for workers in (1, 4):
        out = tmp_path / f"out{workers}"
        batch(tiny_bundle, folder, "--out", out, "--workers", workers)
        tables.append([timeless(out, name) for name in ("labels", "fields", "domains", "quarantine")])
    assert tables[0] == tables[1]


@pytest.mark.parametrize("device", ["cpu", "openvino"])
def test_workers_and_batches_change_no_byte(tiny_bundle, folder, tmp_path, device):
    """Tables, masks and wires are those of one worker and single frames; rows stand in the order of the inputs."""
    if device == "openvino":
        pytest.importorskip("openvino", reason="needs the extra `openvino`")
    for n in range(9):
        disc(folder / f"disc {n}.png", radius=20 + n)
    bundle, outs = load_bundle(tiny_bundle), []
    for workers, frames in ((1, 1), (4, None), (3, 2), (2, 7)):
        outs.append(tmp_path / f"{workers} {frames}")
        model = Model(bundle, device, threads=workers)
        with Run(outs[-1], model, Settings(workers=workers, batch=frames, overlays=False), "test") as run_:
            names = [event.name for event in run_.process(discover([folder])) if event.outcome == "done"]
        assert len(names) == 11
        assert names == sorted(names, key=natural_key)
    tables = [[timeless(out, name) for name in ("labels", "fields", "domains", "wires")] for out in outs]
    masks = [{path.name: path.read_bytes() for path in sorted(out.rglob("*.tif"))} for out in outs]
    assert len(masks[0]) == 11
    assert all(table == tables[0] for table in tables)
    assert all(mask == masks[0] for mask in masks)


def hostile_zip(path, folder):
    """Five good micrographs, a text, half a TIFF, a name that escapes, a bomb."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for n in range(5):
            archive.write(folder / "disc.png", f"series/{n}.png")
        archive.writestr("readme.txt", "five discs")
        archive.write(folder / "cut.tif", "series/cut.tif")
        archive.write(folder / "disc.png", "../escaped.png")
        archive.writestr("bomb.tif", b"")
    # Claim 20 GB for the bomb in the central directory, as a bomb's maker would hide the opposite.
    data = path.read_bytes()
    at = data.rfind(b"PK\x01\x02")
    path.write_bytes(data[: at + 24] + (0xFFFFFFF0).to_bytes(4, "little") + data[at + 28 :])


def test_a_hostile_archive_does_no_harm(tiny_bundle, folder, tmp_path):
    path = tmp_path / "mixed.zip"
    hostile_zip(path, folder)
    out = tmp_path / "out"
    assert batch(tiny_bundle, path, "--out", out) == 1
    assert [row["micrograph"] for row in rows(out, "fields")] == [f"mixed.zip!/series/{n}.png" for n in range(5)]
    reasons = {row["input"]: row["reason"] for row in rows(out, "quarantine")}
    assert reasons == {
        "mixed.zip!/readme.txt": "not-an-image",
        "mixed.zip!/series/cut.tif": "truncated",
        "mixed.zip!/../escaped.png": "unsafe-path",
        "mixed.zip!/bomb.tif": "decompression-bomb",
    }
    assert not (tmp_path / "escaped.png").exists()


def test_a_compressed_tar_is_read_in_place(tiny_bundle, folder, tmp_path):
    path = tmp_path / "day.tar.gz"
    with tarfile.open(path, "w:gz") as archive:
        archive.add(folder / "disc.png", "a/disc.png")
        archive.add(folder / "grid 1" / "rod.tif", "rod.tif")
        info = tarfile.TarInfo("link.png")
        info.type, info.linkname = tarfile.SYMTYPE, "/etc/passwd"
        archive.addfile(info, io.BytesIO())
    out = tmp_path / "out"
    assert batch(tiny_bundle, path, "--out", out) == 1
    assert [row["micrograph"] for row in rows(out, "fields")] == ["day.tar.gz!/a/disc.png", "day.tar.gz!/rod.tif"]
    assert [row["input"] for row in rows(out, "quarantine")] == ["day.tar.gz!/link.png"]


@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGKILL")
def test_killed_and_started_again_it_ends_as_if_never_killed(tiny_bundle, folder, tmp_path):
    for n in range(30):
        disc(folder / f"disc {n:02}.png", radius=15 + n)
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    assert batch(tiny_bundle, folder, "--out", whole) == 1

    command = [sys.executable, "-m", "nanomorph.cli.main", "batch", str(folder), "--out", str(killed), "--json"]
    command += ["--bundle", str(tiny_bundle), "--device", "cpu"]
    for after in (1, 7, 12):
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
            for _, line in zip(range(after), process.stdout, strict=False):
                assert line
            process.send_signal(signal.SIGKILL)
    assert subprocess.run(command, capture_output=True, check=False).returncode == 1

    for table in ("labels", "fields", "domains", "quarantine"):
        assert timeless(killed, table) == timeless(whole, table)
    files = [sorted(p.relative_to(out).as_posix() for p in out.rglob("*") if p.is_file()) for out in (killed, whole)]
    assert files[0] == files[1]


@pytest.mark.skipif(os.name == "nt", reason="Windows delivers signals otherwise")
@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP"])
def test_a_signal_leaves_whole_tables_and_a_report(tiny_bundle, folder, tmp_path, name):
    """As Ctrl-C, a cluster's scheduler and a terminal that is closed send them."""
    for n in range(40):
        disc(folder / f"disc {n:02}.png", radius=15 + n)
    out = tmp_path / "out"
    command = [sys.executable, "-m", "nanomorph.cli.main", "batch", str(folder), "--out", str(out), "--json"]
    command += ["--bundle", str(tiny_bundle), "--device", "cpu", "--workers", "1"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert any('"done"' in line for line in process.stdout)
        process.send_signal(getattr(signal, name))
        _, said = process.communicate(timeout=60)
    assert process.returncode == 130
    assert said.endswith("nanomorph: interrupted; what was finished is kept\n")
    with JournalReader.open(out / "journal.sqlite") as journal:
        done = journal.counts()["done"]
    assert 0 < done < 40
    assert len(rows(out, "fields")) == done
    assert (out / "report.html").is_file()


def test_a_folder_that_cannot_be_written_to_is_said_in_a_line(tiny_bundle, tmp_path, capsys):
    rod(tmp_path / "a.tif")
    (tmp_path / "out" / "journal.lock").mkdir(parents=True)  # also root may not write that
    line = ["batch", str(tmp_path / "a.tif"), "--out", str(tmp_path / "out"), "--bundle", str(tiny_bundle)]
    assert main(line) == 2
    assert "out cannot be written to (" in capsys.readouterr().err.splitlines()[-1]


def test_an_empty_folder_is_questioned(tiny_bundle, tmp_path, capsys):
    (tmp_path / "in").mkdir()
    line = ["batch", str(tmp_path / "in"), "--out", str(tmp_path / "out"), "--bundle", str(tiny_bundle)]
    assert main(line) == 0
    said = capsys.readouterr().err.splitlines()
    assert said[-3].endswith(" s")
    assert said[-2] == "Nothing was found there: is it the right folder?"


def test_results_that_another_file_of_the_same_name_replaces_are_counted(tiny_bundle, tmp_path, capsys):
    """Microscopes begin with 001 every day."""
    for day, draw in (("monday", rod), ("tuesday", disc)):
        (tmp_path / day).mkdir()
        draw(tmp_path / day / "001.png")
        assert batch(tiny_bundle, tmp_path / day, "--out", tmp_path / "out") == 0
        said = capsys.readouterr().err
        assert ("1 replaced results of other content under the same name" in said) == (day == "tuesday")


def test_equal_name_size_and_time_are_not_the_same_file(tiny_bundle, tmp_path):
    """Clocks of files tick coarsely, and raw images of a microscope all have one size."""
    for day, length in (("monday", 100), ("tuesday", 40)):
        (tmp_path / day).mkdir()
        rod(tmp_path / day / "001.tif", length)
        with tarfile.open(tmp_path / day / "x.tar", "w") as archive:
            archive.add(tmp_path / day / "001.tif", "001.tif", filter=lambda info: info.replace(mtime=10, deep=False))
        for file in (tmp_path / day).iterdir():
            os.utime(file, (10, 10))
        assert batch(tiny_bundle, tmp_path / day, "--out", tmp_path / "out") == 0
        assert [float(row["area_px"]) for row in rows(tmp_path / "out", "domains")] == [length * 20] * 2
    assert len({file.stat().st_size for file in tmp_path.rglob("001.tif")}) == 1


def test_the_same_files_in_another_place_are_not_measured_again(tiny_bundle, tmp_path, capsys):
    """A share that is mounted elsewhere, or whose times have moved by an hour (FAT, daylight saving)."""
    place, out = tmp_path / "in", tmp_path / "out"
    place.mkdir()
    rod(place / "a.tif")
    assert batch(tiny_bundle, place, "--out", out) == 0
    before = timeless(out, "fields"), (out / "masks" / "a.tif.tif").stat().st_mtime_ns
    place.rename(tmp_path / "moved")
    os.utime(tmp_path / "moved" / "a.tif", (10, 10))
    assert batch(tiny_bundle, tmp_path / "moved", "--out", out, "--json") == 0
    shown = capsys.readouterr()
    assert json.loads(shown.out)["outcome"] == "touched"
    assert "1 were settled by an earlier run" in shown.err
    assert (timeless(out, "fields"), (out / "masks" / "a.tif.tif").stat().st_mtime_ns) == before


def test_results_of_two_precisions_are_told_of(tiny_bundle, folder, tmp_path):
    model = Model(load_bundle(tiny_bundle), "cpu")
    with Run(tmp_path / "out", model, Settings(), "x") as run:
        assert list(run.process(discover([folder])))
        assert "computed in" not in summary(run)
    model.engine.precision = "int8"
    with Run(tmp_path / "out", model, Settings(), "x") as run:
        assert list(run.process(discover([folder])))
        assert "there are results computed in fp32, this run computes in int8" in summary(run)


def test_a_finished_folder_is_no_wrong_folder(tiny_bundle, folder, tmp_path):
    """A watcher that is started again is given nothing that is settled."""
    model = Model(load_bundle(tiny_bundle), "cpu")
    with Run(tmp_path / "out", model, Settings(), "x") as run:
        assert list(run.process(discover([folder])))
    with Run(tmp_path / "out", model, Settings(), "x") as run:
        assert "Nothing new was found." in summary(run)


def test_names_that_differ_by_case_alone_have_files_of_their_own(tiny_bundle, tmp_path):
    """Windows and most shares take A.png and a.png for one file, and results travel there."""
    path, out = tmp_path / "day.zip", tmp_path / "out"
    names = ("A.png", "a.png", "Run/b.png", "run/b.png")
    with zipfile.ZipFile(path, "w") as archive:
        for n, name in enumerate(names):
            disc(tmp_path / "disc.png", radius=20 + n)
            archive.write(tmp_path / "disc.png", name)
    assert batch(tiny_bundle, path, "--out", out) == 0
    files = [one.relative_to(out / "masks").as_posix() for one in (out / "masks").rglob("*.tif")]
    assert len({one.casefold() for one in files}) == len(names)
    assert {"day.zip!/A.png.tif", "day.zip!/Run/b.png.tif"} < set(files)
    areas = {row["micrograph"]: float(row["area_px"]) for row in rows(out, "domains")}
    with JournalReader.open(out / "journal.sqlite") as journal:
        for name, area in areas.items():
            mask = result_path(out, "masks", name, ".tif", journal.is_apart(name))
            assert (tifffile.imread(mask) > 0).sum() == area
    assert len(set(areas.values())) == len(names)
    page = (out / "report.html").read_text(encoding="utf-8")
    pictures = [one.relative_to(out).as_posix() for one in (out / "overlays").rglob("*.png")]
    assert all(quote(one) in page for one in pictures)

    with zipfile.ZipFile(path, "w") as archive:  # all have changed
        for n, name in enumerate(reversed(names)):
            disc(tmp_path / "disc.png", radius=30 + n)
            archive.write(tmp_path / "disc.png", name)
    assert batch(tiny_bundle, path, "--out", out) == 0
    assert sorted(one.relative_to(out / "masks").as_posix() for one in (out / "masks").rglob("*.tif")) == sorted(files)


def test_a_twin_that_cannot_be_used_takes_no_pictures_away(tiny_bundle, tmp_path):
    """On a share that tells no case apart, removing those of a.png would remove those of A.png."""
    path, out, masks = tmp_path / "day.zip", tmp_path / "out", tmp_path / "out" / "masks" / "day.zip!"
    disc(tmp_path / "disc.png")
    with zipfile.ZipFile(path, "w") as archive:
        archive.write(tmp_path / "disc.png", "A.png")
    assert batch(tiny_bundle, path, "--out", out) == 0
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("a.png", b"")
    (masks / "A.png.tif").rename(masks / "a.png.tif")  # one name is as good as the other there
    assert batch(tiny_bundle, path, "--out", out) == 1
    assert (masks / "a.png.tif").exists()
