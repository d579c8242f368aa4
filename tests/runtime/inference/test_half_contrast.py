"""Outlines at half contrast: where edges are, whatever the model's outline says; untouched where there is no edge."""

import cv2
import numpy as np
import pytest

from nanomorph.inference.half_contrast import MODEL, at_half_contrast, outlined
from nanomorph.inference.infer import Inference, Seen
from nanomorph.prepare import Prepared

BLUR = 1.2


def bar(width: int, side: int = 128) -> np.ndarray:
    """Bool: an upright bar of so many columns in the middle, from edge to edge."""
    mask = np.zeros((side, side), bool)
    mask[:, side // 2 - width // 2 : side // 2 - width // 2 + width] = True
    return mask


def micrograph(mask: np.ndarray, material: float = 90, around: float = 150, blur: float = BLUR) -> np.ndarray:
    return cv2.GaussianBlur(np.where(mask, material, around).astype(np.float32), (0, 0), blur)


def drawn_wide(mask: np.ndarray, by: int) -> np.ndarray:
    """A network's foreground, `by` px too wide to every side."""
    wide = cv2.dilate(mask.astype(np.uint8), np.ones((2 * by + 1, 2 * by + 1), np.uint8))
    return np.clip(cv2.GaussianBlur(wide.astype(np.float32), (0, 0), 0.8), 0.01, 0.99)


def width(foreground: np.ndarray, threshold: float = 0.5) -> float:
    """Mean number of foreground columns in a row."""
    return float((foreground >= threshold).sum(axis=1).mean())


@pytest.mark.parametrize("columns", [6, 12, 40])
@pytest.mark.parametrize("threshold", [0.5, 0.55])
def test_a_bar_drawn_two_px_too_wide_gets_its_width(columns: int, threshold: float) -> None:
    mask = bar(columns)
    foreground = drawn_wide(mask, by=2)
    assert width(foreground, threshold) == columns + 4
    assert width(at_half_contrast(foreground, micrograph(mask), 1.0, threshold), threshold) == columns


@pytest.mark.parametrize("by", [1, 2])
def test_a_bar_drawn_too_narrow_too(by: int) -> None:
    mask = bar(30)
    assert width(at_half_contrast(drawn_wide(bar(30 - 2 * by), 0), micrograph(mask), 1.0, 0.5)) == 30


def test_bright_material_as_dark() -> None:
    mask = bar(12)
    foreground = drawn_wide(mask, by=2)
    dark, bright = (at_half_contrast(foreground, micrograph(mask, a, b), 1.0, 0.5) for a, b in ((90, 150), (150, 90)))
    np.testing.assert_allclose(dark, bright, atol=1e-5)


def test_seen_at_a_quarter_the_outline_is_found_on_recorded_pixels() -> None:
    mask = bar(40, side=512)
    # 40 px are 10 of the network's; it draws one more to each side.
    small = cv2.resize(mask.astype(np.uint8), (128, 128), interpolation=cv2.INTER_AREA)
    foreground = cv2.resize(drawn_wide(small > 0, by=1), (512, 512), interpolation=cv2.INTER_LINEAR)
    assert width(foreground) == 48
    assert width(at_half_contrast(foreground, micrograph(mask, blur=2.0), 0.25, 0.5)) == 40


def test_of_large_frames_the_outline_is_sought_on_a_quarter_of_the_networks_px() -> None:
    mask = bar(160, side=2048)
    small = cv2.resize(mask.astype(np.uint8), (128, 128), interpolation=cv2.INTER_AREA)
    foreground = cv2.resize(drawn_wide(small > 0, by=1), (2048, 2048), interpolation=cv2.INTER_LINEAR)
    assert width(foreground) == 192
    # A sixteenth of the scale: found on 512 px, so to about 1 of 2048.
    assert abs(width(at_half_contrast(foreground, micrograph(mask, blur=4.0), 1 / 16, 0.5)) - 160) <= 1


def test_the_outline_is_the_same_at_any_threshold() -> None:
    mask = bar(7)
    noise = np.random.default_rng(0).normal(0, 10, mask.shape)
    pixels, foreground = micrograph(mask) + noise, drawn_wide(mask, by=1)
    found = [width(at_half_contrast(foreground, pixels, 1.0, t), t) for t in (0.35, 0.45, 0.55, 0.65)]
    assert np.ptp(found) < 0.03
    assert abs(found[0] - 7) < 0.3


def test_noise_neither_widens_nor_frays() -> None:
    mask = bar(40)
    noise = np.random.default_rng(0).normal(0, 10, mask.shape)
    found = at_half_contrast(drawn_wide(mask, by=1), micrograph(mask) + noise, 1.0, 0.5)
    assert abs(width(found) - 40) < 0.5
    assert cv2.connectedComponents((found >= 0.5).astype(np.uint8))[0] == 2  # background and the bar: no specks


def test_sixteen_bits_far_from_zero() -> None:
    """A contrast of 60 on 60,000: squares of such grays leave float32 no digits for their noise."""
    mask = bar(12)
    recorded = (micrograph(mask) + 60_000).round().astype(np.uint16)
    assert width(at_half_contrast(drawn_wide(mask, by=2), recorded, 1.0, 0.5)) == 12


@pytest.mark.parametrize("pixels", [np.full((128, 128), 7, np.uint8), np.full((128, 128), np.nan, np.float32)])
def test_without_an_edge_the_networks_word_stays(pixels: np.ndarray) -> None:
    foreground = drawn_wide(bar(12), by=2)
    np.testing.assert_array_equal(at_half_contrast(foreground, pixels, 1.0, 0.5), foreground)


def test_an_edge_within_noise_is_none() -> None:
    """Sides half a standard deviation apart."""
    foreground = drawn_wide(bar(40), by=2)
    pixels = np.where(bar(40), 145.0, 150.0) + np.random.default_rng(0).normal(0, 10, (128, 128))
    found = at_half_contrast(foreground, pixels, 1.0, 0.5)
    assert np.abs(found - foreground).mean() < 0.01
    assert abs(width(found) - 44) < 1


def test_annotation_stays_out() -> None:
    """Letters are 0 in what the network sees, though they are as dark as the material."""
    mask = bar(30)
    pixels = micrograph(mask)
    foreground = drawn_wide(mask, by=1)
    foreground[40:60, 82:100] = 0
    pixels[40:60, 82:100] = 90
    found = at_half_contrast(foreground, pixels, 1.0, 0.5)
    assert not found[40:60, 82:100].any()
    assert width(found[70:]) == 30


def test_the_models_own_outline_on_request() -> None:
    mask = bar(12)
    frame = Prepared(np.zeros(mask.shape, np.uint8), mask.shape, 1.0, mask.shape)
    inference = Inference(np.zeros(2, np.float32), {"foreground": Seen(drawn_wide(mask, by=2), frame)}, 1.0)
    assert (outlined(inference, micrograph(mask), 0.5, MODEL) == drawn_wide(mask, by=2)).all()
    assert width(outlined(inference, micrograph(mask), 0.5)) == 12
