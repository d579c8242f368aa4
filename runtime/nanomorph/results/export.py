"""labels.csv, fields.csv, domains.csv, wires.csv, quarantine.csv: views of the journal, each rewritten atomically."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from nanomorph.atomic import atomic_open
from nanomorph.journal import Journal, Measured
from nanomorph.results.cells import line, text
from nanomorph.results.wires import wire_table

_LABEL_FIRST = ("micrograph", "task", "label", "confidence", "decision", "novelty")
_MADE_BY = ("bundle", "provider", "precision", "processed_at")
_FIELD_FIRST = ("micrograph", "sha256")
_FIELD_LAST = ("duplicate_of", *_MADE_BY)
# What a micrograph and another file that repeats it have in common, so that no name lacks its pixel size.
_SHARED_WITH_ORIGINAL = (
    "width_px",
    "height_px",
    "nm_per_px_x",
    "nm_per_px_y",
    "calibration",
    "calibration_error_percent",
    "n_frames",
)
_QUARANTINE = ("input", "reason", "detail", "first_seen", "tries")


def export_tables(journal: Journal, out: Path) -> None:
    """Write the five tables into `out`, ordered by the inputs' names; nothing is held in memory."""
    _write(out / "labels.csv", label_table(journal))
    _write(out / "fields.csv", field_table(journal))
    _write(out / "domains.csv", domain_table(journal))
    _write(out / "wires.csv", wire_table(journal, out))
    _write(out / "quarantine.csv", quarantine_table(journal))


def label_table(journal: Journal) -> Iterator[str]:
    """Lines of labels.csv: one per micrograph and task; classes of other tasks stay empty."""
    classes = dict.fromkeys(f"p_{name}" for names in journal.tasks().values() for name in names)
    columns = (*_LABEL_FIRST, *classes, *_MADE_BY)
    yield line(columns)
    for measured in journal.measured():
        shared = {"micrograph": text(measured.name), **_made_by(measured)}
        for cells in measured.labels:
            yield _row(columns, shared | cells)


def field_table(journal: Journal) -> Iterator[str]:
    """Lines of fields.csv: one per micrograph; one that repeats another has `duplicate_of` and is not measured."""
    columns = (*_FIELD_FIRST, *journal.columns("field"), *_FIELD_LAST)
    yield line(columns)
    for measured in journal.measured():
        shared = {"micrograph": text(measured.name), "sha256": measured.sha256, **_made_by(measured)}
        cells = _cells_of_original(journal, measured.duplicate_of) if measured.duplicate_of else measured.field
        yield _row(columns, shared | cells | {"duplicate_of": text(measured.duplicate_of)})


def _cells_of_original(journal: Journal, name: str) -> dict[str, str]:
    original = journal.field(name)
    return {column: original[column] for column in _SHARED_WITH_ORIGINAL if column in original}


def domain_table(journal: Journal) -> Iterator[str]:
    """Pieces of domains.csv: one row per domain."""
    columns = journal.columns("domains") or ("micrograph", "domain")
    yield line(columns)
    for measured in journal.measured(domains=True):
        same = measured.domain_columns == columns
        yield measured.domains if same else "".join(_rearranged(measured, columns))


def quarantine_table(journal: Journal) -> Iterator[str]:
    """Lines of quarantine.csv: one per input that could not be used."""
    yield line(_QUARANTINE)
    for bad in journal.quarantined():
        yield line((text(bad.name), text(bad.reason), text(bad.detail), bad.first_seen, str(bad.tries)))


def _write(path: Path, pieces: Iterable[str]) -> None:
    with atomic_open(path, "w") as file:
        file.writelines(pieces)


def _made_by(measured: Measured) -> dict[str, str]:
    return {
        "bundle": text(measured.bundle),
        "provider": text(measured.provider),
        "precision": text(measured.precision),
        "processed_at": measured.processed_at,
    }


def _row(columns: Sequence[str], cells: dict[str, str]) -> str:
    return line(cells.get(column, "") for column in columns)


def _rearranged(measured: Measured, columns: Sequence[str]) -> Iterator[str]:
    """Domains recorded under other columns (by an earlier bundle) in today's order."""
    for cells in csv.reader(io.StringIO(measured.domains, newline="")):
        yield _row(columns, dict(zip(measured.domain_columns, cells, strict=True)))
