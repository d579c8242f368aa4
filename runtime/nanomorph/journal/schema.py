"""The journal's file: its tables and how it is opened."""

from __future__ import annotations

import os
import sqlite3
import uuid
from contextlib import closing
from pathlib import Path, PurePath

from nanomorph.errors import ConfigurationError, OutputError

SCHEMA_VERSION = 2
JOURNAL_NAME = "journal.sqlite"
IDENTITY = "identity"

# Cells are stored as the text that tables show, so that an export is a copy and the same every time.
# `inputs.stamp` and `inputs.size` tell whether a file has changed; `history` keeps what was superseded.
_SCHEMA = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE tasks (position INTEGER PRIMARY KEY, name TEXT UNIQUE NOT NULL, labels TEXT NOT NULL);
CREATE TABLE headers (
    id INTEGER PRIMARY KEY, kind TEXT NOT NULL, columns TEXT NOT NULL, UNIQUE (kind, columns)
);
CREATE TABLE inputs (
    name TEXT PRIMARY KEY, sort_key TEXT UNIQUE NOT NULL, state TEXT NOT NULL,
    size INTEGER NOT NULL, stamp TEXT NOT NULL,
    reason TEXT NOT NULL DEFAULT '', detail TEXT NOT NULL DEFAULT '',
    first_seen TEXT NOT NULL, tries INTEGER NOT NULL DEFAULT 1, processed_at TEXT NOT NULL DEFAULT '',
    duplicate_of TEXT NOT NULL DEFAULT '', sha256 TEXT NOT NULL DEFAULT '',
    bundle TEXT NOT NULL DEFAULT '', provider TEXT NOT NULL DEFAULT '', precision TEXT NOT NULL DEFAULT '',
    field TEXT NOT NULL DEFAULT '{}', labels TEXT NOT NULL DEFAULT '[]',
    header INTEGER REFERENCES headers(id), domains BLOB,
    descriptors TEXT NOT NULL DEFAULT '{}', embedding BLOB
);
CREATE INDEX inputs_by_content ON inputs (sha256) WHERE state = 'done';
CREATE INDEX inputs_by_state ON inputs (state, sort_key);
CREATE TABLE history (
    id INTEGER PRIMARY KEY, at TEXT NOT NULL, name TEXT NOT NULL, event TEXT NOT NULL, detail TEXT NOT NULL
);
"""
_SINCE_2 = """
CREATE TABLE under_way (
    name TEXT PRIMARY KEY, state TEXT NOT NULL, reason TEXT NOT NULL DEFAULT '', detail TEXT NOT NULL DEFAULT '',
    since TEXT NOT NULL, tries INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX inputs_by_original ON inputs (duplicate_of) WHERE state = 'alias';
CREATE INDEX inputs_by_time ON inputs (processed_at) WHERE state = 'done';
CREATE INDEX history_by_name ON history (name);
"""
# What brings a journal of each version up to the next; version 0 is an empty file.
_STEPS = {0: _SCHEMA + _SINCE_2, 1: _SINCE_2}

# What SQLite says of a disk, not of a journal.
_OUTAGES = {sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_BUSY}


class JournalError(ConfigurationError):
    """A journal that cannot be used; says which and what to do."""


class JournalBusy(JournalError):
    """Another process writes to this journal."""


def connect(path: Path) -> sqlite3.Connection:
    """Open for writing, made or updated where needed; raises JournalError."""
    database = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
    try:
        # FULL: a committed micrograph survives a power cut, not only a crash.
        database.execute("PRAGMA journal_mode = WAL")
        database.execute("PRAGMA synchronous = FULL")
        _ensure_schema(database, path)
    except sqlite3.DatabaseError as error:
        database.close()
        # The first byte says what kind of error it is, the others where it was met.
        if getattr(error, "sqlite_errorcode", 0) & 0xFF in _OUTAGES:
            hint = "is the disk full, or gone? The journal itself may be sound: run the same command again"
            raise OutputError(f"{path} cannot be written ({error}): {hint}") from error
        raise JournalError(f"{path} is damaged or no journal ({error}): move it away to start anew") from error
    except BaseException:
        database.close()
        raise
    return database


def connect_to_read(path: Path) -> sqlite3.Connection:
    """A connection that cannot write; raises JournalError where there is nothing to read."""
    if not path.is_file():
        raise JournalError(
            f"{path} is not there: nothing was measured into {path.parent}; give the --out of a batch or watch"
        )
    # SQLite makes files beside a journal to read it. Where it may not, and nobody has left any, nobody writes either.
    alone = not os.access(path.parent, os.W_OK) and not path.with_name(path.name + "-wal").exists()
    how = "immutable=1" if alone else "mode=ro"
    try:
        database = sqlite3.connect(_address(path.absolute(), how), uri=True, check_same_thread=False)
    except sqlite3.DatabaseError as error:
        raise JournalError(f"{path} cannot be read ({error})") from error
    try:
        version = _version(database, path)
        if version != SCHEMA_VERSION:
            raise JournalError(f"{path} has journal version {version}: run `batch` or `watch` on it once to update it")
    except sqlite3.DatabaseError as error:
        database.close()
        raise JournalError(f"{path} cannot be read ({error})") from error
    except BaseException:
        database.close()
        raise
    return database


def identity_of(path: Path) -> str:
    """What no other journal has; empty where there is no journal, or none that can be read."""
    if not path.is_file():
        return ""
    try:
        with closing(sqlite3.connect(_address(path.absolute(), "mode=ro"), uri=True)) as database:
            row = database.execute("SELECT value FROM meta WHERE key = ?", (IDENTITY,)).fetchone()
    except sqlite3.DatabaseError:
        return ""
    return str(row[0]) if row else ""


def _address(path: PurePath, how: str) -> str:
    """The URI of an absolute path. SQLite knows no servers: that of a Windows share is part of its path."""
    plain = path.as_uri().removeprefix("file://")
    return f"file://{plain if plain.startswith('/') else f'//{plain}'}?{how}"


def _ensure_schema(database: sqlite3.Connection, path: Path) -> None:
    version = _version(database, path)
    if version != SCHEMA_VERSION:
        database.executescript(f"BEGIN;{_STEPS[version]}PRAGMA user_version = {SCHEMA_VERSION};COMMIT;")
    database.execute("INSERT OR IGNORE INTO meta VALUES (?, ?)", (IDENTITY, uuid.uuid4().hex))


def _version(database: sqlite3.Connection, path: Path) -> int:
    (version,) = database.execute("PRAGMA user_version").fetchone()
    if version > SCHEMA_VERSION:
        raise JournalError(
            f"{path} has journal version {version}, this nanomorph reads {SCHEMA_VERSION}: "
            "use the nanomorph that wrote it, or another --out"
        )
    return int(version)
