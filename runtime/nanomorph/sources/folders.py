"""Micrographs below a folder, in natural order."""

from __future__ import annotations

import errno
import hashlib
import os
import stat
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from pathlib import Path

from nanomorph.journal.location import POINTER, is_output
from nanomorph.journal.schema import JOURNAL_NAME
from nanomorph.micrograph import ReadError
from nanomorph.naming import natural_key, readable
from nanomorph.readers import emi_beside, ser_beside, suffix_of
from nanomorph.sources.entry import (
    Item,
    Rejected,
    is_archive,
    is_micrograph,
    is_skipped,
    not_an_image,
)
from nanomorph.sources.members import human

_OWN_TABLES = frozenset({"labels.csv", "fields.csv", "domains.csv", "wires.csv", "quarantine.csv"})
_OWN = _OWN_TABLES | {"report.html", "journal.lock", POINTER, "masks", "wires", "overlays"}

_Entry = os.DirEntry[str]
Identity = tuple[int, int] | None
OpenArchive = Callable[[Path, str, int, str], Iterator[Item | Rejected]]


def folder_items(
    root: Path, prefix: str, exclude: Path | None, limit: int, open_archive: OpenArchive
) -> Iterator[Item | Rejected]:
    """Everything below `root`, called `prefix` + relative path; archives are opened where they lie."""
    excluded = identity(exclude) if exclude is not None else None
    # A stack, not recursion: a path may be two thousand folders deep.
    stack: list[tuple[Iterator[_Entry | OSError], str, tuple[Identity, ...]]]
    stack = [(iter(_entries(root)), prefix, (identity(root),))]
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
        found = classify(entry, name)
        if isinstance(found, Rejected):
            yield found
        elif not stat.S_ISDIR(found.st_mode):
            yield from _file(entry, name, found, limit, open_archive)
        elif (own := (found.st_dev, found.st_ino)) in ancestors:
            yield Rejected(name, "symlink-loop", "a link to a folder that contains it")
        elif own != excluded and not is_output(Path(entry.path)):
            stack.append((iter(_entries(Path(entry.path))), f"{name}/", (*ancestors, own)))


def file_item(path: Path, name: str, limit: int, found: os.stat_result) -> Item:
    """The item of a file on disk, of which the disk says `found`."""
    stamp, companion = stamp_of(path, found.st_mtime_ns), companion_beside(path, name)
    return Item(name, found.st_size, path, lambda: load_file(path, limit), stamp, companion)


def stamp_of(path: Path, mtime_ns: int) -> str:
    """The file's time and place, and the time of the .emi that describes a .ser: a new description, a new micrograph.

    Times are compared with themselves only, never with this machine's clock. The place, because a file of this name
    and size in another folder may be of the same time: clocks of files tick in milliseconds, on FAT in 2 s, and what
    unpacks or synchronises sets them as it likes.
    """
    described = emi_beside(path) if suffix_of(path.name) == ".ser" else None
    try:
        times = f"{mtime_ns}+{described[0].stat().st_mtime_ns}" if described else f"{mtime_ns}"
    except OSError:
        times = f"{mtime_ns}"
    return f"{times}@{_place(str(path.absolute().parent))}"


@lru_cache(maxsize=1024)
def _place(folder: str) -> str:
    return hashlib.sha256(os.fsencode(folder)).hexdigest()[:8]


def load_file(path: Path, limit: int, size: int | None = None, mtime_ns: int | None = None) -> bytes:
    """The content of a file of at most `limit` bytes; raises ReadError.

    size, mtime_ns: what the file was when it was listed. Asked of the open file, before and after reading: what
    a folder says of a file that another computer writes may be seconds old.
    """
    try:
        with open(path, "rb") as file:
            before = os.fstat(file.fileno())
            if before.st_size > limit:
                raise ReadError("too-large", f"{human(before.st_size)}, above the limit of {human(limit)} per image")
            data = file.read()
            after = os.fstat(file.fileno())
    except OSError as error:
        raise ReadError("no-access", f"the file cannot be read: {error.strerror or error}") from error
    expected = (before.st_size if size is None else size, before.st_mtime_ns if mtime_ns is None else mtime_ns)
    if not expected == (before.st_size, before.st_mtime_ns) == (after.st_size, after.st_mtime_ns):
        raise ReadError("changing", "it was written to while it was read")
    if len(data) != after.st_size:
        raise ReadError("changing", f"{len(data)} of its {after.st_size} bytes could be read")
    return data


def visible(folder: Path) -> list[tuple[str, _Entry]]:
    """A folder's entries by their names as text, without what is passed over. Raises OSError."""
    with os.scandir(folder) as scan:
        entries = [entry for entry in scan if not is_skipped(entry.name)]
    if is_output(folder):  # `--out` is the input folder itself: only our own files are passed over
        entries = [entry for entry in entries if not _is_own(entry)]
    return [(readable(entry.name), entry) for entry in entries]


def _entries(folder: Path) -> Sequence[_Entry | OSError]:
    try:
        entries = visible(folder)
    except OSError as error:
        return [error]
    entries.sort(key=lambda named: natural_key(named[0]))
    return [entry for _, entry in entries]


def _is_own(entry: _Entry) -> bool:
    return entry.name in _OWN or entry.name.startswith(JOURNAL_NAME)


def reachable(path: Path) -> bool:
    """Whether something is there that can be looked at; `Path.exists` raises below a locked folder."""
    return identity(path) is not None


def classify(entry: _Entry, name: str) -> os.stat_result | Rejected:
    """What an entry is: the state of a file or folder, or why it is neither."""
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
    path = Path(entry.path)
    if is_archive(entry.name):
        yield from open_archive(path, name, limit, stamp_of(path, found.st_mtime_ns))
    elif is_micrograph(entry.name):
        yield file_item(path, name, limit, found)
    else:
        yield not_an_image(name)


def companion_beside(path: Path, name: str) -> str | None:
    """The name of the .ser that an .emi describes, where it lies in the same folder."""
    if suffix_of(path.name) != ".emi":
        return None
    found = ser_beside(path)
    return name.removesuffix(readable(path.name)) + readable(found.name) if found else None


def identity(path: Path) -> Identity:
    """Device and number of a file or folder, the same under all its names; None where it is not there."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino
