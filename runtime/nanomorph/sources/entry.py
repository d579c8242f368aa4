"""What `discover` finds: micrographs to measure, and inputs that cannot be used with the reason."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from nanomorph.readers import SUFFIXES, suffix_of

ARCHIVE_SUFFIXES = (".zip", ".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tbz2", ".tar.xz", ".txz")
_MEMBER = re.compile(f"(.+?(?:{'|'.join(map(re.escape, ARCHIVE_SUFFIXES))}))!/", re.IGNORECASE | re.DOTALL)
OTHER_ARCHIVES = (".7z", ".rar", ".gz", ".bz2", ".xz", ".zst")

_SYSTEM = frozenset({"__macosx", "thumbs.db", "desktop.ini", "$recycle.bin", "system volume information"})
_TEMPORARY = re.compile(r"^~\$|~$|\.(tmp|temp|part|partial|crdownload|filepart|swp)$", re.IGNORECASE)


@dataclass(frozen=True)
class Item:
    """A micrograph to read.

    name: what tables call it: relative to its input, forward slashes, `archive.zip!/path` in an archive.
    size: bytes of its content. stamp: text that changes whenever its content may have changed.
    path: where it lies, or None inside an archive. An item with a path may be loaded at any time by any
    thread; a member must be loaded before the next item is asked for, because a .tar.gz is a stream.
    load: its whole content; raises ReadError and nothing else.
    companion: name of the item that is measured instead (an .emi describes its .ser); do not load this one.
    provisional: it may still be being written: what looks unfinished is held, not quarantined.
    """

    name: str
    size: int
    path: Path | None
    load: Callable[[], bytes]
    stamp: str
    companion: str | None = None
    provisional: bool = False


@dataclass(frozen=True)
class Rejected:
    """An input that is quarantined unread: a short `reason` to group by, a `detail` for a person."""

    name: str
    reason: str
    detail: str
    stamp: str = ""
    size: int = 0
    provisional: bool = False


def is_skipped(name: str) -> bool:
    """Hidden, temporary and operating-system files: passed over without a word. `name` without folders."""
    return name.startswith(".") or name.casefold() in _SYSTEM or bool(_TEMPORARY.search(name))


def is_archive(name: str) -> bool:
    """An archive that `discover` opens."""
    return name.casefold().endswith(ARCHIVE_SUFFIXES)


def archive_of(name: str) -> str | None:
    """The archive that an input lies in: `a/x.zip` of `a/x.zip!/b.tif`. A folder may be called `x!`."""
    found = _MEMBER.match(name)
    return found[1] if found else None


def is_other_archive(name: str) -> bool:
    """A packed file that nanomorph does not open."""
    return name.casefold().endswith(OTHER_ARCHIVES)


def is_micrograph(name: str) -> bool:
    """A suffix that the readers take."""
    return suffix_of(name) in SUFFIXES


def not_an_image(name: str, stamp: str = "", size: int = 0) -> Rejected:
    """The rejection of a file that no reader takes, with what to do about it.

    On disk its name decides alone (no stamp): a log that grows all night is rejected once.
    """
    if is_other_archive(name):
        detail = f"{suffix_of(name)} files are not opened; unpack it, or use .zip or .tar(.gz)"
        return Rejected(name, "unsupported-archive", detail, stamp, size)
    kind = suffix_of(name) or "no"
    return Rejected(name, "not-an-image", f"{kind} suffix is not one of a micrograph format", stamp, size)
