"""MRC (.mrc, .map, .st, .rec) without a library: a header of 1024 bytes and raw numbers.

Own code, because rosettasciio does not swap big-endian data, does not tell stacks from volumes or signed
bytes from unsigned, and is an extra. Format: MRC2014, Cheng et al., J. Struct. Biol. 192 (2015) 146.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

import numpy as np

from nanomorph.micrograph import Calibration, Micrograph, ReadError
from nanomorph.pixel_size import both, to_nm
from nanomorph.readers.formats import suffix_of
from nanomorph.readers.gray import to_gray
from nanomorph.readers.strict import check_last_frame, check_size, check_zero_tail, library_errors, truncated

_HEADER = 1024
_DTYPES = {0: "i1", 1: "i2", 2: "f4", 6: "u2", 12: "f2"}
_STACKS = frozenset({".mrcs", ".st"})
_VOLUMES = frozenset({".map", ".rec"})
_FEI_EXTENDED, _FEI_PIXEL_SIZE_AT = 131072, _HEADER + 44


@dataclass(frozen=True)
class _Header:
    columns: int
    rows: int
    sections: int
    dtype: np.dtype
    space_group: int
    extended: int
    nm_per_px: tuple[float, float] | None

    @property
    def first_byte(self) -> int:
        return _HEADER + self.extended

    @property
    def size(self) -> int:
        return self.first_byte + self.rows * self.columns * self.sections * self.dtype.itemsize


def read_mrc(name: str, data: bytes) -> Micrograph:
    """Read the first section of an MRC image or stack, row 0 first, as stored. Raises ReadError."""
    if len(data) < _HEADER:
        raise truncated(name, _HEADER, len(data))
    with library_errors(name, data):
        header = _parse(name, data)
        if header.size > len(data):
            raise truncated(name, header.size, len(data))
        _refuse_volume(name, header)
        check_size(name, header.rows, header.columns)
        stored = _section(data, header, 0)
        check_zero_tail(name, stored)
        if header.sections > 1:
            check_last_frame(name, _section(data, header, header.sections - 1))
        # A copy: the frame must not keep a whole stack in memory.
        gray = to_gray(name, stored).copy()
    calibration = Calibration.NONE if header.nm_per_px is None else Calibration.METADATA
    return Micrograph(gray, header.nm_per_px, calibration, name, header.sections)


def _parse(name: str, data: bytes) -> _Header:
    order = _byte_order(data)
    columns, rows, sections, mode = struct.unpack_from(f"{order}4i", data, 0)
    space_group, extended = struct.unpack_from(f"{order}2i", data, 88)
    if min(columns, rows, sections) <= 0 or extended < 0:
        raise ReadError("unreadable", f"{name} is no MRC image: {columns} x {rows} x {sections} values")
    if mode not in _DTYPES:
        raise ReadError("not-an-image", f"{name} holds MRC mode {mode}; read are {sorted(_DTYPES)}")
    dtype = np.dtype(order + _DTYPES[mode])
    if mode == 0 and not _bytes_are_signed(data, order):
        dtype = np.dtype("u1")
    size = _pixel_size(data, order, extended)
    return _Header(columns, rows, sections, dtype, space_group, extended, size)


def _byte_order(data: bytes) -> str:
    """By the machine stamp; in older files, which have none, the order in which the image is not gigantic."""
    stamp = data[212:213]
    if stamp in (b"\x44", b"\x11"):
        return "<" if stamp == b"\x44" else ">"
    little, big = (int.from_bytes(data[:4], order) for order in ("little", "big"))  # type: ignore[arg-type]
    return "<" if little <= big else ">"


def _bytes_are_signed(data: bytes, order: str) -> bool:
    """Mode 0 is signed since 2014, but many programs mean 0 to 255: IMOD's flag or the minimum tells."""
    imod_stamp, imod_flags = struct.unpack_from(f"{order}2i", data, 152)
    if imod_stamp == int.from_bytes(b"IMOD", "big"):
        return bool(imod_flags & 1)
    minimum, maximum = struct.unpack_from(f"{order}2f", data, 76)
    return minimum < 0 and minimum <= maximum


def _pixel_size(data: bytes, order: str, extended: int) -> tuple[float, float] | None:
    if extended == _FEI_EXTENDED and not data[104:108].strip(b"\0"):
        # FEI's old extended header states metres, and leaves 1 angstrom per pixel in the standard one.
        (metres,) = struct.unpack_from(f"{order}f", data, _FEI_PIXEL_SIZE_AT)
        return both(to_nm(metres, "m"), to_nm(metres, "m"))
    intervals = struct.unpack_from(f"{order}3i", data, 28)
    lengths = struct.unpack_from(f"{order}3f", data, 40)
    # MAPC and MAPR: the cell's axes that columns and rows run along; old writers leave them 0.
    axes = struct.unpack_from(f"{order}2i", data, 64)
    column, row = axes if sorted(axes) in ([1, 2], [1, 3], [2, 3]) else (1, 2)
    pairs = ((lengths[axis - 1], intervals[axis - 1]) for axis in (column, row))
    angstroms = [length / count if count > 0 else 0.0 for length, count in pairs]
    # Exactly 1 in x and y is what programs write that know no pixel size.
    if angstroms == [1.0, 1.0]:
        return None
    return both(to_nm(angstroms[0], "A"), to_nm(angstroms[1], "A"))


def _refuse_volume(name: str, header: _Header) -> None:
    """Space group 0 is an image stack, any other a volume; where a name says stack or volume, it decides."""
    suffix = suffix_of(name)
    if header.sections == 1 or suffix in _STACKS:
        return
    if header.space_group != 0 or suffix in _VOLUMES:
        shape = f"{header.sections} x {header.rows} x {header.columns}"
        raise ReadError("volume", f"{name} is a volume of {shape} voxels, not a micrograph")


def _section(data: bytes, header: _Header, index: int) -> np.ndarray:
    count = header.rows * header.columns
    start = header.first_byte + index * count * header.dtype.itemsize
    return np.frombuffer(data, header.dtype, count, start).reshape(header.rows, header.columns)
