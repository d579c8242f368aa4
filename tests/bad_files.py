"""Files that microscopes, networks and people leave in a folder, and what should become of each."""

from __future__ import annotations

import gzip
import io
import os
import struct
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from micrograph_files import blank_png, dm3, emi, mrc, rod_image, ser, tiff

DONE = "done"
POSIX = sys.platform != "win32"


@dataclass(frozen=True)
class Kind:
    """A kind of bad file: `make(path, number)` writes it; `expected` are reasons, or `done`, by inputs' names.

    In a name `{}` stands for the number. `posix`: cannot exist on Windows.
    """

    name: str
    make: Callable[[Path, int], None]
    expected: frozenset[str]
    member: str = ""
    posix: bool = False


def _bytes(content: Callable[[int], bytes]) -> Callable[[Path, int], None]:
    return lambda path, number: path.write_bytes(content(number)) and None


def _cut(make: Callable[[np.ndarray], bytes]) -> Callable[[int], bytes]:
    def content(number: int) -> bytes:
        data = make(rod_image(number))
        return data[: int(np.random.default_rng(number).integers(20, len(data) - 1))]

    return content


def _zeroed(make: Callable[[np.ndarray], bytes]) -> Callable[[int], bytes]:
    def content(number: int) -> bytes:
        data = make(rod_image(number))
        kept = int(len(data) * np.random.default_rng(number).uniform(0.3, 0.7))
        return data[:kept] + bytes(len(data) - kept)

    return content


def _picture(ending: str) -> Callable[[np.ndarray], bytes]:
    return lambda pixels: cv2.imencode(ending, pixels)[1].tobytes()


def _image(pixels: Callable[[int], np.ndarray]) -> Callable[[int], bytes]:
    return lambda number: tiff(pixels(number))


def _half_nan(number: int) -> np.ndarray:
    pixels = rod_image(number).astype(np.float32)
    pixels[: int(0.6 * len(pixels))] = np.nan
    return pixels


def _huge_header(number: int) -> bytes:
    """An MRC that claims 60,000 x 60,000 pixels and has a few."""
    data = bytearray(mrc(rod_image(number)))
    struct.pack_into("<2i", data, 0, 60_000, 60_000)
    return bytes(data)


def _zip(names: dict[str, bytes], encrypted: bool = False) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in names.items():
            archive.writestr(name, data)
    data = bytearray(file.getvalue())
    if encrypted:
        # The flag in the local and in the central header is what readers see of a password.
        data[6] |= 1
        data[data.rfind(b"PK\x01\x02") + 8] |= 1
    return bytes(data)


def _tar(name: str, data: bytes) -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w:gz") as archive:
        info = tarfile.TarInfo(name)
        info.size = len(data)
        archive.addfile(info, io.BytesIO(data))
    return file.getvalue()


def _locked(path: Path, number: int) -> None:
    path.write_bytes(tiff(rod_image(number)))
    path.chmod(0)


def _good(number: int) -> bytes:
    return tiff(rod_image(number))


def _permissions_bind() -> bool:
    """Not on Windows, nor for root, unless it has laid down its power (setpriv --bounding-set=-dac_override,...)."""
    with tempfile.NamedTemporaryFile() as file:
        Path(file.name).chmod(0)
        return not os.access(file.name, os.R_OK)


