"""Micrographs of the user's to time with: those that can be read, and what is said of the others."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from nanomorph.errors import ConfigurationError
from nanomorph.host.memory import Memory, default_limit, shares
from nanomorph.micrograph import ReadError
from nanomorph.readers import read_micrograph
from nanomorph.sources import Item, Rejected, discover
from nanomorph.sources.entry import archive_of, is_archive

# Of what is left out so many are named.
NAMED = 5


@dataclass(frozen=True)
class Chosen:
    """files: to time with. left_out: what was looked at and cannot be used, with the reason."""

    files: tuple[Path, ...]
    left_out: tuple[Rejected, ...]

    def in_words(self, asked: int | None) -> Iterator[str]:
        """What a user must know. asked: how many images were asked for; None: as many as are good."""
        if self.left_out:
            seen = len(self.files) + len(self.left_out)
            yield f"{len(self.left_out)} of {seen} files left out: {_named(self.left_out)}"
        if asked is not None and len(self.files) < asked:
            yield f"--images {asked}: there are {len(self.files)} that can be read, which are taken"


def choose(inputs: Sequence[Path], most: int) -> Chosen:
    """The first `most` micrographs that `batch` could use. Raises ConfigurationError where there are none."""
    archive = next((path for path in inputs if is_archive(path.name) and path.is_file()), None)
    if archive is not None:
        raise ConfigurationError(f"{archive}: bench reads files and folders, not archives: unpack it.")
    files, left_out = list[Path](), list[Rejected]()
    memory = Memory(shares(default_limit())[0])
    for entry in _found(inputs):
        checked = _checked(entry, memory)
        if isinstance(checked, Rejected):
            left_out.append(checked)
        else:
            files.append(checked)
        if len(files) == most:
            break
    if not files:
        why = f": {_named(left_out)}" if left_out else "."
        raise ConfigurationError(f"{', '.join(map(str, inputs))}: no file there is a micrograph that can be read{why}")
    return Chosen(tuple(files), tuple(left_out))


def _found(inputs: Sequence[Path]) -> Iterator[Item | Rejected]:
    """What `batch` would measure, without the members of archives: each of those is named once."""
    try:
        found = discover(inputs)
    except FileNotFoundError as error:
        raise ConfigurationError(str(error)) from error
    archives = set[str]()
    for entry in found:
        archive = archive_of(entry.name)
        if archive is None and not (isinstance(entry, Item) and entry.companion):
            yield entry
        elif archive is not None and archive not in archives:
            archives.add(archive)
            yield Rejected(archive, "archive", "bench reads files and folders, not archives")


def _checked(entry: Item | Rejected, memory: Memory) -> Path | Rejected:
    """The path of a file that can be read, within the memory that a run may take."""
    if isinstance(entry, Rejected):
        return entry
    assert entry.path is not None
    try:
        with memory.reading():
            read_micrograph(entry.name, entry.load(), entry.path)
    except ReadError as error:
        return Rejected(entry.name, error.reason, error.detail)
    return entry.path.resolve()


def _named(left_out: Sequence[Rejected]) -> str:
    """`a.tif (truncated), b.tif (empty)`; what an extra would read in the reader's own sentence, which names both."""
    needs = {one.name: one.detail for one in left_out if one.reason == "needs-extra"}
    words = [needs.get(one.name, f"{one.name} ({one.reason})") for one in left_out[:NAMED]]
    more = [f"{len(left_out) - NAMED} more"] if len(left_out) > NAMED else []
    return ", ".join(words + more)
