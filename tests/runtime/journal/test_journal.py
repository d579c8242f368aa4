"""The journal keeps what was committed, knows what is done, and lets in one process."""

import os
import sqlite3
import subprocess
import sys
import threading
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from nanomorph.errors import FatalError
from nanomorph.journal import Journal, JournalBusy, JournalError
from nanomorph.results import rows_of
from nanomorph.sources import Item, Rejected
from runs import item

COUNTS = {"done": 0, "quarantined": 0, "alias": 0}


@pytest.fixture
def path(tmp_path) -> Path:
    return tmp_path / "out" / "journal.sqlite"


def test_record_and_read_back(path, make_analysis, tasks):
    analysis = make_analysis("a.tif")
    with Journal.open(path) as journal:
        assert not journal.settled(item())
        journal.record(item(), rows_of(analysis))
        journal.remember("bundle", "b1")
    with Journal.open(path) as journal:
        assert journal.settled(item())
        assert journal.counts() == COUNTS | {"done": 1}
        assert journal.tasks() == tasks
        assert (journal.recall("bundle"), journal.recall("command")) == ("b1", None)
        assert journal.find_content(analysis.sha256) == "a.tif"
        (measured,) = journal.measured(domains=True, vectors=True)
    assert measured.field == rows_of(analysis).field
    assert measured.domains == rows_of(analysis).domains
    assert measured.descriptors["foreground_fraction"] == 1 / 30
    np.testing.assert_array_equal(np.frombuffer(measured.embedding, "<f4"), [0, 1, 2, 3])


@pytest.mark.parametrize("changed", [{"size": 11}, {"stamp": "2"}])
def test_a_changed_file_is_new_work_and_supersedes(path, make_analysis, changed):
    with Journal.open(path) as journal:
        journal.record(item(), rows_of(make_analysis(label="singular")))
        assert not journal.settled(replace(item(), **changed))
        journal.record(replace(item(), **changed), rows_of(make_analysis(label="network")))
        (measured,) = journal.measured()
        assert measured.labels[0]["label"] == "network"
        assert journal.counts()["done"] == 1
        assert [event for _, event, _ in journal.history("a.tif")] == ["done", "superseded", "done"]


def test_quarantine_counts_tries_and_keeps_the_first_sight(path, make_analysis, monkeypatch):
    times = iter(["2026-01-01T00:00:00Z"] * 2 + ["2026-01-02T00:00:00Z"] * 9)
    monkeypatch.setattr("nanomorph.journal.store.now", lambda: next(times))
    with Journal.open(path) as journal:
        journal.quarantine(item(), "truncated", "ends early")
        assert journal.settled(item())
        journal.quarantine(item(stamp="2"), "empty", "0 bytes")
        (bad,) = journal.quarantined()
        assert (bad.reason, bad.detail, bad.tries) == ("empty", "0 bytes", 2)
        assert bad.first_seen == "2026-01-01T00:00:00Z"
        journal.record(item(stamp="3"), rows_of(make_analysis()))
        assert journal.counts() == COUNTS | {"done": 1}


def test_rejected_brings_its_own_reason(path):
    bad = Rejected("a.zip!/../x", "unsafe-path", "points outside")
    with Journal.open(path) as journal:
        journal.quarantine(bad)
        assert journal.settled(bad)
        (found,) = journal.quarantined()
    assert (found.name, found.reason, found.detail, found.tries) == (
        "a.zip!/../x",
        "unsafe-path",
        "points outside",
        1,
    )


@pytest.mark.parametrize("reason", ["needs-extra", "no-access", "internal-error"])
def test_what_may_be_mended_without_a_change_is_tried_again(path, reason):
    with Journal.open(path) as journal:
        journal.quarantine(item(), reason, "")
        assert not journal.settled(item())


def test_alias_is_listed_not_measured(path, make_analysis):
    with Journal.open(path) as journal:
        journal.record(item("x_1.ser"), rows_of(make_analysis("x_1.ser")))
        journal.alias(item("x.emi"), of="x_1.ser")
        assert journal.settled(item("x.emi"))
        assert {one.name: one.duplicate_of for one in journal.measured()} == {
            "x_1.ser": "",
            "x.emi": "x_1.ser",
        }
        assert journal.counts() == COUNTS | {"done": 1, "alias": 1}


