"""Members of archives: which are taken, and how much they may unpack to.

Nothing is ever extracted to disk, so a hostile name cannot escape; it is refused all the same, because the
name becomes the name of a result file.
"""

from __future__ import annotations

import lzma
import re
import struct
import tarfile
import zipfile
import zlib
from dataclasses import dataclass
from typing import IO

from nanomorph.micrograph import ReadError
from nanomorph.sources.entry import (
    Item,
    Rejected,
    is_archive,
    is_micrograph,
    is_other_archive,
    is_skipped,
    not_an_image,
)

GIB = 1024**3
MEMBER_LIMIT = 2 * GIB
# An archive as a whole may unpack to this many times a member's limit, or times its own size, whichever is
# more. Micrographs are noise and shrink 1 to 3 times; only bombs and blank frames come near 200.
TOTAL_MEMBERS = 16
TOTAL_RATIO = 200
CHUNK = 1024 * 1024

# What zipfile, tarfile and the decompressors raise on damaged data, as found by feeding them damaged data.
DAMAGE = (
    zipfile.BadZipFile,
    tarfile.TarError,
    zlib.error,
    lzma.LZMAError,
    EOFError,
    OSError,
    ValueError,
    IndexError,
    KeyError,
    OverflowError,
    RecursionError,
    struct.error,
)


@dataclass
class Budget:
    """Bytes that an archive may unpack to, per member and in total; headers are not believed."""

    member: int
    total: int
    spent: int = 0

    @classmethod
    def of(cls, limit: int, packed: int) -> Budget:
        """For an archive of `packed` bytes whose members may hold `limit` bytes each."""
        return cls(limit, max(TOTAL_MEMBERS * limit, TOTAL_RATIO * packed))

    def spend(self, n: int) -> None:
        """Count `n` unpacked bytes; raises ReadError once the archive has unpacked to too much."""
        self.spent += n
        if self.spent > self.total:
            raise ReadError("decompression-bomb", f"the archive unpacks to more than {human(self.total)}")


def read_counted(stream: IO[bytes], limit: int) -> bytes:
    """Read a member to its end, in pieces; raises ReadError as soon as it exceeds `limit` bytes."""
    chunks, total = [], 0
    while chunk := stream.read(CHUNK):
        total += len(chunk)
        if total > limit:
            raise bomb(total)
        chunks.append(chunk)
    return b"".join(chunks)


def bomb(size: int) -> ReadError:
    """The error of a member that unpacks to `size` bytes or more."""
    return ReadError("decompression-bomb", f"unpacks to {human(size)} or more, above the limit per image")


def plain_name(member: str) -> str | None:
    """The member's name with forward slashes, or None where it points out of the archive."""
    name = member.replace("\\", "/")
    parts = [part for part in name.split("/") if part not in ("", ".")]
    if name.startswith("/") or re.match(r"[A-Za-z]:", name) or ".." in parts or not parts:
        return None
    return "/".join(parts).encode("utf-8", "backslashreplace").decode()


def unwanted(archive: str, member: str, size: int, stamp: str, limit: int) -> Rejected | bool | None:
    """Why a member is not read: a Rejected, True to pass over it silently, or None to take it."""
    plain = plain_name(member)
    if plain is None:
        shown = member.encode("utf-8", "backslashreplace").decode()
        detail = "its name points outside the archive"
        return Rejected(f"{archive}!/{shown}", "unsafe-path", detail, stamp, size)
    if any(is_skipped(part) for part in plain.split("/")):
        return True
    name = f"{archive}!/{plain}"
    if is_archive(plain) or is_other_archive(plain):
        return Rejected(name, "nested-archive", "an archive inside an archive is not opened", stamp, size)
    if not is_micrograph(plain):
        return not_an_image(name, stamp, size)
    if size > limit:
        error = bomb(size)
        return Rejected(name, error.reason, error.detail, stamp, size)
    return None


def first_of_name(entry: Item | Rejected, seen: dict[str, int]) -> Item | Rejected:
    """The entry, or a rejection where its archive already held that name; `seen` counts names.

    tar takes the last of equal names, zip either; a stream can only take the first.
    """
    times = seen[entry.name] = seen.get(entry.name, 0) + 1
    if times == 1:
        return entry
    detail = "the archive holds more than one member of this name; only the first is measured"
    return Rejected(f"{entry.name} ({times})", "duplicate-name", detail, entry.stamp, entry.size)


def human(size: int) -> str:
    """1536 -> `1.5 KiB`."""
    value, unit = float(size), "bytes"
    for unit in ("bytes", "KiB", "MiB", "GiB", "TiB"):
        if value < 1024 or unit == "TiB":
            break
        value /= 1024
    return f"{value:.3g} {unit}"
