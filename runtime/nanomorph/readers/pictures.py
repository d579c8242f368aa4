"""PNG, JPEG and BMP through Pillow, strictly: their end must be there, and all bits are kept.

Pillow's image classes are used directly: `Image.open` would refuse frames above 178 Mpx unless a global of
Pillow is changed, and would try formats we do not want.
"""

from __future__ import annotations

import io
from types import MappingProxyType

import numpy as np
from PIL import BmpImagePlugin, Image, ImageFile, JpegImagePlugin, PngImagePlugin

from nanomorph.micrograph import Calibration, Micrograph, ReadError
from nanomorph.pixel_size import both, density_to_nm
from nanomorph.readers.formats import Format
from nanomorph.readers.gray import to_gray
from nanomorph.readers.strict import check_size, check_zero_tail, library_errors, truncated

_CLASSES: MappingProxyType[Format, type[ImageFile.ImageFile]] = MappingProxyType(
    {
        Format.PNG: PngImagePlugin.PngImageFile,
        Format.JPEG: JpegImagePlugin.JpegImageFile,
        Format.BMP: BmpImagePlugin.BmpImageFile,
    }
)

_PNG_END = b"IEND\xaeB`\x82"
_JPEG_END = b"\xff\xd9"
_JPEG_SCAN = 0xDA
_JPEG_BARE = frozenset({0x01, *range(0xD0, 0xD8)})
"""JPEG markers without a length: TEM and the restart markers."""


def read_picture(name: str, data: bytes, format_: Format) -> Micrograph:
    """Read one PNG, JPEG or BMP. Raises ReadError."""
    with library_errors(name, data):
        _check_end(name, data, format_)
        with _CLASSES[format_](io.BytesIO(data)) as image:
            check_size(name, image.height, image.width)
            samples = _sixteen_bit_png(data) if _is_deep_colour_png(data, format_) else _samples(image)
            dpi = image.info.get("dpi", (0, 0))
        gray = to_gray(name, samples)
        if format_ is Format.BMP:
            # A BMP starts with its lowest row, unless its height is negative.
            top_down = int.from_bytes(data[22:26], "little", signed=True) < 0
            check_zero_tail(name, gray if top_down else gray[::-1])
    nm_per_px = both(*(density_to_nm(float(density)) for density in dpi))
    return Micrograph(gray, nm_per_px, Calibration.NONE if nm_per_px is None else Calibration.METADATA, name)


def _check_end(name: str, data: bytes, format_: Format) -> None:
    """The last thing a writer writes must be there."""
    if format_ is Format.PNG:
        if data.rfind(_PNG_END) < 0:
            raise _no_end(name, data, "IEND")
        # Compares every chunk's checksum; the object is spent afterwards.
        PngImagePlugin.PngImageFile(io.BytesIO(data)).verify()
    elif format_ is Format.JPEG:
        if data.find(_JPEG_END, _jpeg_scan_at(name, data)) < 0:
            raise _no_end(name, data, "EOI")
    elif (declared := int.from_bytes(data[2:6], "little")) > len(data):
        raise truncated(name, declared, len(data))


def _jpeg_scan_at(name: str, data: bytes) -> int:
    """Where the compressed pixels start: an end mark before it belongs to an embedded thumbnail."""
    at = 2
    while at + 4 <= len(data) and data[at] == 0xFF:
        marker = data[at + 1]
        if marker == _JPEG_SCAN:
            return at
        if marker == 0xFF:
            at += 1
        elif marker in _JPEG_BARE:
            at += 2
        else:
            at += 2 + int.from_bytes(data[at + 2 : at + 4], "big")
    raise ReadError("truncated", f"{name} stops, or is blank, before its pixels start (byte {at})")


def _no_end(name: str, data: bytes, mark: str) -> ReadError:
    return ReadError("truncated", f"{name} has no end mark ({mark}) in its {len(data)} bytes: copy it again")


def _samples(image: ImageFile.ImageFile) -> np.ndarray:
    """(H, W) or (H, W, S) as stored; palettes and printing colours are turned into RGB."""
    image.load()
    converted: Image.Image = image
    if image.mode in ("P", "PA"):
        converted = image.convert("RGBA" if "transparency" in image.info else "RGB")
    elif image.mode in ("CMYK", "YCbCr", "LAB", "HSV"):
        converted = image.convert("RGB")
    return np.asarray(converted)


def _is_deep_colour_png(data: bytes, format_: Format) -> bool:
    """16 bits per sample and more than gray: Pillow would drop the lower eight."""
    return format_ is Format.PNG and data[24] == 16 and data[25] != 0


def _sixteen_bit_png(data: bytes) -> np.ndarray:
    import imagecodecs

    return imagecodecs.png_decode(data)
