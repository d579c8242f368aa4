"""Which format a file is: by its content first, by its name only where the content leaves it open."""

from __future__ import annotations

from enum import StrEnum
from pathlib import PurePosixPath

from nanomorph.micrograph import ReadError


class Format(StrEnum):
    """The formats nanomorph reads."""

    TIFF = "TIFF"
    PNG = "PNG"
    JPEG = "JPEG"
    BMP = "BMP"
    MRC = "MRC"
    DM = "Gatan DM"
    EMD = "EMD"
    SER = "TIA SER"
    EMI = "TIA EMI"


_SUFFIXES = {
    ".tif": Format.TIFF,
    ".tiff": Format.TIFF,
    ".btf": Format.TIFF,
    ".png": Format.PNG,
    ".jpg": Format.JPEG,
    ".jpeg": Format.JPEG,
    ".bmp": Format.BMP,
    ".mrc": Format.MRC,
    ".mrcs": Format.MRC,
    ".map": Format.MRC,
    ".rec": Format.MRC,
    ".st": Format.MRC,
    ".dm3": Format.DM,
    ".dm4": Format.DM,
    ".emd": Format.EMD,
    ".ser": Format.SER,
    ".emi": Format.EMI,
}

SUFFIXES = frozenset(_SUFFIXES)
"""Lower-case suffixes that are taken as micrographs."""

_MAGIC = {
    b"II*\0": Format.TIFF,
    b"MM\0*": Format.TIFF,
    b"II+\0": Format.TIFF,
    b"MM\0+": Format.TIFF,
    b"\x89PNG\r\n\x1a\n": Format.PNG,
    b"\xff\xd8\xff": Format.JPEG,
    b"\x89HDF\r\n\x1a\n": Format.EMD,
    b"II\x97\x01": Format.SER,
    b"JK\0\x02": Format.EMI,
}

_BMP_HEADER_SIZES = frozenset({12, 40, 52, 56, 64, 108, 124})
_SHORTEST = 16


def suffix_of(name: str) -> str:
    """The lower-case suffix of a file or archive member name, with its dot."""
    return PurePosixPath(name).suffix.casefold()


def identify(name: str, data: bytes) -> Format:
    """The format of `data`. Raises ReadError: `empty`, `truncated`, `zero-tail` or `not-an-image`."""
    if not data:
        raise ReadError("empty", f"{name} has no content (0 bytes)")
    found = _by_content(name, data)
    if found is not None:
        return found
    raise _unknown(name, data)


def _by_content(name: str, data: bytes) -> Format | None:
    for magic, format_ in _MAGIC.items():
        if data.startswith(magic):
            return format_
    if _is_bmp(data):
        return Format.BMP
    if _is_dm(data):
        return Format.DM
    # Files older than the MRC2014 standard lack its stamp: there the name decides.
    if data[208:212] == b"MAP " or (_SUFFIXES.get(suffix_of(name)) is Format.MRC and _looks_like_mrc(data)):
        return Format.MRC
    return None


def _is_bmp(data: bytes) -> bool:
    return data[:2] == b"BM" and int.from_bytes(data[14:18], "little") in _BMP_HEADER_SIZES


def _is_dm(data: bytes) -> bool:
    version = int.from_bytes(data[:4], "big")
    order = {3: data[8:12], 4: data[12:16]}.get(version, b"")
    return order in (b"\0\0\0\0", b"\0\0\0\1") and any(data[4:12])


def _looks_like_mrc(data: bytes) -> bool:
    """Whether the first four numbers (columns, rows, sections, mode) make sense in either byte order."""
    for order in ("little", "big"):
        words = [int.from_bytes(data[at : at + 4], order) for at in range(0, 16, 4)]  # type: ignore[arg-type]
        if all(0 < size < 2**20 for size in words[:3]) and words[3] <= 101:
            return True
    return False


def _unknown(name: str, data: bytes) -> ReadError:
    expected = _SUFFIXES.get(suffix_of(name))
    if not any(data[:_SHORTEST]):
        return ReadError("zero-tail", f"{name} starts with zeros: its header is not written; copy it again")
    if expected is not None and len(data) < _SHORTEST:
        return ReadError("truncated", f"{name} has only {len(data)} bytes, less than any {expected} header")
    known = "TIFF, PNG, JPEG, BMP, MRC, DM3, DM4, EMD, SER/EMI"
    if expected is None:
        return ReadError("not-an-image", f"the content of {name} is none of {known}")
    return ReadError("not-an-image", f"{name} is named like a {expected} file, but its content is none of {known}")
