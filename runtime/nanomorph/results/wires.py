"""wires/<micrograph>.csv and wires.csv: one row per wire, crossings resolved.

Like masks, wires are files of their own and not in the journal: a network has thousands in every micrograph.
"""

from __future__ import annotations

import csv
import logging
from collections.abc import Iterable, Iterator
from pathlib import Path

from nanomorph.analysis import Analysis
from nanomorph.atomic import atomic_open
from nanomorph.journal import Journal
from nanomorph.results.cells import line
from nanomorph.results.paths import result_path
from nanomorph.results.tables import table_lines

logger = logging.getLogger(__name__)


def write_wires(out: Path, analysis: Analysis) -> None:
    """Write the wires of one micrograph with their header; a micrograph without wires has no file."""
    path = result_path(out, "wires", analysis.micrograph.source, ".csv")
    if analysis.wires.empty:
        path.unlink(missing_ok=True)
        return
    with atomic_open(path, "w") as file:
        file.write(line(("micrograph", *map(str, analysis.wires.columns))))
        file.write(table_lines(analysis.micrograph.source, analysis.wires))


def wire_table(journal: Journal, out: Path) -> Iterator[str]:
    """Lines of wires.csv: the files of all measured micrographs, in the order of their names."""
    from nanomorph.measure.table import WIRE_COLUMNS

    columns = ("micrograph", *(c.name for c in WIRE_COLUMNS))
    yield line(columns)
    for measured in journal.measured():
        if measured.duplicate_of or not int(measured.field.get("n_wires") or 0):
            continue
        path = result_path(out, "wires", measured.name, ".csv")
        try:
            with open(path, encoding="utf-8", newline="") as file:
                yield from _in_order(file, columns)
        except FileNotFoundError:
            logger.warning("%s is gone: wires.csv lacks the wires of %s", path, measured.name)


def _in_order(file: Iterable[str], columns: tuple[str, ...]) -> Iterator[str]:
    """The rows of one file under `columns`, also where an earlier version wrote others."""
    lines = iter(file)
    header = next(lines, "")
    if header == line(columns):
        yield from lines
        return
    for row in csv.DictReader([header, *lines]):
        yield line(row.get(column) or "" for column in columns)
