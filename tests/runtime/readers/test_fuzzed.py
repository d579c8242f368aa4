"""What fuzzing (tests/soak/fuzz.py) and the fake microscope found, each as the smallest file that shows it."""

import gzip
import struct
import tarfile
import zipfile

import pytest

from micrograph_files import rod_image, tiff
from nanomorph.micrograph import ReadError
from nanomorph.readers import read_micrograph
from nanomorph.sources import Rejected, discover

ROWS_PER_STRIP = 278


def directory(data):
    """Where a little-endian classic TIFF's first page directory is, and how many tags it has."""
    (at,) = struct.unpack_from("<I", data, 4)
    (n,) = struct.unpack_from("<H", data, at)
    return at, n


def test_pages_in_a_circle_end():
    data = bytearray(tiff(rod_image(1)))
    at, n = directory(data)
    struct.pack_into("<I", data, at + 2 + 12 * n, at)
    with pytest.raises(ReadError, match="in a circle"):
        read_micrograph("a.tif", bytes(data))


def test_strips_that_are_not_listed_are_not_filled_with_zeros():
    data = bytearray(tiff(rod_image(1)))
    at, n = directory(data)
    for tag in range(at + 2, at + 2 + 12 * n, 12):
        if struct.unpack_from("<H", data, tag)[0] == ROWS_PER_STRIP:
            struct.pack_into("<HIHH", data, tag + 2, 3, 1, 1, 0)
    with pytest.raises(ReadError, match="lists 1 of 96 strips"):
        read_micrograph("a.tif", bytes(data))


def test_a_header_that_is_not_yet_written_is_no_foreign_file():
    data = tiff(rod_image(1))
    with pytest.raises(ReadError, match="its header is not written") as error:
        read_micrograph("a.tif", bytes(64) + data[64:])
    assert error.value.reason == "zero-tail"


def test_a_zip_member_without_a_name(tmp_path):
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(zipfile.ZipInfo(""), b"nameless")
        archive.writestr("b.tif", tiff(rod_image(1)))
    nameless, image = discover([path])
    assert isinstance(nameless, Rejected)
    assert nameless.reason == "unsafe-path"
    assert image.name == "a.zip!/b.tif"


@pytest.mark.parametrize("packed", [bytes, gzip.compress])
def test_a_tar_member_of_negative_size_ends_its_archive_and_nothing_else(tmp_path, packed):
    good, bad = tarfile.TarInfo("a.tif"), tarfile.TarInfo("b.tif")
    good.size, bad.size = 512, -1024
    content = good.tobuf(tarfile.GNU_FORMAT) + b"x" * 512 + bad.tobuf(tarfile.GNU_FORMAT) + bytes(1024)
    path = tmp_path / "a.tar"
    path.write_bytes(packed(content))
    *_, last = discover([path])
    assert isinstance(last, Rejected)
    assert (last.name, last.reason) == ("a.tar", "corrupt-archive")
