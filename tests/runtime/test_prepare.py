"""The one resize and normalisation: its numbers, and a golden hash that pins its bytes."""

import hashlib

import numpy as np
import pytest

from nanomorph.micrograph import Calibration, Micrograph
from nanomorph.prepare import InputSpec, limits, model_scale, pad, prepare, restore, to_uint8


def micrograph(pixels, nm_per_px=None):
    calibration = Calibration.NONE if nm_per_px is None else Calibration.METADATA
    return Micrograph(pixels, None if nm_per_px is None else (nm_per_px, nm_per_px), calibration, "test")


def test_percentiles_become_black_and_white():
    ramp = np.arange(1000, dtype=np.uint16).reshape(25, 40)
    gray = to_uint8(ramp, 10, 90)
    assert gray[0, 0] == 0
    assert gray[-1, -1] == 255
    # Half way between the 10th (100) and the 90th (900) percentile.
    assert int(gray.ravel()[500]) == pytest.approx(127, abs=1)
    assert np.count_nonzero(gray == 0) == pytest.approx(100, abs=3)


def test_a_hot_pixel_does_not_hide_the_frame():
    frame = np.tile(np.linspace(100, 200, 64, dtype=np.float32), (64, 1))
    frame[5, 5] = 1e9
    gray = to_uint8(frame, 0.5, 99.5)
    assert gray[5, 5] == 255
    assert gray[0, 0] < 5
    assert int(gray[0, 32]) == pytest.approx(128, abs=6)


def test_the_same_picture_in_any_depth_prepares_alike():
    eight = np.random.default_rng(0).integers(0, 256, (64, 64)).astype(np.uint8)
    for same in (eight.astype(np.uint16) * 257, eight.astype(np.float32) / 255, eight.astype(np.int16) - 100):
        difference = to_uint8(same, 0.5, 99.5).astype(int) - to_uint8(eight, 0.5, 99.5)
        assert np.abs(difference).max() <= 2


@pytest.mark.parametrize("value", [0, 7, 255])
def test_a_constant_frame_is_black(value):
    assert not to_uint8(np.full((40, 40), value, np.uint8), 0.5, 99.5).any()
    assert not to_uint8(np.full((40, 40), value, np.float32), 0.5, 99.5).any()


def test_not_a_number_is_black_and_harmless():
    frame = np.tile(np.linspace(0, 1, 64, dtype=np.float32), (64, 1))
    frame[0, 63] = np.nan
    gray = to_uint8(frame, 0.5, 99.5)
    assert gray[0, 63] == 0
    assert gray[1, 63] == 255


def test_scale_reduces_and_never_enlarges():
    spec = InputSpec(max_side=1024, nm_per_px_min=0.3)
    assert model_scale(micrograph(np.zeros((512, 400))), spec) == 1.0
    assert model_scale(micrograph(np.zeros((2048, 1000))), spec) == 0.5
    assert model_scale(micrograph(np.zeros((512, 512)), 0.15), spec) == 0.5
    assert model_scale(micrograph(np.zeros((512, 512)), 10.0), spec) == 1.0
    assert model_scale(micrograph(np.zeros((128, 128)), 0.0001), spec) == 0.5  # 64 px are left


def test_padding_mirrors_and_restoring_removes_it():
    prepared = prepare(micrograph(np.arange(50 * 70, dtype=np.uint16).reshape(50, 70)), InputSpec())
    assert prepared.pixels.shape == (64, 96)
    assert (prepared.pixels[50, :70] == prepared.pixels[49, :70]).all()
    back = restore(prepared.pixels.astype(np.float32), prepared)
    assert back.shape == (50, 70)
    assert (back == prepared.pixels[:50, :70]).all()


def test_restoring_a_reduced_frame_gives_recorded_pixels():
    prepared = prepare(micrograph(np.zeros((2000, 1500), np.uint8)), InputSpec(max_side=500))
    assert prepared.shape == (500, 375)
    assert restore(np.zeros(prepared.pixels.shape, np.float32), prepared).shape == (2000, 1500)


def test_nothing_is_padded_that_fits():
    gray = np.zeros((64, 32), np.uint8)
    assert pad(gray, 32) is gray


def test_golden_bytes():
    """A change here changes what every trained model sees: retrain, re-export, then renew the hash."""
    y, x = np.mgrid[:300, :420]
    frame = ((np.sin(x / 9) + np.cos(y / 13)) * 9000 + 20000 + (x * 7 + y * 3) % 501).astype(np.uint16)
    prepared = prepare(micrograph(frame, 0.2), InputSpec(nm_per_px_min=0.3))
    assert prepared.pixels.shape == (224, 288)
    assert hashlib.sha256(prepared.pixels.tobytes()).hexdigest()[:16] == "87de946174ddd35f"


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_a_table_of_gray_values_gives_what_the_formula_gives(dtype):
    pixels = np.random.default_rng(0).integers(0, np.iinfo(dtype).max, (400, 400), dtype=dtype, endpoint=True)
    assert pixels.size >= 2 * 2**16  # large enough for the table
    assert np.array_equal(to_uint8(pixels, 0.5, 99.5), to_uint8(pixels.astype(np.float32), 0.5, 99.5))


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("size", [1, 2, 7, 1000])
def test_percentiles_are_those_of_numpy_to_the_bit(dtype, size):
    frame = np.random.default_rng(size).integers(0, np.iinfo(dtype).max, (1, size), dtype)
    for q in ((0.5, 99.5), (0, 100), (33.3, 66.6)):
        assert limits(frame, *q) == tuple(np.percentile(frame.astype(float), q))


@pytest.mark.parametrize("dtype", [np.uint32, np.float64])
def test_an_offset_costs_no_gray(dtype):
    """A ramp of 0 to 100 on 1e9: float32 alone has three grays there."""
    ramp = np.tile(np.linspace(0, 100, 256), (64, 1))
    assert np.array_equal(to_uint8((ramp + 1e9).astype(dtype), 0, 100), to_uint8(ramp.astype(dtype), 0, 100))


def test_a_pixel_that_is_no_number_does_not_blacken_annotation():
    pixels = np.tile(np.linspace(0, 100, 101, dtype=np.float32), (50, 1))
    annotation = np.zeros(pixels.shape, bool)
    annotation[40:, :20] = True
    clean = to_uint8(pixels, 0, 100, annotation)
    pixels[0, 50] = np.nan
    assert np.abs(to_uint8(pixels, 0, 100, annotation)[annotation].astype(int) - clean[annotation]).max() <= 2
