"""PNG, JPEG and BMP: all bits, and no half files."""

import io
from typing import Any

import imagecodecs
import numpy as np
import pytest
from PIL import Image

from nanomorph.micrograph import ReadError
from nanomorph.readers import read_micrograph


def frame(dtype: Any = np.uint8, shape: tuple[int, ...] = (48, 64)) -> np.ndarray:
    return np.random.default_rng(3).integers(1, 250, shape).astype(dtype)


def picture(pixels: np.ndarray, kind: str, **options: Any) -> bytes:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, kind, **options)
    return file.getvalue()


def reason_of(data: bytes, name: str = "a.tif") -> str:
    with pytest.raises(ReadError) as caught:
        read_micrograph(name, data)
    return caught.value.reason


@pytest.mark.parametrize("kind", ["PNG", "BMP"])
def test_lossless(kind: str) -> None:
    pixels = frame()
    # The suffix is wrong on purpose: the content decides.
    result = read_micrograph("a.tif", picture(pixels, kind))
    np.testing.assert_array_equal(result.pixels, pixels)
    assert result.nm_per_px is None


def test_jpeg() -> None:
    smooth = np.add.outer(np.arange(48), np.arange(64)).astype(np.uint8)
    result = read_micrograph("a.jpg", picture(smooth, "JPEG", quality=95))
    assert np.abs(result.pixels.astype(int) - smooth).max() <= 3


def test_sixteen_bits_are_kept() -> None:
    deep = frame(np.uint16) * 257
    deep[0, 0] = 12_345
    gray = read_micrograph("a.png", picture(deep, "PNG")).pixels
    np.testing.assert_array_equal(gray, deep)
    assert gray.dtype == np.uint16
    colour = read_micrograph("a.png", imagecodecs.png_encode(np.dstack([deep] * 3))).pixels
    np.testing.assert_array_equal(colour, deep)


def test_colour_palette_bits_and_transparency() -> None:
    rgb = np.full((48, 64, 3), (200, 100, 50), np.uint8)
    rgb[0] = 77
    gray = read_micrograph("a.png", picture(rgb, "PNG")).pixels
    assert set(gray[1:].ravel()) == {124}
    file = io.BytesIO()
    Image.fromarray(rgb).convert("P", palette=Image.Palette.ADAPTIVE).save(file, "PNG")
    assert np.abs(read_micrograph("a.png", file.getvalue()).pixels[1:].astype(int) - 124).max() <= 1
    bits = frame() > 100
    np.testing.assert_array_equal(read_micrograph("a.png", picture(bits, "PNG")).pixels, bits * np.uint8(255))
    rgba = np.dstack([rgb, np.full((48, 64), 255, np.uint8)])
    rgba[24:, :, 3] = 0
    gray = read_micrograph("a.png", picture(rgba, "PNG")).pixels
    assert (gray[24:] == 255).all()
    assert (gray[1:24] == 124).all()


def test_resolution_is_a_calibration_only_where_it_is_microscopic() -> None:
    pixels = frame()
    for dpi in (72, 96, 300, 4000):
        assert read_micrograph("a.png", picture(pixels, "PNG", dpi=(dpi, dpi))).nm_per_px is None
    result = read_micrograph("a.png", picture(pixels, "PNG", dpi=(2.54e7, 2.54e7)))
    assert result.nm_per_px == pytest.approx((1.0, 1.0), rel=1e-6)
    assert read_micrograph("a.jpg", picture(pixels, "JPEG", dpi=(300, 300))).nm_per_px is None


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "BMP"])
@pytest.mark.parametrize("share", [0.05, 0.6, 0.95, 0.999])
def test_truncated(kind: str, share: float) -> None:
    data = picture(frame(shape=(200, 300)), kind)
    assert reason_of(data[: int(len(data) * share)]) == "truncated"


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "BMP"])
@pytest.mark.parametrize("share", [0.05, 0.6, 0.9])
def test_zero_tail(kind: str, share: float) -> None:
    data = picture(frame(shape=(200, 300)), kind)
    kept = int(len(data) * share)
    assert reason_of(data[:kept] + bytes(len(data) - kept)) in {"truncated", "zero-tail"}


def test_an_end_mark_of_the_embedded_thumbnail_is_not_the_end() -> None:
    thumbnail = picture(frame(shape=(32, 32)), "JPEG")
    data = picture(frame(shape=(200, 300)), "JPEG", exif=b"Exif\0\0" + thumbnail)
    assert read_micrograph("a.jpg", data).pixels.shape == (200, 300)
    kept = int(len(data) * 0.6)
    assert data[:kept].count(b"\xff\xd9") >= 1
    assert reason_of(data[:kept] + bytes(len(data) - kept)) == "truncated"


def test_damage_inside_a_png_is_found() -> None:
    data = bytearray(picture(frame(shape=(200, 300)), "PNG"))
    data[len(data) // 2] ^= 0xFF
    assert reason_of(bytes(data)) == "unreadable"


def test_a_frame_too_large_for_memory_is_refused_before_it_is_decoded() -> None:
    data = bytearray(picture(frame(), "BMP"))
    data[18:26] = (40_000).to_bytes(4, "little") * 2
    assert reason_of(bytes(data)) == "too-large"