def test_rows_come_in_natural_order_over_many_pages(path, make_analysis):
    names = [f"img{n}.tif" for n in range(150)]
    rows = rows_of(make_analysis())
    with Journal.open(path) as journal:
        journal.record_all([(item(name), rows) for name in reversed(names)])
        assert [one.name for one in journal.measured()] == names


def test_reading_while_another_thread_writes(path, make_analysis):
    rows = rows_of(make_analysis())
    with Journal.open(path) as journal:
        journal.record_all([(item(f"a{n}.tif"), rows) for n in range(100)])
        reader = journal.measured()
        first = next(reader).name
        writer = threading.Thread(target=lambda: journal.record(item("z.tif"), rows))
        writer.start()
        writer.join()
        assert [first, *(one.name for one in reader)] == [*(f"a{n}.tif" for n in range(100)), "z.tif"]


def test_second_process_is_refused_with_the_first_ones_id(path):
    with (
        Journal.open(path),
        pytest.raises(JournalBusy, match=rf"being written by process {os.getpid()}: .*another --out") as busy,
    ):
        Journal.open(path)
    assert busy.value.exit_code == 2
    Journal.open(path).close()


KILLED = """
import os, sys
from pathlib import Path
from nanomorph.journal import Journal, Rows
from nanomorph.sources import Item

journal = Journal.open(Path(sys.argv[1]))
rows = Rows("", {}, [], ("micrograph",), "", {}, {}, b"", "", "", "")
journal.record(Item("first.tif", 1, None, bytes, ""), rows)
original = journal._replace
def dying(entry, *arguments, **cells):
    released = original(entry, *arguments, **cells)
    if entry.name == "third.tif":
        os._exit(9)  # as kill -9: nothing is flushed, closed or rolled back
    return released
journal._replace = dying
journal.record_all([(Item(name, 1, None, bytes, ""), rows) for name in ("second.tif", "third.tif")])
"""


def test_killed_in_the_middle_of_a_transaction(path):
    died = subprocess.run([sys.executable, "-c", KILLED, str(path)], env=_environment(), timeout=60, check=False)
    assert died.returncode == 9
    with Journal.open(path) as journal:
        assert [one.name for one in journal.measured()] == ["first.tif"]
        assert journal.settled(Item("first.tif", 1, None, bytes, ""))
        assert not journal.settled(Item("second.tif", 1, None, bytes, ""))


def _environment() -> dict[str, str]:
    return os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}


def test_a_journal_is_one_file_when_closed(path, make_analysis):
    with Journal.open(path) as journal:
        journal.record(item(), rows_of(make_analysis()))
    assert sorted(file.name for file in path.parent.iterdir()) == ["journal.lock", "journal.sqlite"]


def test_other_files_and_other_versions_are_refused(path):
    path.parent.mkdir()
    path.write_bytes(b"no database at all, but a text of some length" * 100)
    with pytest.raises(JournalError, match=r"damaged or no journal.*move it away"):
        Journal.open(path)
    path.unlink()
    Journal.open(path).close()
    database = sqlite3.connect(path)
    database.execute("PRAGMA user_version = 99")
    database.close()
    with pytest.raises(JournalError, match="journal version 99"):
        Journal.open(path)


def test_disk_full_is_fatal_and_leaves_the_journal_usable(path, make_analysis):
    rows = rows_of(make_analysis())
    with Journal.open(path) as journal:
        journal.record(item(), rows)
        (pages,) = journal._database.execute("PRAGMA page_count").fetchone()
        journal._database.execute(f"PRAGMA max_page_count = {pages}")
        with pytest.raises(FatalError, match=r"is the disk full\?"):
            journal.record_all([(item(f"{n}.tif"), rows) for n in range(500)])
        assert [one.name for one in journal.measured()] == ["a.tif"]
        journal._database.execute("PRAGMA max_page_count = 100000")
        journal.record(item("b.tif"), rows)
        assert journal.counts()["done"] == 2
