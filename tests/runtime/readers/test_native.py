"""MRC by our own reader; DM, EMD and SER/EMI through rosettasciio."""

import errno
import shutil
import struct
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from nanomorph.micrograph import ReadError
from nanomorph.readers import read_micrograph, read_path

FORMATS = Path(__file__).parents[3].parent / "shared" / "data" / "formats"


def mrc(
    pixels: np.ndarray,
    mode: int,
    angstroms: float = 20.0,
    space_group: int = 0,
    order: str = "<",
    extended: bytes = b"",
    minimum: float = 0.0,
) -> bytes:
    """An MRC2014 file from (H, W) or (N, H, W) pixels."""
    stack = pixels if pixels.ndim == 3 else pixels[None]
    sections, rows, columns = stack.shape
    header = bytearray(1024)
    struct.pack_into(f"{order}4i", header, 0, columns, rows, sections, mode)
    struct.pack_into(f"{order}3i", header, 28, columns, rows, sections)
    struct.pack_into(f"{order}3f", header, 40, columns * angstroms, rows * 2 * angstroms, sections)
    struct.pack_into(f"{order}2f", header, 76, minimum, 200.0)
    struct.pack_into(f"{order}2i", header, 88, space_group, len(extended))
    header[208:216] = b"MAP " + (b"DD\0\0" if order == "<" else b"\x11\x11\0\0")
    return bytes(header) + extended + stack.astype(stack.dtype.newbyteorder(order)).tobytes()


def frame(dtype: Any = np.float32, shape: tuple[int, ...] = (48, 64)) -> np.ndarray:
    return np.random.default_rng(4).integers(1, 120, shape).astype(dtype)


def test_the_axes_of_an_mrc_files_columns_and_rows() -> None:
    data = bytearray(mrc(frame(shape=(48, 48)), 2))
    for axes, nm in (((0, 0), (2.0, 4.0)), ((1, 2), (2.0, 4.0)), ((2, 1), (4.0, 2.0)), ((1, 1), (2.0, 4.0))):
        struct.pack_into("<2i", data, 64, *axes)
        assert read_micrograph("a.mrc", bytes(data)).nm_per_px == pytest.approx(nm)


def reason_of(name: str, data: bytes, path: Path | None = None) -> str:
    with pytest.raises(ReadError) as caught:
        read_micrograph(name, data, path)
    return caught.value.reason


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize(("mode", "dtype"), [(0, "u1"), (1, "i2"), (2, "f4"), (6, "u2")])
def test_mrc_depths_and_byte_orders(order: str, mode: int, dtype: str) -> None:
    pixels = frame(dtype)
    result = read_micrograph("a.mrc", mrc(pixels, mode, order=order))
    np.testing.assert_array_equal(result.pixels, pixels)
    # 20 angstroms are 2 nm; the helper makes y twice as coarse.
    assert result.nm_per_px == pytest.approx((2.0, 4.0))
    assert result.pixels.dtype.isnative


def test_mrc_bytes_are_signed_only_if_the_header_has_a_negative_minimum() -> None:
    pixels = frame(np.int8) - 60
    np.testing.assert_array_equal(read_micrograph("a.mrc", mrc(pixels, 0, minimum=-60.0)).pixels, pixels)
    bright = frame(np.uint8) + 100
    np.testing.assert_array_equal(read_micrograph("a.mrc", mrc(bright, 0)).pixels, bright)


def test_mrc_without_a_pixel_size() -> None:
    for angstroms in (0.0, -10.0, np.nan):
        assert read_micrograph("a.mrc", mrc(frame(), 2, angstroms)).nm_per_px is None
    one_angstrom = bytearray(mrc(frame(), 2))
    struct.pack_into("<3f", one_angstrom, 40, 64, 48, 1)
    assert read_micrograph("a.mrc", bytes(one_angstrom)).nm_per_px is None


def test_mrc_with_the_extended_header_of_fei() -> None:
    extended = bytearray(131_072)
    struct.pack_into("<f", extended, 44, 3e-9)
    result = read_micrograph("a.mrc", mrc(frame(), 2, 1.0, extended=bytes(extended)))
    assert result.nm_per_px == pytest.approx((3.0, 3.0))
    assert result.pixels[0, 0] == frame()[0, 0]


def test_mrc_stack_or_volume() -> None:
    stack = frame(shape=(3, 48, 64))
    result = read_micrograph("a.mrc", mrc(stack, 2))
    np.testing.assert_array_equal(result.pixels, stack[0])
    assert result.n_frames == 3
    assert read_micrograph("tilts.st", mrc(stack, 2, space_group=1)).n_frames == 3
    assert reason_of("a.mrc", mrc(stack, 2, space_group=1)) == "volume"
    assert reason_of("a.rec", mrc(stack, 2)) == "volume"
    assert read_micrograph("a.mrc", mrc(stack[:1], 2, space_group=1)).n_frames == 1


def test_mrc_half_files() -> None:
    data = mrc(frame(shape=(200, 100)), 2)
    assert reason_of("a.mrc", data[:700]) == "truncated"
    assert reason_of("a.mrc", data[:-1]) == "truncated"
    kept = int(len(data) * 0.6)
    assert reason_of("a.mrc", data[:kept] + bytes(len(data) - kept)) == "zero-tail"
    stack = mrc(frame(shape=(4, 48, 64)), 2)
    assert reason_of("a.mrc", stack[:-20_000] + bytes(20_000)) == "zero-tail"


