"""Micrographs inside a .tar, .tar.gz, .tar.bz2 or .tar.xz, read in place and in one pass."""

from __future__ import annotations

import bz2
import gzip
import lzma
import tarfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import IO, Any

from nanomorph.micrograph import ReadError
from nanomorph.readers import companion_of, suffix_of
from nanomorph.sources.entry import Item, Rejected
from nanomorph.sources.members import CHUNK, DAMAGE, Budget, bomb, first_of_name, read_counted, unwanted
from nanomorph.sources.members import plain_name as plain

# tarfile reads a member's extended header in one piece, of any declared length: larger ones are bombs.
HEADER_LIMIT = 16 * CHUNK
_PACKED: dict[bytes, Callable[..., Any]] = {
    b"\x1f\x8b": lambda file: gzip.GzipFile(fileobj=file),
    b"BZh": bz2.BZ2File,
    b"\xfd7zXZ": lzma.LZMAFile,
}


class ForwardReader:
    """A stream that is read and skipped forwards only, and counts what it unpacks.

    tarfile sees an ordinary seekable file; going back would unpack an archive again for every member.
    """

    def __init__(self, raw: IO[bytes], length: int | None, budget: Budget) -> None:
        self._raw, self._length, self._budget, self._at = raw, length, budget, 0
        self.member: tarfile.TarInfo | None = None

    def tell(self) -> int:
        return self._at

    def read(self, size: int) -> bytes:
        if size > HEADER_LIMIT:
            raise ReadError("decompression-bomb", f"a header that claims {size} bytes")
        data = self._raw.read(size)
        self._at += len(data)
        if self._length is None:
            self._budget.spend(len(data))
        return data

    def seek(self, target: int) -> None:
        if target < self._at:
            raise tarfile.ReadError("a member claims to lie before the one in front of it")
        if self._length is not None:
            if target > self._length:
                raise EOFError("the archive ends in the middle of a member")
            self._at = self._raw.seek(target)
        while self._at < target:
            if not self.read(min(CHUNK, target - self._at)):
                raise EOFError("the archive ends in the middle of a member")

    def drain(self) -> None:
        """Unpack what follows the last member: only at the very end is a checksum compared."""
        while self._length is None and self.read(CHUNK):
            pass


def tar_members(path: Path, name: str, limit: int, stamp: str) -> Iterator[Item | Rejected]:
    """Items of the tar at `path` in the archive's order, called `name!/member`; `limit` in bytes per member.

    Call an item's `load` before asking for the next one.
    """
    size = path.stat().st_size
    try:
        with path.open("rb") as file:
            yield from _members(_unpacked(file, size, Budget.of(limit, size)), name, limit, stamp)
    except ReadError as error:
        detail = f"{error.detail}; the members after this point were not read"
        yield Rejected(name, error.reason, detail, stamp, size)
    except PermissionError:
        raise
    except DAMAGE as error:
        detail = f"damaged ({error or type(error).__name__}); the members after this point were not read"
        yield Rejected(name, "corrupt-archive", detail, stamp, size)


def _unpacked(file: IO[bytes], size: int, budget: Budget) -> ForwardReader:
    head = file.read(6)
    file.seek(0)
    for magic, unpack in _PACKED.items():
        if head.startswith(magic):
            return ForwardReader(unpack(file), None, budget)
    return ForwardReader(file, size, budget)


def _members(stream: ForwardReader, name: str, limit: int, stamp: str) -> Iterator[Item | Rejected]:
    tar = tarfile.TarFile(fileobj=stream)  # type: ignore[arg-type]
    member = tar.next()
    if member is None:
        yield Rejected(name, "corrupt-archive", "not a tar archive, or an empty one", stamp)
        return
    seen: dict[str, int] = {}
    names: set[str] = set()
    held: list[Item] = []
    while member is not None:
        stream.member, after = member, tar.offset
        for entry in _entry(tar, stream, member, name, limit, stamp):
            unique = first_of_name(entry, seen)
            names.add(unique.name)
            if isinstance(unique, Item) and suffix_of(unique.name) == ".emi":
                held.append(_loaded(unique))
            else:
                yield unique
        tar.members.clear()  # type: ignore[attr-defined]  # or it lists every member ever seen
        stream.seek(after)
        member = _next(tar)
    stream.drain()
    yield from _with_companions(held, names)


def _next(tar: tarfile.TarFile) -> tarfile.TarInfo | None:
    # Not tar.next(): it takes a damaged header for the end of the archive and says nothing.
    try:
        return tarfile.TarInfo.fromtarfile(tar)
    except (tarfile.EOFHeaderError, tarfile.EmptyHeaderError):  # type: ignore[attr-defined]
        return None


def _entry(
    tar: tarfile.TarFile, stream: ForwardReader, member: tarfile.TarInfo, archive: str, limit: int, stamp: str
) -> Iterator[Item | Rejected]:
    if member.isdir():
        return
    stamp = f"{member.mtime} in {stamp}"
    verdict = unwanted(archive, member.name, member.size, stamp, limit)
    if verdict is True:
        return
    full = f"{archive}!/{plain(member.name)}"
    if isinstance(verdict, Rejected):
        yield verdict
    elif member.issym() or member.islnk():
        yield Rejected(full, "link", "a link inside an archive is not followed", stamp)
    elif not member.isreg():
        yield Rejected(full, "not-a-regular-file", "a device or pipe, not an image", stamp)
    else:
        yield Item(full, member.size, None, lambda: _load(tar, stream, member, limit), stamp)


def _load(tar: tarfile.TarFile, stream: ForwardReader, member: tarfile.TarInfo, limit: int) -> bytes:
    if stream.member is not member:
        raise RuntimeError("an archive's item was loaded after the next one was asked for")
    if member.size > limit:
        raise bomb(member.size)
    try:
        content = tar.extractfile(member)
        if content is None:
            raise ReadError("corrupt-member", "holds no data")
        with content:
            return read_counted(content, limit)
    except DAMAGE as error:
        raise ReadError("corrupt-member", f"cannot be unpacked: {error or type(error).__name__}") from error


def _loaded(item: Item) -> Item:
    """An .emi waits for the end of the stream, where it is known whether its .ser was there; it is small."""
    try:
        data = item.load()
    except ReadError as error:
        return replace(item, load=_failing(error))
    return replace(item, load=lambda: data)


def _failing(error: ReadError) -> Callable[[], bytes]:
    def load() -> bytes:
        raise error

    return load


def _with_companions(held: list[Item], names: set[str]) -> Iterator[Item]:
    for item in held:
        yield replace(item, companion=companion_of(item.name, names))
