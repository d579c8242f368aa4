"""The strict reader: every file of formats.csv, and what may not pass."""

import csv
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from nanomorph.micrograph import Calibration, ReadError
from nanomorph.readers import SUFFIXES, companion_of, decode, read_micrograph, read_path
from nanomorph.readers.strict import check_frame, check_zero_tail, library_errors, trailing_zero_bytes

FORMATS = Path(__file__).parents[3].parent / "shared" / "data" / "formats"
NM = {"m": 1e9, "µm": 1e3, "nm": 1.0, "A": 0.1, "pm": 1e-3}
REFUSED = {
    "dm3_uncalibrated.dm3": "too-small",
    "dm4_uncalibrated.dm4": "too-small",
    "mrc_haadf_scan.mrc": "too-small",
    "mrc_no_calibration.mrc": "too-small",
    "emd_velox_tem_stack_pm.emd": "too-small",
    "mrc_volume_emd3197.map": "volume",
}
NATIVE = {".dm3", ".dm4", ".emd", ".emi", ".ser"}


def table() -> list[dict[str, str]]:
    if not FORMATS.is_dir():
        return []
    with (FORMATS / "formats.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture
def real(request: pytest.FixtureRequest) -> tuple[dict[str, str], Path]:
    row = request.param
    path = FORMATS / row["file"]
    if path.suffix in NATIVE:
        pytest.importorskip("rsciio", reason="needs the extra `microscopes`")
    return row, path


ROWS = [pytest.param(row, id=row["file"]) for row in table()] or [
    pytest.param(None, marks=pytest.mark.skip(reason="../shared/data/formats is not here"))
]


def reason_of(name: str, data: bytes, path: Path | None = None) -> str:
    with pytest.raises(ReadError) as caught:
        read_micrograph(name, data, path)
    assert caught.value.detail
    return caught.value.reason


def random_frame(height: int = 64, width: int = 80, dtype: Any = np.uint16) -> np.ndarray:
    return np.random.default_rng(1).integers(1, 250, (height, width)).astype(dtype)


@pytest.mark.parametrize("real", ROWS, indirect=True)
def test_every_real_file_is_measured_or_refused_with_the_true_reason(
    real: tuple[dict[str, str], Path],
) -> None:
    row, path = real
    if row["file"] in REFUSED:
        assert reason_of(row["file"], path.read_bytes(), path) == REFUSED[row["file"]]
        return
    micrograph = read_path(path)
    assert "x".join(map(str, micrograph.pixels.shape)) == "x".join(row["shape"].split("x")[-2:])
    assert micrograph.pixels.dtype.isnative
    assert micrograph.n_frames == (int(row["shape"].split("x")[0]) if row["shape"].count("x") == 2 else 1)


@pytest.mark.parametrize("real", ROWS, indirect=True)
def test_pixel_sizes_of_real_files(real: tuple[dict[str, str], Path]) -> None:
    row, path = real
    if REFUSED.get(row["file"]) == "volume":
        pytest.skip("a volume has no micrograph to calibrate")
    micrograph = decode(row["file"], path.read_bytes(), path)
    if not row["pixel_size_x_nm"]:
        assert micrograph.nm_per_px is None
        assert micrograph.calibration is Calibration.NONE
        return
    y = float(row["pixel_size_y"]) * NM[row["unit_y"]]
    assert micrograph.nm_per_px == pytest.approx((float(row["pixel_size_x_nm"]), y), rel=1e-3)
    assert micrograph.calibration is Calibration.METADATA


@pytest.mark.parametrize("share", [0.02, 0.3, 0.6, 0.97])
@pytest.mark.parametrize("real", ROWS, indirect=True)
def test_no_truncated_real_file_passes(real: tuple[dict[str, str], Path], share: float) -> None:
    row, path = real
    data = path.read_bytes()
    # The last 60 kB of the Olympus file are its vendor's: nothing in the TIFF points there.
    kept = 40_000 if row["file"] == "tif_olympus_sis.tif" else len(data)
    expected = {"companion-missing"} if path.suffix == ".emi" else {"truncated"}
    assert reason_of(row["file"], data[: int(kept * share)]) in expected


@pytest.mark.parametrize("real", ROWS, indirect=True)
def test_no_real_file_passes_with_its_last_40_percent_zero(real: tuple[dict[str, str], Path]) -> None:
    row, path = real
    data = path.read_bytes()
    if row["file"] == "tif_olympus_sis.tif":
        pytest.skip("its last 60 kB are its vendor's, the image is before them")
    zeroed = data[: int(len(data) * 0.6)] + bytes(len(data) - int(len(data) * 0.6))
    # ImageJ writes 33 kB of notes first, so there the whole image is zero.
    allowed = {"zero-tail", "truncated", "no-signal", "too-small", "volume", "companion-missing"}
    assert reason_of(row["file"], zeroed) in allowed


@pytest.mark.parametrize(
    ("name", "data", "reason"),
    [
        ("a.tif", b"", "empty"),
        ("a.tif", b"II*", "truncated"),
        ("a.tif", b"II*\0\x08\0\0\0", "truncated"),
        ("a.tif", bytes(100_000), "zero-tail"),
        ("a.tif", b"Operator,Date\nAnna,2024-01-01\n" * 50, "not-an-image"),
        ("a.map", b'{"version": 3, "sources": ["a.js"]}' * 100, "not-an-image"),
        ("a.txt", b"only notes, nothing else in here", "not-an-image"),
        ("a.png", b"\x89PNG\r\n\x1a\n", "truncated"),
        ("a.jpg", b"\xff\xd8\xff\xe0\x00\x10JFIF", "truncated"),
        ("a.emi", b"JK\0\x02" + bytes(400), "companion-missing"),
    ],
)
def test_what_is_no_image_at_all(name: str, data: bytes, reason: str) -> None:
    assert reason_of(name, data) == reason


def test_suffixes_are_lower_case_with_a_dot() -> None:
    assert {".tif", ".png", ".jpg", ".bmp", ".mrc", ".map", ".rec", ".st", ".dm3", ".dm4", ".emd"} <= SUFFIXES
    assert all(suffix == suffix.lower() and suffix.startswith(".") for suffix in SUFFIXES)


def test_companions() -> None:
    siblings = {"a/x_1.ser", "a/x_2.ser", "a/x.emi", "a/y.emi", "b/y_1.ser"}
    assert companion_of("a/x.emi", siblings) == "a/x_1.ser"
    assert companion_of("a/y.emi", siblings) is None
    assert companion_of("a/x_1.ser", siblings) is None
    assert companion_of("X.EMI", ["X_1.SER"]) == "X_1.SER"


@pytest.mark.parametrize("dtype", [np.uint8, np.int8, np.uint16, np.int32, np.float32])
def test_a_frame_that_stops_in_the_middle(dtype: Any) -> None:
    frame = random_frame(100, 50, np.float32).astype(dtype)
    frame[frame == 0] = 1
    check_zero_tail("whole", frame)
    frame[60, 20:] = 0
    frame[61:] = 0
    with pytest.raises(ReadError, match="rows 62 to 100 of 100 in half are zero") as caught:
        check_zero_tail("half", frame)
    assert caught.value.reason == "zero-tail"


def test_zero_rows_that_belong_to_the_image() -> None:
    bar = random_frame(100, 50, np.uint8)
    bar[88:] = 0
    bar[93, 10:40] = 255
    check_zero_tail("a black bar with text, 6 rows of it blank in 100", np.vstack([bar[:96], bar[88:92]]))
    border = random_frame(100, 50)
    border[:10] = border[90:] = 0
    check_zero_tail("a black border all round", border)
    disk = random_frame(100, 100)
    y, x = np.mgrid[:100, :100]
    disk[(x - 50) ** 2 + (y - 30) ** 2 > 50**2] = 0
    check_zero_tail("a round aperture", disk)
    sparse = np.zeros((100, 50), np.uint16)
    sparse[::7, 3] = 1
    check_zero_tail("single electrons", sparse)
    one_dead_row = random_frame(100, 50)
    one_dead_row[-1] = 0
    check_zero_tail("a dead row", one_dead_row)


def test_frames_nothing_can_be_measured_in() -> None:
    def refused(pixels: np.ndarray) -> str:
        with pytest.raises(ReadError) as caught:
            check_frame("frame", pixels)
        return str(caught.value)

    assert refused(random_frame(31, 400)) == "too-small: 31 x 400 px; at least 32 x 32 are needed"
    assert refused(np.full((40, 40), np.nan, np.float32)).startswith("no-signal: 100 % of the pixels")
    assert refused(np.full((40, 40), 7, np.uint8)).startswith("no-signal: every pixel of frame has the same value, 7")
    partly = random_frame(40, 40, np.float32)
    partly[:19] = np.inf
    check_frame("less than half is not finite", partly)
    partly[:21] = np.nan
    assert refused(partly).startswith("no-signal: 52 %")


def test_any_library_error_becomes_a_read_error() -> None:
    def fail(error: BaseException, data: bytes) -> None:
        with library_errors("x.tif", data):
            raise error

    with pytest.raises(ReadError, match=r"unreadable: x.tif cannot be decoded .KeyError: 'Root'.") as caught:
        fail(KeyError("Root"), b"abc")
    assert isinstance(caught.value.__cause__, KeyError)
    with pytest.raises(ReadError, match=r"^zero-tail: the last 600 of 700 bytes"):
        fail(ValueError("odd"), b"a" * 100 + bytes(600))
    with pytest.raises(ReadError, match=r"^needs-extra: to read x.tif: pip install sparse"):
        fail(ModuleNotFoundError("no", name="sparse"), b"abc")
    with pytest.raises(KeyboardInterrupt):
        fail(KeyboardInterrupt(), b"abc")
    with pytest.raises(MemoryError):
        fail(MemoryError(), b"abc")


def test_a_damaged_header_that_asks_for_absurd_memory_is_not_a_lack_of_memory() -> None:
    with pytest.raises(ReadError, match="unreadable: x claims far more"), library_errors("x", b"abc"):
        np.empty(2**50)


@pytest.mark.parametrize(("data", "zeros"), [(b"", 0), (b"ab", 0), (b"a\0\0", 2), (bytes(70_000), 70_000)])
def test_trailing_zero_bytes(data: bytes, zeros: int) -> None:
    assert trailing_zero_bytes(data) == zeros
    assert trailing_zero_bytes(b"x" + data + bytes(70_000)) == zeros + 70_000


def test_values_that_no_detector_counts_are_refused():
    with pytest.raises(ReadError) as raised:
        check_frame("a.tif", np.array([[0.0, 1e300]] * 40).repeat(20, axis=1))
    assert raised.value.reason == "no-signal"
    assert "from 0.0e+00 to 1.0e+300" in raised.value.detail