def _kinds() -> list[Kind]:
    def kind(name, content, *expected, member="", posix=False, make=None):
        return Kind(name, make or _bytes(content), frozenset(expected), member, posix)

    cut = {"truncated", "unreadable", "not-an-image", "zero-tail"}
    tail = {"zero-tail", "truncated", "unreadable", "no-signal"}
    readable_or_not = "no-access" if _permissions_bind() else DONE
    long_name = "{}_" + "n" * 242 + ".tif"
    return [
        kind("cut{}.tif", _cut(tiff), *cut),
        kind("cut{}.mrc", _cut(mrc), *cut),
        kind("cut{}.dm3", _cut(dm3), *cut),
        kind("cut{}_1.ser", _cut(ser), *cut),
        kind("cut{}.png", _cut(_picture(".png")), *cut),
        kind("cut{}.jpg", _cut(_picture(".jpg")), *cut),
        kind("cut{}.bmp", _cut(_picture(".bmp")), *cut),
        kind("zeroed{}.tif", _zeroed(tiff), *tail),
        kind("zeroed{}.mrc", _zeroed(mrc), *tail),
        kind("zeroed{}.dm3", _zeroed(dm3), *tail),
        kind("zeroed{}.png", _zeroed(_picture(".png")), *tail),
        kind("empty{}.tif", lambda _: b"", "empty"),
        kind("zeros{}.tif", lambda _: bytes(5000), "zero-tail"),
        kind("text{}.tif", lambda n: b"not an image at all " * (n + 5), "not-an-image"),
        kind("noise{}.mrc", lambda n: np.random.default_rng(n).bytes(5000), "not-an-image", "unreadable", "truncated"),
        kind("notes{}.txt", lambda _: b"overnight", "not-an-image"),
        kind("really a png {}.tif", lambda n: _picture(".png")(rod_image(n)), DONE),
        kind("nan{}.tif", _image(_half_nan), "no-signal"),
        kind("flat{}.tif", _image(lambda n: np.full((64, 64), 7 + n % 200, np.uint8)), "no-signal"),
        kind("one{}.tif", _image(lambda n: np.full((1, 1), n % 255, np.uint8)), "too-small"),
        kind("line{}.tif", _image(lambda n: rod_image(n)[:1]), "too-small"),
        kind("huge header{}.mrc", _huge_header, "truncated"),
        kind("bomb{}.png", lambda n: blank_png(30_000 + n), "too-large"),
        kind("stack{}.tif", lambda n: tiff(rod_image(n)[None].repeat(3, 0), photometric="minisblack"), DONE),
        kind("colour{}.tif", lambda n: tiff(cv2.merge([rod_image(n)] * 3), photometric="rgb"), DONE),
        kind("complex{}.tif", _image(lambda n: rod_image(n).astype(np.complex64)), "not-an-image"),
        kind("lonely{}.emi", lambda _: emi(), "companion-missing"),
        kind("encrypted{}.zip", lambda n: _zip({"a.tif": _good(n)}, encrypted=True), "encrypted", member="a.tif"),
        kind("damaged{}.zip", lambda n: _zip({"a.tif": _good(n)})[:-30], "corrupt-archive"),
        kind("escaping{}.zip", lambda n: _zip({"../a.tif": _good(n)}), "unsafe-path", member="../a.tif"),
        kind("nested{}.zip", lambda n: _zip({"b.zip": _zip({"a.tif": _good(n)})}), "nested-archive", member="b.zip"),
        kind("whole{}.tar.gz", lambda n: _tar("a.tif", _good(n)), DONE, member="a.tif"),
        kind("damaged{}.tar.gz", lambda n: _tar("a.tif", _good(n))[:200], "corrupt-archive", "corrupt-member"),
        kind("packed{}.tif.gz", lambda n: gzip.compress(_good(n)), "unsupported-archive"),
        kind("broken link {}.tif", None, "broken-link", posix=True, make=lambda p, n: p.symlink_to(f"nowhere{n}")),
        kind("circle{}.tif", None, "symlink-loop", posix=True, make=lambda p, _: p.symlink_to(p.name)),
        kind("loop{}", None, "symlink-loop", posix=True, make=lambda p, _: p.symlink_to(".")),
        kind("pipe{}.tif", None, "not-a-regular-file", posix=True, make=lambda p, _: os.mkfifo(p)),
        kind("locked{}.tif", None, readable_or_not, posix=True, make=_locked),
        kind("line\nbreak{}.tif", _good, DONE, posix=True),
        kind('quote"{}.tif', _good, DONE, posix=True),
        kind("emoji \N{MICROSCOPE} {}.tif", _good, DONE),
        kind("=1+1 {}.tif", _good, DONE),
        kind("@sum{}.tif", _good, DONE),
        kind("comma, {}.tif", _good, DONE),
        kind(long_name, _good, DONE),
        kind("latin\udce9{}.tif", _good, DONE, posix=True),
    ]  # fmt: skip


KINDS = [kind for kind in _kinds() if POSIX or not kind.posix]


def write(folder: Path, n: int) -> dict[str, frozenset[str]]:
    """Write `n` files, every kind in turn; returns what is expected by the name that tables show."""
    expected = {}
    for number in range(n):
        kind = KINDS[number % len(KINDS)]
        name = kind.name.replace("{}", str(number))
        kind.make(folder / name, number)
        shown = os.fsencode(name).decode("utf-8", "backslashreplace")
        inside = kind.member and not kind.expected & {"corrupt-archive"}
        expected[f"{shown}!/{kind.member}" if inside else shown] = kind.expected
    return expected
