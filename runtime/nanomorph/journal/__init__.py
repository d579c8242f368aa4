"""What has been done, durably: see `Journal`."""

from nanomorph.journal.rows import Entry, Measured, Quarantined, Rows, Verdict
from nanomorph.journal.schema import JOURNAL_NAME, JournalBusy, JournalError
from nanomorph.journal.store import ALIAS, DONE, QUARANTINED, Journal

__all__ = [
    "ALIAS",
    "DONE",
    "JOURNAL_NAME",
    "QUARANTINED",
    "Entry",
    "Journal",
    "JournalBusy",
    "JournalError",
    "Measured",
    "Quarantined",
    "Rows",
    "Verdict",
]
