"""What one file that cannot be replaced, a full disk or a vanished folder costs: never more than it must."""

import csv
import io
import logging
import shutil
import sqlite3
import sys
import tarfile
from pathlib import PureWindowsPath

import cv2
import numpy as np
import pytest

from nanomorph.cli.logs import start_logging
from nanomorph.cli.main import main
from nanomorph.errors import BlockedError, FatalError, OutputError
from nanomorph.journal import Journal, schema
from nanomorph.journal.schema import JournalError
from nanomorph.outages import writing_to
from nanomorph.running.containers import container, followed
from nanomorph.sources import Item, Rejected
from nanomorph.sources.entry import archive_of
from nanomorph.stages import FLUSH
from runs import batch


def picture(seed: int) -> bytes:
    """A dark square on a bright, noisy field, as PNG."""
    pixels = np.random.default_rng(seed).normal(200, 5, (96, 96))
    pixels[30:60, 20:50] = 60
    return cv2.imencode(".png", pixels.clip(0, 255).astype(np.uint8))[1].tobytes()


@pytest.fixture
def folder(tmp_path):
    place = tmp_path / "in"
    place.mkdir()
    for n in range(3):
        (place / f"{n}.png").write_bytes(picture(n))
    return place


def column(path, name):
    with open(path, encoding="utf-8", newline="") as file:
        return [row[name] for row in csv.DictReader(file)]


def test_a_table_that_is_open_elsewhere_is_written_later(tiny_bundle, folder, tmp_path, capsys):
    """A folder in its place stands for a table open in Excel: neither can be replaced, and files beside it can."""
    out = tmp_path / "out"
    (out / "labels.csv").mkdir(parents=True)
    assert batch(tiny_bundle, folder, "--out", out) == 3
    said = capsys.readouterr().err
    assert f"{out / 'labels.csv'}: cannot be replaced" in said
    assert "nothing is measured again" in said
    with Journal.open(out / "journal.sqlite") as journal:
        assert journal.counts()["done"] == 3
    assert (out / "report.html").is_file()
    (out / "labels.csv").rmdir()
    assert batch(tiny_bundle, folder, "--out", out) == 0
    assert "3 were settled by an earlier run" in capsys.readouterr().err
    assert sorted(set(column(out / "labels.csv", "micrograph"))) == ["0.png", "1.png", "2.png"]


def test_a_mask_that_cannot_be_replaced_stops_no_other_micrograph(tiny_bundle, folder, tmp_path):
    out = tmp_path / "out"
    (out / "masks" / "1.png.tif").mkdir(parents=True)
    assert batch(tiny_bundle, folder, "--out", out) == 1
    assert column(out / "fields.csv", "micrograph") == ["0.png", "2.png"]
    assert column(out / "quarantine.csv", "reason") == ["no-access"]
    (detail,) = column(out / "quarantine.csv", "detail")
    assert "1.png.tif: cannot be replaced" in detail
    (out / "masks" / "1.png.tif").rmdir()
    assert batch(tiny_bundle, folder, "--out", out) == 0
    assert column(out / "fields.csv", "micrograph") == ["0.png", "1.png", "2.png"]


def test_relabelled_journals_say_that_tables_are_to_be_written(tiny_bundle, folder, tmp_path, capsys):
    out = tmp_path / "out"
    assert batch(tiny_bundle, folder, "--out", out) == 0
    (out / "labels.csv").unlink()
    (out / "labels.csv").mkdir()
    assert main(["relabel", str(out), "--bundle", str(tiny_bundle)]) == 3
    assert "The journal has the new labels: the same command writes the tables." in capsys.readouterr().err
    shutil.rmtree(out / "report.html", ignore_errors=True)
    (out / "report.html").unlink(missing_ok=True)
    (out / "report.html").mkdir()
    assert main(["report", str(out)]) == 3
    assert "report.html: cannot be replaced" in capsys.readouterr().err


def test_a_path_that_is_too_long_is_one_files_trouble(tmp_path):
    with pytest.raises(BlockedError, match="its path is too long"), writing_to(tmp_path):
        (tmp_path / ("x" * 300)).write_bytes(b"")


def test_a_folder_that_cannot_be_written_is_everyones_trouble(tmp_path):
    with pytest.raises(OutputError) as raised, writing_to(tmp_path):
        (tmp_path / "gone" / "a.tif").write_bytes(b"")
    assert not isinstance(raised.value, BlockedError)


