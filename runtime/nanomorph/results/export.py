"""What stands in labels.csv, fields.csv, domains.csv, wires.csv and quarantine.csv: views of the journal."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

from nanomorph.journal import Journal, JournalReader, Measured
from nanomorph.results.cells import line, text
from nanomorph.results.splice import Table, Tables
from nanomorph.results.wires import WireLines, wire_columns

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
    "n_other_images",
)
_QUARANTINE = ("input", "reason", "detail", "first_seen", "tries")


def export_tables(journal: Journal, out: Path) -> None:
    """Write the five tables into `out`, ordered by the inputs' names; nothing is held in memory."""
    domain_tables(journal, out).write()
    micrograph_tables(journal, out).write()


def micrograph_tables(journal: JournalReader, out: Path) -> Tables:
    """labels.csv and fields.csv, a line or a few for each micrograph, and quarantine.csv."""
    labels = Table("labels.csv", partial(_label_columns, journal), _labels)
    fields = Table("fields.csv", partial(_field_columns, journal), partial(_field, journal))
    return Tables(journal, out, [fields, labels], listing=("quarantine.csv", partial(quarantine_table, journal)))


def domain_tables(journal: JournalReader, out: Path) -> Tables:
    """domains.csv and wires.csv, a line for each domain and wire: large, so they may come later than the others."""
    domains = Table("domains.csv", partial(_domain_columns, journal), _domains)
    return Tables(journal, out, [domains, Table("wires.csv", wire_columns, WireLines(journal, out))], domains=True)


def _label_columns(journal: JournalReader) -> tuple[str, ...]:
    classes = dict.fromkeys(f"p_{name}" for names in journal.tasks().values() for name in names)
    return (*_LABEL_FIRST, *classes, *_MADE_BY)


def _labels(measured: Measured, columns: Sequence[str]) -> str:
    """One line a task; classes of other tasks stay empty."""
    shared = {"micrograph": text(measured.name), **_made_by(measured)}
    return "".join(_row(columns, shared | cells) for cells in measured.labels)


def _field_columns(journal: JournalReader) -> tuple[str, ...]:
    return (*_FIELD_FIRST, *journal.columns("field"), *_FIELD_LAST)


def _field(journal: JournalReader, measured: Measured, columns: Sequence[str]) -> str:
    """One line; a micrograph that repeats another has `duplicate_of` and is not measured."""
    shared = {"micrograph": text(measured.name), "sha256": measured.sha256, **_made_by(measured)}
    cells = _cells_of_original(journal, measured.duplicate_of) if measured.duplicate_of else measured.field
    return _row(columns, shared | cells | {"duplicate_of": text(measured.duplicate_of)})


def _cells_of_original(journal: JournalReader, name: str) -> dict[str, str]:
    original = journal.field(name)
    return {column: original[column] for column in _SHARED_WITH_ORIGINAL if column in original}


def _domain_columns(journal: JournalReader) -> tuple[str, ...]:
    return journal.columns("domains") or ("micrograph", "domain")


def _domains(measured: Measured, columns: Sequence[str]) -> str:
    return measured.domains if measured.domain_columns == columns else "".join(_rearranged(measured, columns))


def quarantine_table(journal: JournalReader) -> Iterator[str]:
    """Lines of quarantine.csv: one per input that could not be used."""
    yield line(_QUARANTINE)
    for bad in journal.quarantined():
        yield line((text(bad.name), text(bad.reason), text(bad.detail), bad.first_seen, str(bad.tries)))


def _made_by(measured: Measured) -> dict[str, str]:
    return {
        "bundle": text(measured.bundle),
        "provider": text(measured.provider),
        "precision": text(measured.precision),
        "processed_at": measured.processed_at,
    }


def _row(columns: Sequence[str], cells: dict[str, str]) -> str:
    return line([cells.get(column, "") for column in columns])


def _rearranged(measured: Measured, columns: Sequence[str]) -> Iterator[str]:
    """Domains recorded under other columns (by an earlier bundle) in today's order."""
    for cells in csv.reader(io.StringIO(measured.domains, newline="")):
        yield _row(columns, dict(zip(measured.domain_columns, cells, strict=True)))