def test_mrc_is_found_by_its_stamp_and_needs_gray_values() -> None:
    assert read_micrograph("a.tif", mrc(frame(), 2)).pixels.shape == (48, 64)
    assert reason_of("a.mrc", mrc(frame(np.complex64), 4)) == "not-an-image"


def test_native_files_need_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "rsciio.digitalmicrograph", None)
    data = struct.pack(">III", 3, 200, 1) + bytes(range(1, 250))
    with pytest.raises(ReadError) as caught:
        read_micrograph("a.dm3", data)
    assert caught.value.reason == "needs-extra"
    assert 'pip install "nanomorph[microscopes]"' in caught.value.detail


def test_a_damaged_dm_file_is_unreadable() -> None:
    pytest.importorskip("rsciio", reason="needs the extra `microscopes`")
    assert reason_of("a.dm3", struct.pack(">III", 3, 200, 1) + bytes(range(1, 250))) in {
        "unreadable",
        "truncated",
    }


def berkeley_emd(folder: Path, pixels: np.ndarray, unit: str, scale: float) -> Path:
    h5py = pytest.importorskip("h5py", reason="needs the extra `microscopes`")
    path = folder / "a.emd"
    with h5py.File(path, "w") as file:
        file.attrs["version_major"], file.attrs["version_minor"] = 0, 2
        group = file.create_group("data/image")
        group.attrs["emd_group_type"] = 1
        group["data"] = pixels
        for axis, size in enumerate(pixels.shape, 1):
            dimension = group.create_dataset(f"dim{axis}", data=np.arange(size) * scale)
            dimension.attrs["name"], dimension.attrs["units"] = f"axis{axis}", unit
    return path


def test_berkeley_emd(tmp_path: Path) -> None:
    pytest.importorskip("rsciio", reason="needs the extra `microscopes`")
    pixels = frame(np.uint16)
    result = read_path(berkeley_emd(tmp_path, pixels, "[n_m]", 0.5))
    assert sorted(result.pixels.shape) == [48, 64]
    assert result.nm_per_px == pytest.approx((0.5, 0.5))
    assert read_path(berkeley_emd(tmp_path, pixels, "[n_m^-1]", 0.5)).nm_per_px is None


def test_a_file_of_profiles_only_is_no_image(tmp_path: Path) -> None:
    pytest.importorskip("rsciio", reason="needs the extra `microscopes`")
    path = berkeley_emd(tmp_path, frame(shape=(500,)), "[e_V]", 0.1)
    assert reason_of("a.emd", path.read_bytes()) == "not-an-image"


@pytest.fixture
def pair(tmp_path: Path) -> Path:
    """A diffraction pattern: the .ser alone claims 1e17 nm, the .emi says 1/nm."""
    pytest.importorskip("rsciio", reason="needs the extra `microscopes`")
    if not FORMATS.is_dir():
        pytest.skip("../shared/data/formats is not here")
    for name in ("tia_64_tem.emi", "tia_64_tem_1.ser", "tia_64_diffraction.emi"):
        shutil.copyfile(FORMATS / name, tmp_path / name)
    return tmp_path


def test_a_ser_takes_its_unit_from_the_emi_beside_it(pair: Path) -> None:
    ser = pair / "tia_64_tem_1.ser"
    alone = read_micrograph("zip!/tia_64_tem_1.ser", ser.read_bytes())
    assert alone.nm_per_px == pytest.approx((6.281833616, 6.281833616))
    assert read_path(ser).nm_per_px == alone.nm_per_px
    # The same pixels described as a diffraction pattern: the description is believed.
    shutil.copyfile(pair / "tia_64_diffraction.emi", pair / "tia_64_tem.emi")
    described = read_path(ser)
    assert described.nm_per_px is None
    np.testing.assert_array_equal(described.pixels, alone.pixels)


def test_a_partner_that_cannot_be_read_is_a_reason(pair: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    emi, ser = pair / "tia_64_tem.emi", pair / "tia_64_tem_1.ser"
    described, pixels = emi.read_bytes(), ser.read_bytes()

    def lost(_: Path) -> bytes:
        raise OSError(errno.ESTALE, "Stale file handle")

    monkeypatch.setattr(Path, "read_bytes", lost)
    assert reason_of("tia_64_tem.emi", described, emi) == "no-access"
    assert reason_of("tia_64_tem_1.ser", pixels, ser) == "no-access"


def test_an_emi_is_read_through_its_ser(pair: Path) -> None:
    emi, ser = pair / "tia_64_tem.emi", pair / "tia_64_tem_1.ser"
    np.testing.assert_array_equal(read_path(emi).pixels, read_path(ser).pixels)
    assert read_path(emi).source == str(emi)
    ser.unlink()
    assert reason_of("tia_64_tem.emi", emi.read_bytes(), emi) == "companion-missing"
    assert reason_of("zip!/tia_64_tem.emi", emi.read_bytes()) == "companion-missing"
