"""wires/<micrograph>.csv and wires.csv: one row per wire, crossings resolved.

Like masks, wires are files of their own and not in the journal: a network has thousands in every micrograph.
"""

from __future__ import annotations

import csv
import logging
from pathlib import Path
from typing import TextIO

from nanomorph.analysis import Analysis
from nanomorph.atomic import atomic_open
from nanomorph.journal import JournalReader, Measured
from nanomorph.results.cells import line
from nanomorph.results.paths import result_path
from nanomorph.results.tables import table_lines

logger = logging.getLogger(__name__)


def write_wires(out: Path, analysis: Analysis, apart: bool = False) -> None:
    """Write the wires of one micrograph with their header; a micrograph without wires has no file."""
    path = result_path(out, "wires", analysis.micrograph.source, ".csv", apart)
    if not len(analysis.wire_table["wire"]):
        path.unlink(missing_ok=True)
        return
    with atomic_open(path, "w") as file:
        file.write(line(("micrograph", *analysis.wire_table)))
        file.write(table_lines(analysis.micrograph.source, analysis.wire_table))


def wire_columns() -> tuple[str, ...]:
    """The header of wires.csv."""
    from nanomorph.measure.columns.table import WIRE_COLUMNS

    return ("micrograph", *(c.name for c in WIRE_COLUMNS))


def read_wires(out: Path, name: str, apart: bool) -> list[dict[str, str]]:
    """The cells of each wire of a micrograph by column; none where its file is gone. apart: as of `result_path`."""
    try:
        with open(result_path(out, "wires", name, ".csv", apart), encoding="utf-8", newline="") as file:
            return list(csv.DictReader(file))
    except FileNotFoundError:
        return []


class WireLines:
    """Lines of wires.csv: what stands in the file of a micrograph."""

    def __init__(self, journal: JournalReader, out: Path) -> None:
        self._journal, self._out, self._said = journal, out, False

    def __call__(self, measured: Measured, columns: tuple[str, ...]) -> str:
        """The wires of one micrograph under `columns`; none where its file is gone, which is said once."""
        if measured.duplicate_of or not int(measured.field.get("n_wires") or 0):
            return ""
        path = result_path(self._out, "wires", measured.name, ".csv", self._journal.is_apart(measured.name))
        try:
            with open(path, encoding="utf-8", newline="") as file:
                return _in_order(file, columns)
        except FileNotFoundError:
            if not self._said:
                logger.warning("%s is gone: wires.csv lacks its wires, and those of others that are gone too", path)
            self._said = True
            return ""


def _in_order(file: TextIO, columns: tuple[str, ...]) -> str:
    """The rows of one file under `columns`, also where an earlier version wrote others."""
    header = file.readline()
    if header == line(columns):
        return file.read()
    rows = csv.DictReader([header, *file])
    return "".join(line(row.get(column) or "" for column in columns) for row in rows)
