"""How many bytes DM and SER files declare: rosettasciio does not compare that with how many there are.

HDF5 (EMD) checks its own size. Layouts: "DigitalMicrograph 3 file format" (G. Jefferis, C. Boothroyd) and
"TIA file formats" (C. Boothroyd).
"""

from __future__ import annotations

import struct

from nanomorph.readers.formats import Format
from nanomorph.readers.strict import library_errors, truncated

_IMAGE_ELEMENTS = 0x4122
_LAST_32_BIT_VERSION = 0x0210
_ELEMENT_HEADER = 50
_SHORTEST_TAG = 8
_SER_BYTES = {1: 1, 2: 2, 3: 4, 4: 1, 5: 2, 6: 4, 7: 4, 8: 8, 9: 8, 10: 16}
"""Bytes a pixel by TIA's data type: unsigned 1 to 3, signed 4 to 6, float 7 and 8, complex 9 and 10."""


def check_declared_size(name: str, data: bytes, format_: Format) -> None:
    """Raise ReadError `truncated` where the header declares more bytes than `data` has."""
    declared = {Format.DM: _dm_size, Format.SER: _ser_size}.get(format_)
    if declared is None:
        return
    # A header that is itself too short, or points outside the file, raises struct.error.
    with library_errors(name, data):
        needed = declared(data)
    if needed > len(data):
        raise truncated(name, needed, len(data))


def _dm_size(data: bytes) -> int:
    """The tags' size in the header, plus the header: 16 bytes in version 3, more in version 4."""
    version = int.from_bytes(data[:4], "big")
    (size,) = struct.unpack_from(">I" if version == 3 else ">Q", data, 4)
    return size + 16


def _ser_size(data: bytes) -> int:
    """End of the last image of a series; spectra (refused later) count as nothing."""
    version, element_type, _, n_total, n_valid = struct.unpack_from("<HIIII", data, 4)
    offset_format = "<I" if version <= _LAST_32_BIT_VERSION else "<Q"
    (array_at,) = struct.unpack_from(offset_format, data, 22)
    if element_type != _IMAGE_ELEMENTS or n_valid == 0:
        return 0
    step = struct.calcsize(offset_format)
    (element_at,) = struct.unpack_from(offset_format, data, array_at + (n_valid - 1) * step)
    (tag_at,) = struct.unpack_from(offset_format, data, array_at + (n_total + n_valid - 1) * step)
    type_, width, height = struct.unpack_from("<HII", data, element_at + _ELEMENT_HEADER - 10)
    end = element_at + _ELEMENT_HEADER + width * height * _SER_BYTES.get(type_, 1)
    return max(end, tag_at + _SHORTEST_TAG)
