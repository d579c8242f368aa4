"""What has been done, durably: see `Journal`; its states: see `states`."""

from nanomorph.journal.location import (
    POINTER,
    is_output,
    locate,
    locate_existing,
    place,
    point,
    require_folder,
    require_in_place,
)
from nanomorph.journal.reading import JournalReader
from nanomorph.journal.rows import Entry, Held, Measured, Quarantined, Rows, Verdict
from nanomorph.journal.schema import JOURNAL_NAME, JournalBusy, JournalError
from nanomorph.journal.states import ALIAS, DONE, QUARANTINED
from nanomorph.journal.store import Journal
from nanomorph.journal.writing import now, writer_of

__all__ = [
    "ALIAS",
    "DONE",
    "JOURNAL_NAME",
    "POINTER",
    "QUARANTINED",
    "Entry",
    "Held",
    "Journal",
    "JournalBusy",
    "JournalError",
    "JournalReader",
    "Measured",
    "Quarantined",
    "Rows",
    "Verdict",
    "is_output",
    "locate",
    "locate_existing",
    "now",
    "place",
    "point",
    "require_folder",
    "require_in_place",
    "writer_of",
]