def test_a_journal_that_was_deleted_takes_nothing_more(tmp_path):
    """Its folder away as a whole may come back; made anew without it, or with another, it is lost."""
    out = tmp_path / "out"
    with Journal.open(out / "journal.sqlite") as journal:
        journal.require_in_place()
        out.rename(tmp_path / "away")
        journal.require_in_place()
        out.mkdir()
        with pytest.raises(FatalError, match="was deleted or replaced while it was written"):
            journal.require_in_place()
        (out / "journal.sqlite").write_bytes(b"another")
        with pytest.raises(FatalError, match="deleted or replaced"):
            journal.require_in_place()


@pytest.mark.parametrize(
    ("code", "kind", "words"),
    [
        (sqlite3.SQLITE_IOERR | 3 << 8, OutputError, "is the disk full, or gone"),
        (sqlite3.SQLITE_FULL, OutputError, "is the disk full, or gone"),
        (sqlite3.SQLITE_CORRUPT, JournalError, "is damaged or no journal"),
    ],
)
def test_a_full_disk_is_no_damaged_journal(tmp_path, monkeypatch, code, kind, words):
    def fail(*_):
        error = sqlite3.OperationalError("disk I/O error")
        error.sqlite_errorcode = code
        raise error

    monkeypatch.setattr(schema, "_ensure_schema", fail)
    with pytest.raises(kind, match=words):
        Journal.open(tmp_path / "journal.sqlite")


def test_addresses_of_journals():
    """SQLite takes a server in a URI for an error: the path of a share has four slashes."""
    paths = map(PureWindowsPath, (r"C:\a b\j.sqlite", r"\\server\s\j.sqlite"))
    local, share = (schema._address(path, "mode=ro") for path in paths)
    assert local == "file:///C:/a%20b/j.sqlite?mode=ro"
    assert share == "file:////server/s/j.sqlite?mode=ro"


def test_output_goes_through_narrow_pipes(monkeypatch):
    narrow = io.TextIOWrapper(io.BytesIO(), encoding="cp1252")
    monkeypatch.setattr(sys, "stdout", narrow)
    assert main(["--version"]) == 0
    print("日.tif", flush=True)
    assert narrow.buffer.getvalue().endswith(b"\\u65e5.tif\n")


def test_measuring_goes_on_when_nobody_reads(monkeypatch, capsys):
    class Gone(io.StringIO):
        def write(self, _):
            raise BrokenPipeError

    monkeypatch.setattr(sys, "stdout", Gone())
    logger = logging.getLogger("nanomorph")
    before = logger.handlers, logger.propagate, logger.level
    try:
        start_logging(as_json=True)
        logger.info("one")
        logger.info("two")
        assert not logger.handlers
    finally:
        logger.handlers, logger.propagate = before[:2]
        logger.setLevel(before[2])
    assert "Traceback" not in capsys.readouterr().err


# --- archives that are completed ------------------------------------------------------------------------


def test_where_inputs_lie():
    assert container("a/x.zip!/m/b.tif") == "a/x.zip"
    assert container("a/b.tif") == "a/"
    assert container("a/") == container("b.tif") == "./"
    assert archive_of("x!/b.tif") is None
    assert archive_of("a/X.TAR.GZ!/b.tif") == "a/X.TAR.GZ"


def test_what_was_gone_through_to_its_end_is_absolved():
    def entry(name):
        return Item(name, 1, None, bytes, "")

    opened = []
    cut = Rejected("cut.tar", "corrupt-archive", "")
    stream = [entry("x.zip!/a.tif"), entry("cut.tar!/a.tif"), cut, FLUSH, entry("y.zip!/a.tif")]
    assert list(followed(stream, opened.append)) == stream
    assert [name for name in opened if name != "./"] == ["x.zip", "y.zip"]


def test_a_completed_archive_leaves_the_quarantine(tiny_bundle, tmp_path):
    out, archive = tmp_path / "out", tmp_path / "in" / "x.tar"
    archive.parent.mkdir()
    with tarfile.open(archive, "w") as tar:
        for n in range(2):
            info = tarfile.TarInfo(f"{n}.png")
            info.size = len(data := picture(n))
            tar.addfile(info, io.BytesIO(data))
    whole = archive.read_bytes()
    archive.write_bytes(whole[: 512 + info.size])
    assert batch(tiny_bundle, archive.parent, "--out", out) == 1
    assert "x.tar" in column(out / "quarantine.csv", "input")
    archive.write_bytes(whole)
    assert batch(tiny_bundle, archive.parent, "--out", out) == 0
    assert column(out / "quarantine.csv", "input") == []
    assert column(out / "fields.csv", "micrograph") == ["x.tar!/0.png", "x.tar!/1.png"]
