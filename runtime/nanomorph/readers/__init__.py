"""The one strict reader: a `Micrograph`, or a `ReadError` whose reason is one of these.

Not fully written: `empty`, `truncated`, `zero-tail`. Nothing to measure: `not-an-image`, `volume`,
`too-small`, `too-large`, `no-signal`. Damaged: `unreadable`. Something else must come first: `needs-extra`,
`companion-missing`.
"""

from __future__ import annotations

from pathlib import Path

from nanomorph.micrograph import Micrograph
from nanomorph.readers.formats import SUFFIXES, Format, identify, suffix_of
from nanomorph.readers.pairs import companion_of, emi_beside, ser_beside
from nanomorph.readers.strict import check_frame

__all__ = [
    "SUFFIXES",
    "UNFINISHED",
    "companion_of",
    "decode",
    "emi_beside",
    "read_micrograph",
    "read_path",
    "ser_beside",
    "suffix_of",
]

UNFINISHED = frozenset(
    {"empty", "truncated", "zero-tail", "unreadable", "no-signal", "companion-missing", "no-access", "changing"}
    | {"corrupt-archive", "corrupt-member", "not-an-image"}
)
"""Reasons that a file may outgrow while it is still being written."""


def read_path(path: Path | str) -> Micrograph:
    """Read a micrograph from disk. Raises ReadError, and OSError where the file itself cannot be opened."""
    path = Path(path)
    return read_micrograph(str(path), path.read_bytes(), path)


def read_micrograph(name: str, data: bytes, path: Path | None = None) -> Micrograph:
    """Decode a whole file. Raises ReadError(reason, detail); reasons are listed above.

    name: what the user calls it; its suffix counts only where the content leaves the format open.
    data: the whole file. path: where it lies on disk (a TIA pair is joined there), None in an archive.
    """
    micrograph = decode(name, data, path)
    check_frame(name, micrograph.pixels)
    return micrograph


def decode(name: str, data: bytes, path: Path | None = None) -> Micrograph:
    """As `read_micrograph`, but frames of any size and content pass: for tools that only show metadata."""
    # Each format's library is imported only when a file needs it.
    match identify(name, data):
        case Format.TIFF:
            from nanomorph.readers.tiff import read_tiff

            return read_tiff(name, data)
        case Format.MRC:
            from nanomorph.readers.mrc import read_mrc

            return read_mrc(name, data)
        case Format.PNG | Format.JPEG | Format.BMP as picture:
            from nanomorph.readers.pictures import read_picture

            return read_picture(name, data, picture)
        case native:
            from nanomorph.readers.native import read_native

            return read_native(name, data, native, path)
