"""PNG files of pictures that are looked at: written fast, as small as any quick setting makes them."""

from __future__ import annotations

import struct
import zlib

import imagecodecs
import numpy as np

# "None" in front of every row: grain has no neighbours worth a filter.
_NO_FILTER = 0
_RGB, _BITS = 2, 8


def png_of(picture: np.ndarray) -> bytes:
    """A PNG of `picture`, RGB uint8 (H, W, 3).

    Deflated by libdeflate, at its quickest: smaller than by zlib's, in less than half of the time.
    """
    height, width, _ = picture.shape
    rows = np.full((height, 1 + 3 * width), _NO_FILTER, np.uint8)
    rows[:, 1:] = picture.reshape(height, -1)
    header = struct.pack(">IIBBBBB", width, height, _BITS, _RGB, 0, 0, 0)
    data = bytes(imagecodecs.deflate_encode(rows.tobytes(), level=1))
    return b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", header) + _chunk(b"IDAT", data) + _chunk(b"IEND", b"")


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(data, zlib.crc32(kind)))
