"""Is a TIFF whole? Checked before decoding, since tifffile stops silently where a file does.

Three things must lie inside the file: every page directory, every value its tags point to (the pixel size
is one of them, often the last thing written), and every strip or tile.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Iterator
from dataclasses import dataclass

import tifffile

from nanomorph.micrograph import ReadError
from nanomorph.readers.strict import truncated

UNCOMPRESSED = 1

_TYPE_SIZES = dict(enumerate((0, 1, 1, 2, 4, 8, 1, 1, 2, 4, 8, 4, 8, 4, 0, 0, 8, 8, 8)))
"""Bytes of one value by TIFF data type, BYTE (1) to IFD8 (18); types we do not know are not checked."""


@dataclass(frozen=True)
class _Layout:
    """How numbers are written: in classic TIFF with 4-byte offsets, in BigTIFF with 8-byte ones."""

    order: str
    big: bool

    @property
    def offset(self) -> struct.Struct:
        return struct.Struct(self.order + ("Q" if self.big else "I"))

    @property
    def count(self) -> struct.Struct:
        return struct.Struct(self.order + ("Q" if self.big else "H"))

    @property
    def tag(self) -> struct.Struct:
        """Code, type, number of values, and the values' place (or the values, where they fit)."""
        return struct.Struct(self.order + ("HHQQ" if self.big else "HHII"))


def check_directories(name: str, data: bytes) -> None:
    """Follow the chain of page directories, and their tags, to the end. Raises ReadError."""
    layout = _Layout("<" if data[:2] == b"II" else ">", data[2:4] in (b"+\0", b"\0+"))
    at = 8 if layout.big else 4
    seen: set[int] = set()
    while True:
        if at + layout.offset.size > len(data):
            raise truncated(name, at + layout.offset.size, len(data))
        (directory,) = layout.offset.unpack_from(data, at)
        if directory == 0:
            return
        if directory in seen:
            # tifffile would follow such a chain for ever.
            raise ReadError("unreadable", f"{name}: its pages follow each other in a circle")
        seen.add(directory)
        at = _check_directory(name, data, layout, directory)


def _check_directory(name: str, data: bytes, layout: _Layout, directory: int) -> int:
    """Check one page's tags; returns where the link to the next directory is."""
    first = directory + layout.count.size
    if first > len(data):
        raise truncated(name, first, len(data))
    (n_tags,) = layout.count.unpack_from(data, directory)
    if n_tags == 0:
        raise ReadError("zero-tail", f"{name} is blank where it should describe a page: not fully written?")
    link = first + n_tags * layout.tag.size
    if link > len(data):
        raise truncated(name, link, len(data))
    end = max(_value_ends(data, layout, first, link))
    if end > len(data):
        raise truncated(name, end, len(data))
    return link


def _value_ends(data: bytes, layout: _Layout, first: int, link: int) -> Iterator[int]:
    """Where each tag's value ends: outside the tag if it is too long for it."""
    for at in range(first, link, layout.tag.size):
        _, type_, count, offset = layout.tag.unpack_from(data, at)
        length = _TYPE_SIZES.get(type_, 0) * count
        yield offset + length if length > layout.offset.size else at


def check_segments(name: str, data: bytes, page: tifffile.TiffPage) -> None:
    """Every strip or tile is there, and an uncompressed page holds all its pixels. Raises ReadError."""
    segments = list(zip(page.dataoffsets, page.databytecounts, strict=False))
    if not segments or page.ndim < 2:
        raise ReadError("unreadable", f"{name} has no image data")
    expected = math.prod(page.chunked)
    if len(segments) < expected:
        # tifffile would fill in zeros, for as many gigabytes as a few bytes declare.
        raise ReadError("truncated", f"{name} lists {len(segments)} of {expected} strips")
    if any(offset <= 0 or count <= 0 for offset, count in segments):
        raise ReadError("truncated", f"{name}: a strip was never written")
    end = max(offset + count for offset, count in segments)
    if end > len(data):
        raise truncated(name, end, len(data))
    held = sum(count for _, count in segments)
    if page.compression == UNCOMPRESSED and held < _bytes_of(page):
        raise ReadError("truncated", f"{name}: its strips hold {held} of {_bytes_of(page)} bytes")


def _bytes_of(page: tifffile.TiffPage) -> int:
    if page.planarconfig == 2:
        return page.samplesperpixel * page.imagelength * -(-page.imagewidth * page.bitspersample // 8)
    row = -(-page.imagewidth * page.samplesperpixel * page.bitspersample // 8)
    return page.imagedepth * page.imagelength * row
