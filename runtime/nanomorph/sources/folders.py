"""Micrographs below a folder, in natural order."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from nanomorph.journal.schema import JOURNAL_NAME
from nanomorph.micrograph import ReadError
from nanomorph.naming import natural_key, readable
from nanomorph.readers import companion_of
from nanomorph.sources.entry import (
    Item,
    Rejected,
    is_archive,
    is_micrograph,
    is_skipped,
    not_an_image,
    suffix,
)
from nanomorph.sources.members import human

_OWN_TABLES = frozenset({"labels.csv", "fields.csv", "domains.csv", "quarantine.csv"})
_OWN = _OWN_TABLES | {"report.html", "journal.lock", "masks", "overlays"}

_Entry = os.DirEntry[str]
_Identity = tuple[int, int] | None
OpenArchive = Callable[[Path, str, int, str], Iterator[Item | Rejected]]


def folder_items(
    root: Path, prefix: str, exclude: Path | None, limit: int, open_archive: OpenArchive
) -> Iterator[Item | Rejected]:
    """Everything below `root`, called `prefix` + relative path; archives are opened where they lie."""
    excluded = _identity(exclude) if exclude is not None else None
    # A stack, not recursion: a path may be two thousand folders deep.
    stack: list[tuple[Iterator[_Entry | OSError], str, tuple[_Identity, ...]]]
    stack = [(iter(_entries(root)), prefix, (_identity(root),))]
    while stack:
        entries, base, ancestors = stack[-1]
        entry = next(entries, None)
        if entry is None:
            stack.pop()
            continue
        if isinstance(entry, OSError):
            yield Rejected(base or "./", "no-access", f"the folder cannot be listed: {entry.strerror}")
            continue
        name = base + readable(entry.name)
        found = _classify(entry, name)
        if isinstance(found, Rejected):
            yield found
        elif not stat.S_ISDIR(found.st_mode):
            yield from _file(entry, name, found, limit, open_archive)
        elif (identity := (found.st_dev, found.st_ino)) in ancestors:
            yield Rejected(name, "symlink-loop", "a link to a folder that contains it")
        elif identity != excluded and not _is_output(Path(entry.path)):
            stack.append((iter(_entries(Path(entry.path))), f"{name}/", (*ancestors, identity)))


def file_item(path: Path, name: str, limit: int, companion: str | None = None) -> Item:
    """The item of a file on disk."""
    found = path.stat()
    return Item(name, found.st_size, path, lambda: load_file(path, limit), f"{found.st_mtime_ns}", companion)


def load_file(path: Path, limit: int) -> bytes:
    """The content of a file of at most `limit` bytes; raises ReadError."""
    try:
        if (size := path.stat().st_size) > limit:
            raise ReadError("too-large", f"{human(size)}, above the limit of {human(limit)} per image")
        return path.read_bytes()
    except OSError as error:
        raise ReadError("no-access", f"the file cannot be read: {error.strerror or error}") from error


def _entries(folder: Path) -> Sequence[_Entry | OSError]:
    try:
        with os.scandir(folder) as scan:
            entries = [entry for entry in scan if not is_skipped(entry.name)]
    except OSError as error:
        return [error]
    if _is_output(folder):  # `--out` is the input folder itself: only our own files are passed over
        entries = [entry for entry in entries if not _is_own(entry)]
    entries.sort(key=lambda entry: natural_key(readable(entry.name)))
    return entries


def _is_own(entry: _Entry) -> bool:
    return entry.name in _OWN or entry.name.startswith(JOURNAL_NAME)


def reachable(path: Path) -> bool:
    """Whether something is there that can be looked at; `Path.exists` raises below a locked folder."""
    return _identity(path) is not None


def _is_output(folder: Path) -> bool:
    """A folder with a journal is a run's output: its overlays are no input."""
    return reachable(folder / JOURNAL_NAME)


def _classify(entry: _Entry, name: str) -> os.stat_result | Rejected:
    try:
        found = entry.stat()
    except OSError as error:
        return _unusable(entry, name, error)
    if stat.S_ISREG(found.st_mode) or stat.S_ISDIR(found.st_mode):
        return found
    return Rejected(name, "not-a-regular-file", "a pipe, socket or device, not an image")


def _unusable(entry: _Entry, name: str, error: OSError) -> Rejected:
    if error.errno == errno.ELOOP:
        return Rejected(name, "symlink-loop", "a link that leads back to itself")
    if entry.is_symlink():
        return Rejected(name, "broken-link", f"a link to something that is not there: {error.strerror}")
    return Rejected(name, "no-access", f"cannot be looked at: {error.strerror}")


def _file(
    entry: _Entry, name: str, found: os.stat_result, limit: int, open_archive: OpenArchive
) -> Iterator[Item | Rejected]:
    path, stamp = Path(entry.path), f"{found.st_mtime_ns}"
    if is_archive(entry.name):
        yield from open_archive(path, name, limit, stamp)
    elif not is_micrograph(entry.name):
        yield not_an_image(name, stamp, found.st_size)
    else:
        companion = companion_beside(path, name)
        yield Item(name, found.st_size, path, lambda: load_file(path, limit), stamp, companion)


def companion_beside(path: Path, name: str) -> str | None:
    """The name of the .ser that an .emi describes, where it lies in the same folder."""
    if suffix(path.name) != ".emi":
        return None
    found = companion_of(path.name, {beside.name for beside in path.parent.iterdir()})
    return name.removesuffix(readable(path.name)) + readable(found) if found else None


def _identity(path: Path) -> _Identity:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino
