"""Tables that are spliced are byte for byte what tables made anew would be."""

import random
from dataclasses import replace
from pathlib import Path

import pytest

from nanomorph.journal import Journal
from nanomorph.results import Rows, domain_tables, export_tables, micrograph_tables, rows_of
from nanomorph.results.splice import Table, Tables
from nanomorph.sources import Rejected
from runs import item

NAMES = [f'g{n % 3}/{n} "ü",\n.tif' for n in range(12)]
KINDS = ("labels", "fields", "domains", "wires", "quarantine")


def read(out: Path) -> dict[str, bytes]:
    return {kind: (out / f"{kind}.csv").read_bytes() for kind in KINDS}


def test_whatever_happens_the_tables_are_those_made_anew(tmp_path, journal, make_analysis):
    chance = random.Random(5)
    written = [micrograph_tables(journal, tmp_path / "spliced"), domain_tables(journal, tmp_path / "spliced")]

    def rows(name: str) -> Rows:
        sides = tuple(chance.randrange(5, 30) for _ in range(chance.randrange(4)))
        return replace(rows_of(make_analysis(name, sides=sides)), sha256=f"{chance.randrange(4):064}")

    def happen(name: str) -> None:
        what = chance.choice(("record", "record", "alias", "quarantine", "touched", "held"))
        if what == "record":
            journal.record(item(name), rows(name))
        elif what == "alias" and (original := journal.find_content(f"{1:064}")) not in (None, name):
            journal.alias(item(name), of=original, sha256=f"{1:064}")
        elif what == "quarantine":
            journal.quarantine(Rejected(name, "truncated", "-1"))
        elif what == "touched":
            journal.touched(item(name))

    for _ in range(60):
        for name in chance.sample(NAMES, chance.randrange(4)):
            happen(name)
        for tables in written:
            tables.write()
        export_tables(journal, tmp_path / "anew")
        assert read(tmp_path / "spliced") == read(tmp_path / "anew")


def counting(journal: Journal, out: Path) -> tuple[Tables, list[str]]:
    """A table of names, and whose lines were made."""
    made: list[str] = []
    columns = ["name"]

    def block(measured, _):
        made.append(measured.name)
        return f"{measured.name}\n"

    return Tables(journal, out, [Table("names.csv", lambda: tuple(columns), block)]), made


def test_only_what_has_changed_is_made(tmp_path, journal, make_analysis):
    tables, made = counting(journal, tmp_path)
    for name in ("1.tif", "2.tif", "10.tif"):
        journal.record(item(name), rows_of(make_analysis(name)))
    tables.write()
    assert made == ["1.tif", "2.tif", "10.tif"]
    made.clear()
    journal.record(item("3.tif"), rows_of(make_analysis("3.tif")))
    tables.write()
    assert made == ["3.tif"]
    assert (tmp_path / "names.csv").read_text() == "name\n1.tif\n2.tif\n3.tif\n10.tif\n"
    made.clear()
    tables.write()
    assert made == []


def test_a_table_that_somebody_else_saved_is_made_anew(tmp_path, journal, make_analysis):
    tables, _ = counting(journal, tmp_path)
    journal.record(item("1.tif"), rows_of(make_analysis("1.tif")))
    tables.write()
    (tmp_path / "names.csv").write_text("name;\n1.tif;\n")
    tables.write()
    assert (tmp_path / "names.csv").read_text() == "name\n1.tif\n"


def full(*_):
    raise OSError("full")


def test_after_a_failure_all_is_made_anew(tmp_path, journal, make_analysis, monkeypatch):
    tables, _ = counting(journal, tmp_path)
    for name in ("1.tif", "2.tif"):
        journal.record(item(name), rows_of(make_analysis(name)))
    tables.write()
    journal.record(item("3.tif"), rows_of(make_analysis("3.tif")))
    with monkeypatch.context() as patch:
        patch.setattr("nanomorph.results.splice._copy", full)
        with pytest.raises(OSError, match="full"):
            tables.write()
    assert (tmp_path / "names.csv").read_text() == "name\n1.tif\n2.tif\n"
    assert [path.name for path in tmp_path.glob(".*")] == []
    tables.write()
    assert (tmp_path / "names.csv").read_text() == "name\n1.tif\n2.tif\n3.tif\n"
