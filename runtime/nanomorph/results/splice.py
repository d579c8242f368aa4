"""Tables that are written anew, whole and atomically, at the price of a copy: only what has changed is made anew.

A table has one block of lines a micrograph, in the order of the inputs' names. The journal's history says whose block
has changed since the last time; all others are copied from the file as it lies there, byte by byte. What it costs to
know where: the key of its order and 8 bytes a table for each micrograph (about 200 bytes).
"""

from __future__ import annotations

import os
from array import array
from bisect import bisect_left
from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from nanomorph.atomic import atomic_open
from nanomorph.journal import JournalReader, Measured
from nanomorph.naming import natural_key
from nanomorph.results.cells import line

CHUNK = 1024 * 1024

_Signature = tuple[int, int, int]
_Files = Sequence[IO[bytes]]


@dataclass(frozen=True)
class Table:
    """columns: the header as it is now. block: the lines of one micrograph under these columns."""

    name: str
    columns: Callable[[], tuple[str, ...]]
    block: Callable[[Measured, tuple[str, ...]], str]


@dataclass
class _Index:
    """Micrographs in order, and how many bytes each has in each table."""

    sizes: list[array[int]]
    keys: list[str] = field(default_factory=list)


class Tables:
    """Some tables of a run that are written together. For one thread.

    domains: whether blocks want `Measured.domains`. listing: a short table without blocks, written whole each time.
    """

    def __init__(
        self,
        journal: JournalReader,
        out: Path,
        tables: Sequence[Table],
        domains: bool = False,
        listing: tuple[str, Callable[[], Iterable[str]]] | None = None,
    ) -> None:
        self._journal, self._out, self._tables, self._domains, self._listing = journal, out, tables, domains, listing
        self._mark = -1
        self._headers: list[tuple[str, ...]] = []
        self._written: list[_Signature | None] = []
        self._index = self._no_index()

    def write(self) -> None:
        """Write all tables as the journal has them now. Raises OSError; the next time all is then made anew."""
        mark, changed = self._journal.changes(self._mark)
        headers = [table.columns() for table in self._tables]
        # Somebody may have saved another table in this place: that is no longer ours to copy from.
        ours = self._written == [_signature(self._out / table.name) for table in self._tables]
        self._mark, known = -1, self._headers
        self._headers = headers
        if changed is None or known != headers or not ours:
            self._write_all()
        elif changed:
            self._splice(changed)
        if self._listing is not None:
            name, lines = self._listing
            with atomic_open(self._out / name, "w") as file:
                file.writelines(lines())
        self._written = [_signature(self._out / table.name) for table in self._tables]
        self._mark = mark

    def _write_all(self) -> None:
        index = self._no_index()
        with ExitStack() as files:
            new = self._open_new(files)
            for measured in self._journal.measured(domains=self._domains):
                self._add(measured, natural_key(measured.name), new, index)
        self._index = index

    def _splice(self, changed: Iterable[str]) -> None:
        index, keys, at = self._no_index(), self._index.keys, 0
        with ExitStack() as files:
            new = self._open_new(files)
            # Opened after the new ones, so closed before those take their names: Windows replaces no open file.
            old = [files.enter_context(open(self._out / table.name, "rb")) for table in self._tables]
            for file, header in zip(old, self._headers, strict=True):
                file.seek(len(line(header).encode()))
            for key, name in sorted((natural_key(name), name) for name in changed):
                to = bisect_left(keys, key, at)
                self._keep(at, to, old, new, index)
                at = to
                if to < len(keys) and keys[to] == key:
                    for file, sizes in zip(old, self._index.sizes, strict=True):
                        file.seek(sizes[to], os.SEEK_CUR)
                    at += 1
                if (measured := self._journal.look_up(name, self._domains)) is not None:
                    self._add(measured, key, new, index)
            self._keep(at, len(keys), old, new, index)
        self._index = index

    def _open_new(self, files: ExitStack) -> list[IO[bytes]]:
        new = [files.enter_context(atomic_open(self._out / table.name)) for table in self._tables]
        for file, header in zip(new, self._headers, strict=True):
            file.write(line(header).encode())
        return new

    def _keep(self, start: int, end: int, old: _Files, new: _Files, index: _Index) -> None:
        index.keys += self._index.keys[start:end]
        for source, target, known, sizes in zip(old, new, self._index.sizes, index.sizes, strict=True):
            kept = known[start:end]
            sizes.extend(kept)
            _copy(source, target, sum(kept))

    def _add(self, measured: Measured, key: str, new: _Files, index: _Index) -> None:
        index.keys.append(key)
        for table, header, file, sizes in zip(self._tables, self._headers, new, index.sizes, strict=True):
            sizes.append(file.write(table.block(measured, header).encode()))

    def _no_index(self) -> _Index:
        return _Index([array("Q") for _ in self._tables])


def _copy(source: IO[bytes], target: IO[bytes], size: int) -> None:
    while size > 0:
        piece = source.read(min(size, CHUNK))
        if not piece:
            raise OSError(f"{source.name} has become shorter while it was copied")
        target.write(piece)
        size -= len(piece)


def _signature(path: Path) -> _Signature | None:
    """What changes when somebody else writes the file."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_ino, found.st_size, found.st_mtime_ns
