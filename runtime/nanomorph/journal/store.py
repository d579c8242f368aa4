"""The journal: the only truth about a run, in one SQLite file with one writer.

Tables for people (labels.csv and the like) are exports of it. A micrograph enters in one transaction after
its mask and overlay are on disk, so a run killed at any moment knows exactly what is done.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any

from nanomorph.journal.rows import Entry, Rows, Verdict, packed
from nanomorph.journal.states import ALIAS, DONE, QUARANTINED, RETRIED_REASONS
from nanomorph.journal.writing import JournalWriter, now
from nanomorph.naming import natural_key


class Journal(JournalWriter):
    """Open with `Journal.open`. Every method may be called from any thread; one process at a time."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._header_ids: dict[tuple[str, tuple[str, ...]], int] = {}
        self._known_tasks: set[str] = set()

    # --- what is done -------------------------------------------------------------------------------

    def settled(self, entry: Entry) -> bool:
        """Nothing to do: done, quarantined or an alias already, and unchanged since."""
        row = self._one("SELECT state, size, stamp, reason FROM inputs WHERE name = ?", entry.name)
        if row is None or (row[1], row[2]) != (entry.size, entry.stamp):
            return False
        return not (row[0] == QUARANTINED and row[3] in RETRIED_REASONS)

    def find_content(self, sha256: str, bundle: str | None = None, prefer: str = "") -> str | None:
        """The name of a done micrograph with this content (measured by `bundle`, where given); `prefer` a name."""
        query = "SELECT name FROM inputs WHERE sha256 = ? AND state = 'done' AND bundle = ifnull(?, bundle)"
        row = self._one(f"{query} ORDER BY name != ?, sort_key", sha256, bundle, prefer)
        return row[0] if row else None

    def content(self, name: str) -> str | None:
        """The SHA-256 of what is done under this name."""
        row = self._one("SELECT sha256 FROM inputs WHERE name = ? AND state = 'done'", name)
        return row[0] if row else None

    # --- settling -----------------------------------------------------------------------------------

    def record(self, entry: Entry, rows: Rows) -> list[str]:
        """A micrograph is done. Durable when this returns; call it after its mask and overlay are on disk.

        Returns the names of its former aliases: it has changed, so they need a measurement of their own.
        """
        return self.record_all([(entry, rows)])

    def record_all(self, entries: Sequence[tuple[Entry, Rows]]) -> list[str]:
        """Several micrographs in one durable transaction."""
        released = []
        with self._transaction():
            for entry, rows in entries:
                self._remember_tasks(rows.tasks)
                self._header_id("field", tuple(rows.field))
                released += self._replace(
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
        return released

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

    def quarantine(
        self, entry: Entry, reason: str = "", detail: str = "", first_seen: str = "", held: int = 0
    ) -> list[str]:
        """An input cannot be used: a ReadError's reason and detail, or those of a Rejected. Returns as `record`.

        first_seen, held: since when, and how often, it was read in vain before it was given up.
        """
        reason = reason or getattr(entry, "reason", "unknown")
        detail = detail or getattr(entry, "detail", "")
        with self._transaction():
            return self._replace(entry, QUARANTINED, held, first_seen, reason=reason, detail=detail)

    def absolve(self, name: str) -> None:
        """An archive or folder that could not be opened is out of the quarantine: it was opened now."""
        if self._one("SELECT 1 FROM inputs WHERE name = ? AND state = ?", name, QUARANTINED):
            with self._transaction():
                self._database.execute("DELETE FROM inputs WHERE name = ?", (name,))
                self._note(name, "opened", "")

    def alias(self, entry: Entry, of: str, sha256: str = "") -> list[str]:
        """An input that is not measured because `of` holds the same: listed, with no numbers of its own."""
        with self._transaction():
            return self._replace(entry, ALIAS, duplicate_of=of, sha256=sha256, processed_at=now())

    def set_apart(self, name: str, twin: str) -> None:
        """The result files of `name` shall bear a mark, as those of `twin`, which came first, do not."""
        with self._transaction():
            self._database.execute("INSERT OR IGNORE INTO meta VALUES (?, ?)", (f"apart {name}", twin))
            self._note(name, "apart", twin)

    def touched(self, entry: Entry) -> None:
        """A done file has a new time, but the content that was measured."""
        with self._transaction():
            query = "UPDATE inputs SET size = ?, stamp = ? WHERE name = ?"
            self._database.execute(query, (entry.size, entry.stamp, entry.name))
            self._database.execute("DELETE FROM under_way WHERE name = ?", (entry.name,))
            self._note(entry.name, "touched", "same content")

    # --- inside ---------------------------------------------------------------------------------------

    def _replace(self, entry: Entry, state: str, held: int = 0, first_seen: str = "", **cells: Any) -> list[str]:
        """Insert or supersede an input's row; what it was before stays in the history. Returns freed aliases."""
        old = self._one("SELECT state, first_seen, tries, sha256 FROM inputs WHERE name = ?", entry.name)
        cells |= {"name": entry.name, "sort_key": natural_key(entry.name), "state": state}
        cells |= {"size": entry.size, "stamp": entry.stamp, "first_seen": old[1] if old else first_seen or now()}
        cells["tries"] = 1 + held + (old[2] if old and old[0] == QUARANTINED else 0)
        if old:
            self._note(entry.name, "superseded", f"was {old[0]} {old[3]}".strip())
        columns, marks = ", ".join(cells), ", ".join("?" * len(cells))
        query = f"INSERT OR REPLACE INTO inputs ({columns}) VALUES ({marks})"
        self._database.execute(query, tuple(cells.values()))
        self._database.execute("DELETE FROM under_way WHERE name = ?", (entry.name,))
        self._note(entry.name, state, cells.get("reason", "") or cells.get("duplicate_of", ""))
        return self._release(entry.name, old[3]) if old and old[3] != cells.get("sha256") else []

    def _release(self, original: str, sha256: str) -> list[str]:
        """Forget aliases whose original no longer holds their content; an .emi stays with its .ser."""
        query = "DELETE FROM inputs WHERE state = 'alias' AND duplicate_of = ? AND sha256 = ? AND sha256 != ''"
        rows = self._database.execute(f"{query} RETURNING name", (original, sha256)).fetchall()
        for (name,) in rows:
            self._note(name, "released", f"{original} has changed")
        return [name for (name,) in rows]

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

    def _rolled_back(self) -> None:
        self._header_ids.clear()
        self._known_tasks.clear()
