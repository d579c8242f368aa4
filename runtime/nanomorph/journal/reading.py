"""Reading a journal, in the order of names, while another thread or process may write it."""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Self

from nanomorph.journal.rows import Held, Measured, Quarantined, measured
from nanomorph.journal.schema import connect_to_read
from nanomorph.journal.states import DONE, HELD, QUARANTINED, SETTLED
from nanomorph.naming import natural_key

_PAGE = 64


class JournalReader:
    """What is done. Open with `JournalReader.open`, which takes no lock: a running watcher is not disturbed."""

    def __init__(self, database: sqlite3.Connection, path: Path) -> None:
        self._database, self.path = database, path
        self._lock = threading.RLock()

    @classmethod
    def open(cls, path: Path) -> Self:
        """Raises JournalError where there is no journal of this version."""
        return cls(connect_to_read(path), path)

    def close(self) -> None:
        """Let the file go."""
        with self._lock:
            self._database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def counts(self) -> dict[str, int]:
        """Inputs by settled state: `done`, `quarantined`, `alias`."""
        found = dict(self._all("SELECT state, count(*) FROM inputs GROUP BY state"))
        return {state: found.get(state, 0) for state in SETTLED}

    def recall(self, key: str) -> str | None:
        """A setting kept by `Journal.remember`."""
        row = self._one("SELECT value FROM meta WHERE key = ?", f"run.{key}")
        return row[0] if row else None

    def tasks(self) -> dict[str, tuple[str, ...]]:
        """Classes by task, in the bundle's order."""
        rows = self._all("SELECT name, labels FROM tasks ORDER BY position")
        return {name: tuple(json.loads(labels)) for name, labels in rows}

    def bundles(self) -> list[str]:
        """Fingerprints of the bundles that measured what is done."""
        return [bundle for (bundle,) in self._all("SELECT DISTINCT bundle FROM inputs WHERE state = 'done'")]

    def precisions(self) -> list[str]:
        """In which what is done was computed, in alphabetical order."""
        return [one for (one,) in self._all("SELECT DISTINCT precision FROM inputs WHERE state = 'done' ORDER BY 1")]

    def columns(self, kind: str) -> tuple[str, ...]:
        """All columns in use in a table of `kind` (`field`, `domains`), in the order they came."""
        rows = self._all("SELECT columns FROM headers WHERE kind = ? ORDER BY id", kind)
        return tuple(dict.fromkeys(column for (columns,) in rows for column in json.loads(columns)))

    def measured(self, domains: bool = False, vectors: bool = False) -> Iterator[Measured]:
        """Done micrographs and aliases; `domains` and `vectors` (embedding, descriptors) only on request."""
        for row in self._pages(_columns(domains, vectors), f"+state != '{QUARANTINED}'"):
            yield measured(row)

    def look_up(self, name: str, domains: bool = False) -> Measured | None:
        """One done micrograph or alias, as `measured` has it; None for anything else."""
        query = f"SELECT {_columns(domains, vectors=False)} FROM inputs WHERE name = ? AND state != ?"
        row = self._one(query, name, QUARANTINED)
        return measured(row) if row else None

    def changes(self, since: int) -> tuple[int, list[str] | None]:
        """The number of the last line of history, and whose tables' lines may differ from those at line `since`.

        That is what history names since then, and the aliases of it; None: all may (also where `since` is negative).
        """
        newer = "SELECT name FROM history WHERE id > ?"
        with self._lock:
            (last,) = self._database.execute("SELECT ifnull(max(id), 0) FROM history").fetchone()
            if since < 0:
                return last, None
            query = f"{newer} UNION SELECT name FROM inputs WHERE state = 'alias' AND duplicate_of IN ({newer})"
            names = [name for (name,) in self._database.execute(query, (since, since)).fetchall()]
        return last, None if "*" in names else names

    def field(self, name: str) -> dict[str, str]:
        """Cells of fields.csv of one done micrograph; empty for anything else."""
        row = self._one("SELECT field FROM inputs WHERE name = ? AND state = 'done'", name)
        return json.loads(row[0]) if row else {}

    def apart(self) -> frozenset[str]:
        """Names whose result files bear a mark, because another's differ by case alone."""
        return frozenset(name for (name,) in self._all("SELECT substr(key, 7) FROM meta WHERE key GLOB 'apart *'"))

    def is_apart(self, name: str) -> bool:
        """Whether `apart` has this name."""
        return self._one("SELECT 1 FROM meta WHERE key = ?", f"apart {name}") is not None

    def twin_of(self, name: str) -> str | None:
        """Another input whose name differs by case alone, and whose files bear no mark."""
        key = natural_key(name)
        folded = key.removesuffix(name)
        query = "SELECT name FROM inputs WHERE sort_key >= ? AND sort_key < ? AND sort_key != ?"
        rows = self._all(query, folded, f"{folded}\U0010ffff", key)
        twins = (other for (other,) in rows if other.casefold() == name.casefold())
        return next((twin for twin in twins if not self.is_apart(twin)), None)

    def quarantined(self) -> Iterator[Quarantined]:
        """Inputs that could not be used."""
        columns = "name, reason, detail, first_seen, tries"
        for row in self._pages(columns, f"state = '{QUARANTINED}'"):
            yield Quarantined(*row)

    def last_quarantined(self, n: int) -> list[Quarantined]:
        """The last `n` inputs that were set aside, newest first."""
        query = "SELECT name, reason, detail, first_seen, tries FROM inputs WHERE state = ? ORDER BY rowid DESC LIMIT ?"
        return [Quarantined(*row) for row in self._all(query, QUARANTINED, n)]

    def held(self) -> list[Held]:
        """Inputs that are seen and not ready, those that wait longest first."""
        query = "SELECT name, reason, detail, since, tries FROM under_way WHERE state = ? ORDER BY since, name"
        return [Held(*row) for row in self._all(query, HELD)]

    def latest(self, n: int) -> list[tuple[str, str, list[dict[str, str]]]]:
        """The last `n` done micrographs: time, name and the cells of their labels; newest first."""
        newest_first = "ORDER BY processed_at DESC, rowid DESC LIMIT ?"
        rows = self._all(f"SELECT processed_at, name, labels FROM inputs WHERE state = ? {newest_first}", DONE, n)
        return [(at, name, json.loads(labels)) for at, name, labels in rows]

    def history(self, name: str) -> list[tuple[str, str, str]]:
        """What happened to one input (`*`: to the run): time, event, detail; oldest first."""
        return self._all("SELECT at, event, detail FROM history WHERE name = ? ORDER BY id", name)

    def _all(self, query: str, *values: str | int) -> list[tuple[Any, ...]]:
        with self._lock:
            return self._database.execute(query, values).fetchall()

    def _one(self, query: str, *values: str | None) -> tuple[Any, ...] | None:
        with self._lock:
            row: tuple[Any, ...] | None = self._database.execute(query, values).fetchone()
        return row

    def _pages(self, columns: str, where: str) -> Iterator[tuple[Any, ...]]:
        """Rows in the order of names, a page at a time: no cursor stays open while others write."""
        select = f"SELECT sort_key, {columns} FROM inputs"
        query = f"{select} WHERE {where} AND sort_key > ? ORDER BY sort_key LIMIT {_PAGE}"
        last = ""
        while True:
            rows = self._all(query, last)
            for row in rows:
                yield row[1:]
            if len(rows) < _PAGE:
                return
            last = rows[-1][0]


def _columns(domains: bool, vectors: bool) -> str:
    """What `measured` of rows.py takes."""
    return (
        "name, sha256, duplicate_of, processed_at, bundle, provider, precision, field, labels, "
        "(SELECT columns FROM headers WHERE id = header), "
        + ("domains, " if domains else "NULL, ")
        + ("descriptors, embedding" if vectors else "'{}', NULL")
    )
