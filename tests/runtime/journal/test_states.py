"""What is under way, what it leaves when a process dies, and who may look."""

import os
import sqlite3
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from nanomorph.journal import Held, Journal, JournalError, JournalReader, writer_of
from nanomorph.results import rows_of
from runs import item


@pytest.fixture
def path(tmp_path) -> Path:
    return tmp_path / "out" / "journal.sqlite"


DYING = """
import contextlib, os, sys
from pathlib import Path
from nanomorph.journal import Journal
from nanomorph.sources import Item

journal = Journal.open(Path(sys.argv[1]))
with contextlib.ExitStack() as stack:
    for name in sys.argv[2:]:
        stack.enter_context(journal.claimed(Item(name, 1, None, bytes, "")))
    os._exit(9)
"""


def die_with(path, *names):
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    done = subprocess.run([sys.executable, "-c", DYING, str(path), *names], env=environment, timeout=60, check=False)
    assert done.returncode == 9


def test_deaths_are_counted_for_what_was_being_read_each_time(path):
    die_with(path, "a.tif", "b.tif")
    die_with(path, "a.tif")
    with Journal.open(path) as journal:
        assert (journal.deaths("a.tif"), journal.deaths("b.tif"), journal.deaths("c.tif")) == (2, 2, 0)
        with journal.claimed(item("a.tif")):
            assert journal.deaths("a.tif") == 2
        assert journal.deaths("a.tif") == 0


def test_an_error_is_no_death(path):
    with Journal.open(path) as journal, pytest.raises(ValueError, match="bad"), journal.claimed(item()):
        raise ValueError("bad")
    with Journal.open(path) as journal:
        assert journal.deaths("a.tif") == 0


def test_what_is_held_is_replaced_as_a_whole_and_leaves_when_settled(path, make_analysis):
    one = Held("a.tif", "truncated", "ends early", "2026-01-01T00:00:00Z", 2)
    other = Held("b.tif", "changing", "still written", "2026-01-02T00:00:00Z", 0)
    with Journal.open(path) as journal:
        journal.hold([one, other])
        assert journal.held() == [one, other]
        journal.record(item(), rows_of(make_analysis()))
        assert journal.held() == [other]
        journal.hold([])
        assert journal.held() == []
        journal.hold([one])
    with Journal.open(path) as journal:
        assert journal.held() == []  # nobody knows of it any more


def test_an_alias_is_released_when_its_original_changes(path, make_analysis):
    rows = rows_of(make_analysis("a.tif"))
    with Journal.open(path) as journal:
        journal.record(item("a.tif"), rows)
        journal.alias(item("b.tif"), of="a.tif", sha256=rows.sha256)
        journal.alias(item("a.emi"), of="a.tif")
        assert journal.record(item("a.tif", stamp="2"), rows) == []  # the same content again
        assert journal.quarantine(item("a.tif", stamp="3"), "truncated", "") == ["b.tif"]
        assert not journal.settled(item("b.tif"))
        assert journal.settled(item("a.emi"))
        assert [event for _, event, _ in journal.history("b.tif")] == ["alias", "released"]


def test_content_is_found_by_bundle_and_rather_under_its_own_name(path, make_analysis):
    rows = rows_of(make_analysis("a.tif"))
    with Journal.open(path) as journal:
        journal.record(item("b.tif"), rows)
        journal.record(item("a.tif"), rows)
        assert journal.find_content(rows.sha256) == "a.tif"
        assert journal.find_content(rows.sha256, prefer="b.tif") == "b.tif"
        assert journal.find_content(rows.sha256, "b1") == "a.tif"
        assert journal.find_content(rows.sha256, "another") is None


def test_touched_keeps_the_measurement_under_the_new_time(path, make_analysis):
    with Journal.open(path) as journal:
        journal.record(item(), rows_of(make_analysis()))
        journal.touched(item(stamp="2"))
        assert journal.settled(item(stamp="2"))
        assert not journal.settled(item(stamp="1"))
        assert journal.counts()["done"] == 1


def test_a_reader_sees_a_running_journal_and_disturbs_nobody(path, make_analysis):
    with Journal.open(path) as journal:
        journal.record(item(), rows_of(make_analysis()))
        with JournalReader.open(path) as reader:
            assert reader.counts()["done"] == 1
            assert [name for _, name, _ in reader.latest(5)] == ["a.tif"]
            assert writer_of(path) == f"process {os.getpid()}"
            with pytest.raises(sqlite3.OperationalError, match="readonly"):
                reader._database.execute("DELETE FROM inputs")
        journal.record(item("b.tif"), rows_of(make_analysis("b.tif")))
    assert writer_of(path) is None
    with JournalReader.open(path) as reader:
        assert reader.counts()["done"] == 2


def test_nothing_to_read_is_said_so(path):
    with pytest.raises(JournalError, match="nothing was measured"):
        JournalReader.open(path)


def test_a_journal_of_version_1_is_brought_up_to_date(path, make_analysis):
    with Journal.open(path) as journal:
        journal.record(item(), rows_of(make_analysis()))
    old = sqlite3.connect(path)
    old.executescript(
        "DROP TABLE under_way; DROP INDEX inputs_by_original; DROP INDEX inputs_by_time; DROP INDEX history_by_name;"
        "PRAGMA user_version = 1;"
    )
    old.close()
    with pytest.raises(JournalError, match="to update it"):
        JournalReader.open(path)
    with Journal.open(path) as journal:
        assert journal.settled(item())
        with journal.claimed(replace(item(), name="b.tif")):
            pass
