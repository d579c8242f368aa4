"""Small valid files of many formats, byte by byte, for tests that break them or write them slowly."""

from __future__ import annotations

import io
import struct
import zlib

import numpy as np
import tifffile

NM_PER_PX = 0.5


def rod_image(number: int, side: int = 96) -> np.ndarray:
    """uint8 (side, side): a dark rod on a bright field; no two numbers below 100,000 give the same image.

    The field's grain is the number's own, so that every file has a content of its own.
    """
    pixels = np.random.default_rng(number).integers(200, 240, (side, side)).astype(np.uint8)
    length, width = rod_of(number, side)
    top, left = side // 4, side // 8
    pixels[top : top + width, left : left + length] = 20
    return pixels


def rod_of(number: int, side: int = 96) -> tuple[int, int]:
    """Length and width in px of the rod in `rod_image(number)`."""
    return side // 2 + number % (side // 4), side // 10 + number % (side // 8)


def tiff(pixels: np.ndarray, **options) -> bytes:
    """A TIFF with its pixel size."""
    file = io.BytesIO()
    resolution = 1e7 / NM_PER_PX
    tifffile.imwrite(file, pixels, resolution=(resolution, resolution), resolutionunit="CENTIMETER", **options)
    return file.getvalue()


def mrc(pixels: np.ndarray) -> bytes:
    """An MRC2014 image: unsigned 16-bit, pixel size in angstroms."""
    height, width = pixels.shape
    header = bytearray(1024)
    struct.pack_into("<4i", header, 0, width, height, 1, 6)
    struct.pack_into("<3i", header, 28, width, height, 1)
    struct.pack_into("<3f", header, 40, width * NM_PER_PX * 10, height * NM_PER_PX * 10, 1.0)
    header[208:214] = b"MAP \x44\x44"
    return bytes(header) + pixels.astype("<u2").tobytes()


def blank_png(side: int) -> bytes:
    """A hundred bytes that claim side x side px."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0)
    pixels = zlib.compress(bytes(1000), 9)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


def ser(pixels: np.ndarray) -> bytes:
    """A TIA series of one 16-bit image; its pixel size in metres."""
    height, width = pixels.shape
    metres = NM_PER_PX * 1e-9
    head = struct.pack("<HHHIIIIII", 0x4949, 0x0197, 0x0210, 0x4122, 0x4152, 1, 1, 30, 1)
    dimension = struct.pack("<IddII", 1, 0.0, 0.0, 0, 7) + b"unknown"[:7] + struct.pack("<I", 0)
    offsets_at = 30 + len(dimension)
    head = head[:22] + struct.pack("<II", offsets_at, 1)
    element_at = offsets_at + 8
    calibration = struct.pack("<ddi", 0.0, metres, 0)
    element = calibration * 2 + struct.pack("<HII", 2, width, height) + pixels[::-1].astype("<u2").tobytes()
    tag = struct.pack("<HxxI", 0x4152, 1700000000)
    offsets = struct.pack("<II", element_at, element_at + len(element))
    return head + dimension + offsets + element + tag


def emi() -> bytes:
    """The description of one object, as much of it as readers ask for."""
    description = (
        "<ObjectInfo><Uuid>0</Uuid><AcquireDate>Wed Nov 25 03:00:00 2026</AcquireDate>"
        "<ExperimentalDescription><Root><Data><Label>Magnification</Label><Value>50000</Value><Unit>x</Unit></Data>"
        "</Root></ExperimentalDescription></ObjectInfo>"
    )
    return b"JK\0\x02" + bytes(60) + description.encode() + bytes(8)


def dm3(pixels: np.ndarray) -> bytes:
    """A DigitalMicrograph 3 file with one unsigned 16-bit image, calibrated in nm."""
    height, width = pixels.shape
    dimensions = _group([_number("", width), _number("", height)])
    calibration = [
        _group_entry("", _group([_real("Origin", 0.0), _real("Scale", NM_PER_PX), _text("Units", "nm")]))
    ] * 2
    image_data = _group(
        [
            _group_entry(
                "Calibrations",
                _group(
                    [
                        _group_entry(
                            "Brightness", _group([_real("Origin", 0.0), _real("Scale", 1.0), _text("Units", "")])
                        ),
                        _group_entry("Dimension", _group(calibration)),
                    ]
                ),
            ),
            _array("Data", pixels.astype("<u2")),
            _number("DataType", 10),
            _group_entry("Dimensions", dimensions),
            _number("PixelDepth", 2),
        ]
    )
    tags = _group_entry("ImageTags", _group([]))
    image = _group_entry("", _group([_group_entry("ImageData", image_data), tags, _text("Name", "image")]))
    return dm3_of([_group_entry("ImageList", _group([image, image]))])


def dm3_of(entries: list[bytes]) -> bytes:
    """A DigitalMicrograph 3 file of these tags, little-endian values."""
    root = _group(entries)
    return struct.pack(">III", 3, len(root) + 4, 1) + root + bytes(8)


def dm3_tag(name: str, info: list[int], data: bytes = b"") -> bytes:
    """A tag whose value is described by `info` (signed), as garbage may describe it."""
    return _tag(name, [one % 2**32 for one in info], data)


def _group(entries: list[bytes]) -> bytes:
    return struct.pack(">BBI", 0, 0, len(entries)) + b"".join(entries)


def _group_entry(name: str, group: bytes) -> bytes:
    return struct.pack(">BH", 20, len(name)) + name.encode() + group


def _tag(name: str, info: list[int], data: bytes) -> bytes:
    header = struct.pack(">BH", 21, len(name)) + name.encode() + b"%%%%"
    return header + struct.pack(f">I{len(info)}I", len(info), *info) + data


def _number(name: str, value: int) -> bytes:
    return _tag(name, [5], struct.pack("<I", value))


def _real(name: str, value: float) -> bytes:
    return _tag(name, [6], struct.pack("<f", value))


def _text(name: str, value: str) -> bytes:
    return _tag(name, [20, 4, len(value)], value.encode("utf-16-le"))


def _array(name: str, values: np.ndarray) -> bytes:
    return _tag(name, [20, 4, values.size], values.tobytes())
