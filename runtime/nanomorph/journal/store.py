"""The journal: the only truth about a run, in one SQLite file with one writer.

Tables for people (labels.csv and the like) are exports of it. A micrograph enters in one transaction after
its mask and overlay are on disk, so a run killed at any moment knows exactly what is done.
"""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from nanomorph.errors import FatalError
from nanomorph.journal.lock import Busy, ProcessLock
from nanomorph.journal.rows import Entry, Measured, Quarantined, Rows, Verdict, packed
from nanomorph.journal.schema import JournalBusy, connect
from nanomorph.naming import natural_key

LOCK_NAME = "journal.lock"
DONE, QUARANTINED, ALIAS = "done", "quarantined", "alias"

# Mended without a change of the file: by installing an extra, granting permission, a newer nanomorph.
RETRIED_REASONS = frozenset({"needs-extra", "no-access", "companion-missing", "internal-error"})
_PAGE = 64


class Journal:
    """Open with `Journal.open`. Every method may be called from any thread; one process at a time."""

    def __init__(self, database: sqlite3.Connection, lock: ProcessLock, path: Path) -> None:
        self._database, self._process_lock, self.path = database, lock, path
        self._lock = threading.RLock()
        self._header_ids: dict[tuple[str, tuple[str, ...]], int] = {}
        self._known_tasks: set[str] = set()

    @classmethod
    def open(cls, path: Path) -> Journal:
        """Open or create; raises JournalBusy (another process writes it) or JournalError (unusable)."""
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            lock = ProcessLock(path.with_name(LOCK_NAME))
        except Busy as busy:
            raise JournalBusy(
                f"{path.parent} is being written by {busy.holder}: wait, stop it, or choose another --out"
            ) from busy
        try:
            return cls(connect(path), lock, path)
        except BaseException:
            lock.release()
            raise

    def close(self) -> None:
        """Fold the write-ahead log into the one file and let the next process in."""
        with self._lock:
            self._database.close()
            self._process_lock.release()

    def __enter__(self) -> Journal:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # --- what is done -------------------------------------------------------------------------------

    def settled(self, entry: Entry) -> bool:
        """Nothing to do: done, quarantined or an alias already, and unchanged since."""
        row = self._one("SELECT state, size, stamp, reason FROM inputs WHERE name = ?", entry.name)
        if row is None or (row[1], row[2]) != (entry.size, entry.stamp):
            return False
        return not (row[0] == QUARANTINED and row[3] in RETRIED_REASONS)

    def find_content(self, sha256: str) -> str | None:
        """The name of a done micrograph with this content."""
        row = self._one("SELECT name FROM inputs WHERE sha256 = ? AND state = 'done' ORDER BY sort_key", sha256)
        return row[0] if row else None

    def counts(self) -> dict[str, int]:
        """Inputs by state: `done`, `quarantined`, `alias`."""
        with self._lock:
            found = dict(self._database.execute("SELECT state, count(*) FROM inputs GROUP BY state").fetchall())
        return {state: found.get(state, 0) for state in (DONE, QUARANTINED, ALIAS)}

    # --- writing ------------------------------------------------------------------------------------

    def record(self, entry: Entry, rows: Rows) -> None:
        """A micrograph is done. Durable when this returns; call it after its mask and overlay are on disk."""
        self.record_all([(entry, rows)])

    def record_all(self, entries: Sequence[tuple[Entry, Rows]]) -> None:
        """Several micrographs in one durable transaction."""
        with self._transaction():
            for entry, rows in entries:
                self._remember_tasks(rows.tasks)
                self._header_id("field", tuple(rows.field))
                self._replace(
                    entry,
                    DONE,
                    processed_at=now(),
                    sha256=rows.sha256,
                    bundle=rows.bundle,
                    provider=rows.provider,
                    precision=rows.precision,
                    field=json.dumps(rows.field),
                    labels=json.dumps(rows.labels),
                    header=self._header_id("domains", rows.domain_columns),
                    domains=packed(rows.domains),
                    descriptors=json.dumps(rows.descriptors),
                    embedding=rows.embedding,
                )

    def rejudge(self, tasks: dict[str, tuple[str, ...]], verdicts: Iterable[Verdict]) -> int:
        """New labels for micrographs that are done, all in one transaction; how many. Nothing else of them changes.

        `verdicts` may come from `measured` as it is read.
        """
        query = "UPDATE inputs SET labels = ?, header = ?, domains = ? WHERE name = ? AND state = 'done'"
        count = 0
        with self._transaction():
            self._database.execute("DELETE FROM tasks")
            self._known_tasks.clear()
            self._remember_tasks(tasks)
            for one in verdicts:
                header = self._header_id("domains", one.domain_columns)
                self._database.execute(query, (json.dumps(one.labels), header, one.packed_domains, one.name))
                count += 1
            self._database.execute(
                "DELETE FROM headers WHERE kind = 'domains' AND id NOT IN (SELECT header FROM inputs WHERE header > 0)"
            )
            self._header_ids.clear()
            self._note("*", "rejudged", f"{count} micrographs: {', '.join(tasks)}")
        return count

    def quarantine(self, entry: Entry, reason: str = "", detail: str = "") -> None:
        """An input cannot be used: a ReadError's reason and detail, or those of a Rejected."""
        reason = reason or getattr(entry, "reason", "unknown")
        detail = detail or getattr(entry, "detail", "")
        with self._transaction():
            self._replace(entry, QUARANTINED, reason=reason, detail=detail)

    def alias(self, entry: Entry, of: str, sha256: str = "") -> None:
        """An input that is not measured because `of` holds the same: listed, with no numbers of its own."""
        with self._transaction():
            self._replace(entry, ALIAS, duplicate_of=of, sha256=sha256, processed_at=now())

    def forget_all(self) -> None:
        """Measure everything again: another bundle or pixel size makes all rows stale."""
        with self._transaction():
            for table in ("inputs", "tasks", "headers"):
                self._database.execute(f"DELETE FROM {table}")
            self._header_ids.clear()
            self._known_tasks.clear()
            self._note("*", "forgotten", "")

    def remember(self, key: str, value: str) -> None:
        """Keep a setting of the run: bundle, nm_per_px, command."""
        with self._transaction():
            self._database.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (f"run.{key}", value))

    def recall(self, key: str) -> str | None:
        """A setting kept by `remember`."""
        row = self._one("SELECT value FROM meta WHERE key = ?", f"run.{key}")
        return row[0] if row else None

    # --- reading back, in the order of names ----------------------------------------------------------

    def tasks(self) -> dict[str, tuple[str, ...]]:
        """Classes by task, in the bundle's order."""
        with self._lock:
            rows = self._database.execute("SELECT name, labels FROM tasks ORDER BY position").fetchall()
        return {name: tuple(json.loads(labels)) for name, labels in rows}

    def bundles(self) -> list[str]:
        """Fingerprints of the bundles that measured what is done."""
        with self._lock:
            rows = self._database.execute("SELECT DISTINCT bundle FROM inputs WHERE state = 'done'").fetchall()
        return [bundle for (bundle,) in rows]

    def columns(self, kind: str) -> tuple[str, ...]:
        """All columns in use in a table of `kind` (`field`, `domains`), in the order they came."""
        query = "SELECT columns FROM headers WHERE kind = ? ORDER BY id"
        with self._lock:
            rows = self._database.execute(query, (kind,)).fetchall()
        return tuple(dict.fromkeys(column for (columns,) in rows for column in json.loads(columns)))

    def measured(self, domains: bool = False, vectors: bool = False) -> Iterator[Measured]:
        """Done micrographs and aliases; `domains` and `vectors` (embedding, descriptors) only on request."""
        columns = (
            "name, sha256, duplicate_of, processed_at, bundle, provider, precision, field, labels, "
            "(SELECT columns FROM headers WHERE id = header), "
            + ("domains, " if domains else "NULL, ")
            + ("descriptors, embedding" if vectors else "'{}', NULL")
        )
        for row in self._pages(columns, f"+state != '{QUARANTINED}'"):
            yield _measured(row)

    def field(self, name: str) -> dict[str, str]:
        """Cells of fields.csv of one done micrograph; empty for anything else."""
        row = self._one("SELECT field FROM inputs WHERE name = ? AND state = 'done'", name)
        return json.loads(row[0]) if row else {}

    def quarantined(self) -> Iterator[Quarantined]:
        """Inputs that could not be used."""
        columns = "name, reason, detail, first_seen, tries"
        for row in self._pages(columns, f"state = '{QUARANTINED}'"):
            yield Quarantined(*row)

    def history(self, name: str) -> list[tuple[str, str, str]]:
        """What happened to one input: time, event, detail; oldest first."""
        with self._lock:
            query = "SELECT at, event, detail FROM history WHERE name = ? ORDER BY id"
            return self._database.execute(query, (name,)).fetchall()

    # --- inside ---------------------------------------------------------------------------------------

    def _replace(self, entry: Entry, state: str, **cells: Any) -> None:
        """Insert or supersede an input's row; what it was before stays in the history."""
        old = self._one("SELECT state, first_seen, tries, sha256 FROM inputs WHERE name = ?", entry.name)
        cells |= {"name": entry.name, "sort_key": natural_key(entry.name), "state": state}
        cells |= {"size": entry.size, "stamp": entry.stamp, "first_seen": old[1] if old else now()}
        cells["tries"] = old[2] + 1 if old and old[0] == QUARANTINED else 1
        if old:
            self._note(entry.name, "superseded", f"was {old[0]} {old[3]}".strip())
        columns, marks = ", ".join(cells), ", ".join("?" * len(cells))
        query = f"INSERT OR REPLACE INTO inputs ({columns}) VALUES ({marks})"
        self._database.execute(query, tuple(cells.values()))
        self._note(entry.name, state, cells.get("reason", ""))

    def _note(self, name: str, event: str, detail: str) -> None:
        query = "INSERT INTO history (at, name, event, detail) VALUES (?, ?, ?, ?)"
        self._database.execute(query, (now(), name, event, detail))

    def _remember_tasks(self, tasks: dict[str, tuple[str, ...]]) -> None:
        if tasks.keys() <= self._known_tasks:
            return
        query = (
            "INSERT INTO tasks (name, labels) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET labels = excluded.labels"
        )
        self._database.executemany(query, [(task, json.dumps(labels)) for task, labels in tasks.items()])
        self._known_tasks |= tasks.keys()

    def _header_id(self, kind: str, columns: tuple[str, ...]) -> int:
        if (kind, columns) not in self._header_ids:
            text = json.dumps(columns)
            self._database.execute("INSERT OR IGNORE INTO headers (kind, columns) VALUES (?, ?)", (kind, text))
            row = self._one("SELECT id FROM headers WHERE kind = ? AND columns = ?", kind, text)
            assert row is not None
            self._header_ids[kind, columns] = row[0]
        return self._header_ids[kind, columns]

    def _one(self, query: str, *values: str) -> tuple[Any, ...] | None:
        with self._lock:
            row: tuple[Any, ...] | None = self._database.execute(query, values).fetchone()
        return row

    def _pages(self, columns: str, where: str) -> Iterator[tuple[Any, ...]]:
        """Rows in the order of names, a page at a time: no cursor stays open while others write."""
        select = f"SELECT sort_key, {columns} FROM inputs"
        query = f"{select} WHERE {where} AND sort_key > ? ORDER BY sort_key LIMIT {_PAGE}"
        last = ""
        while True:
            with self._lock:
                rows = self._database.execute(query, (last,)).fetchall()
            for row in rows:
                yield row[1:]
            if len(rows) < _PAGE:
                return
            last = rows[-1][0]

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        with self._lock:
            try:
                with self._database:
                    self._database.execute("BEGIN IMMEDIATE")
                    yield
            except BaseException as error:
                # What was remembered of a transaction that did not happen.
                self._header_ids.clear()
                self._known_tasks.clear()
                if isinstance(error, sqlite3.DatabaseError):
                    raise FatalError(f"{self.path} cannot be written ({error}): is the disk full?") from error
                raise


def _measured(row: tuple[Any, ...]) -> Measured:
    name, sha256, duplicate_of, processed_at, bundle, provider, precision, *rest = row
    field, labels, columns, domains, descriptors, embedding = rest
    return Measured(
        name=name,
        sha256=sha256,
        duplicate_of=duplicate_of,
        processed_at=processed_at,
        bundle=bundle,
        provider=provider,
        precision=precision,
        field=json.loads(field),
        labels=json.loads(labels),
        domain_columns=tuple(json.loads(columns)) if columns else (),
        packed_domains=domains or b"",
        descriptors=json.loads(descriptors),
        embedding=embedding or b"",
    )


def now() -> str:
    """UTC, ISO 8601, seconds: 2026-01-31T12:00:00Z."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
