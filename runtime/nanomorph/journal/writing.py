"""How a journal is written: by one process, in transactions that happen wholly or not at all."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Self

from nanomorph.errors import FatalError, OutputError
from nanomorph.journal.lock import Busy, ProcessLock, holder_of
from nanomorph.journal.reading import JournalReader
from nanomorph.journal.rows import Entry, Held
from nanomorph.journal.schema import JournalBusy, JournalError, connect
from nanomorph.journal.states import CLAIMED, HELD
from nanomorph.outages import HOPELESS


class JournalWriter(JournalReader):
    """The one writer: its lock, its transactions, and what is under way (held, claimed)."""

    def __init__(self, database: sqlite3.Connection, lock: ProcessLock, path: Path) -> None:
        super().__init__(database, path)
        self._process_lock = lock
        self._file = _file_at(path)

    @classmethod
    def open(cls, path: Path) -> Self:
        """Open or create; raises JournalBusy (another process writes it) or JournalError (unusable)."""
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            lock = ProcessLock(lock_of(path))
        except Busy as busy:
            raise JournalBusy(
                f"{path} is being written by {busy.holder}: wait until it ends, or stop it; a run beside it needs "
                "another --out"
            ) from busy
        except OSError as error:
            if error.errno in HOPELESS:
                raise OutputError(f"{path.parent}: {error.strerror}. Free space, then run the same command.") from error
            raise JournalError(
                f"{path.parent} cannot be written to ({error.strerror}): choose another folder."
            ) from error
        try:
            journal = cls(connect(path), lock, path)
            journal._after_the_last_process()
        except BaseException:
            lock.release()
            raise
        return journal

    def close(self) -> None:
        """Fold the write-ahead log into the one file and let the next process in."""
        with self._lock:
            self._database.close()
            self._process_lock.release()

    def require_in_place(self) -> None:
        """Raises FatalError where the file was deleted or replaced: what is written to it then is lost.

        A folder that is away as a whole (renamed, a share) may come back with it.
        """
        if _file_at(self.path) != self._file and self.path.parent.is_dir():
            raise FatalError(
                f"{self.path} was deleted or replaced while it was written: run the same command again, which measures "
                "what is missing."
            )

    def deaths(self, name: str) -> int:
        """How many processes in a row died while they read this input."""
        row = self._one("SELECT tries FROM under_way WHERE name = ? AND state = ?", name, CLAIMED)
        return row[0] if row else 0

    @contextmanager
    def claimed(self, entry: Entry) -> Iterator[None]:
        """While an input is read. Survives the death of the process, not a power cut: that is not its fault."""
        query = (
            "INSERT INTO under_way (name, state, since) VALUES (?, ?, ?) ON CONFLICT (name) DO UPDATE SET "
            "state = excluded.state, since = excluded.since, tries = iif(state = excluded.state, tries, 0)"
        )
        with self._transaction(durable=False):
            self._database.execute(query, (entry.name, CLAIMED, now()))
        try:
            yield
        finally:
            with self._transaction(durable=False):
                self._database.execute("DELETE FROM under_way WHERE name = ?", (entry.name,))

    def hold(self, held: Sequence[Held]) -> None:
        """These inputs, and no others, are seen and not ready."""
        query = "INSERT OR REPLACE INTO under_way (state, name, reason, detail, since, tries) VALUES (?, ?, ?, ?, ?, ?)"
        with self._transaction(durable=False):
            self._database.execute("DELETE FROM under_way WHERE state = ?", (HELD,))
            rows = [(HELD, one.name, one.reason, one.detail, one.since, one.tries) for one in held]
            self._database.executemany(query, rows)

    def _after_the_last_process(self) -> None:
        with self._transaction(durable=False):
            self._database.execute("DELETE FROM under_way WHERE state = ?", (HELD,))
            self._database.execute("UPDATE under_way SET tries = tries + 1 WHERE state = ?", (CLAIMED,))

    def remember(self, key: str, value: str) -> None:
        """Keep a setting of the run: bundle, nm_per_px, command."""
        with self._transaction():
            self._database.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (f"run.{key}", value))

    def note(self, event: str, detail: str) -> None:
        """A line in the history of the run as a whole."""
        with self._transaction():
            self._note("*", event, detail)

    def _note(self, name: str, event: str, detail: str) -> None:
        query = "INSERT INTO history (at, name, event, detail) VALUES (?, ?, ?, ?)"
        self._database.execute(query, (now(), name, event, detail))

    def _rolled_back(self) -> None:
        """Forget what was remembered of a transaction that did not happen."""

    @contextmanager
    def _transaction(self, durable: bool = True) -> Iterator[None]:
        with self._lock:
            try:
                # NORMAL: a commit survives the process, and is not waited for on the disk.
                self._database.execute(f"PRAGMA synchronous = {'FULL' if durable else 'NORMAL'}")
                with self._database:
                    self._database.execute("BEGIN IMMEDIATE")
                    yield
            except BaseException as error:
                self._rolled_back()
                if isinstance(error, sqlite3.DatabaseError):
                    raise OutputError(f"{self.path} cannot be written ({error}): is the disk full?") from error
                raise


def _file_at(path: Path) -> tuple[int, int] | None:
    """What tells a file from another of its name."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def writer_of(path: Path) -> str | None:
    """The process that writes the journal at `path` now, in words; None where there is none."""
    return holder_of(lock_of(path))


def lock_of(path: Path) -> Path:
    """The lock of a journal."""
    # `journal.lock` of `journal.sqlite`; another name may end in anything.
    return path.with_suffix(".lock") if path.suffix == ".sqlite" else path.with_name(path.name + ".lock")


def now() -> str:
    """UTC, ISO 8601, seconds: 2026-01-31T12:00:00Z."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
