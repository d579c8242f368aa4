"""Material darker or brighter than its background, as one number."""

import math

import numpy as np
import pytest

from nanomorph.inference.contrast import domain_contrast, material_contrast


def frame(material: float, background: float, side: int = 100) -> tuple[np.ndarray, np.ndarray]:
    """Material on the left fifth; stripes of black and of white at the right, so that the range of grays is 0..200."""
    pixels = np.full((side, side), float(background))
    pixels[:, : side // 5] = material
    pixels[:, -side // 25 :], pixels[:, -side // 50 :] = 0, 200
    mask = np.zeros((side, side), np.int32)
    mask[:, : side // 5] = 1
    return pixels, mask


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
def test_darker_is_negative_brighter_positive(dtype: type) -> None:
    for material, expected in ((50, -0.5), (190, 0.2), (150, 0.0)):
        pixels, mask = frame(material, 150)
        assert material_contrast(pixels.astype(dtype), mask) == pytest.approx(expected, abs=1e-6)


def test_pixels_that_are_no_numbers_do_not_count() -> None:
    pixels, mask = frame(50, 150)
    pixels[:40] = np.nan
    assert material_contrast(pixels, mask) == pytest.approx(-0.5)


def test_nothing_to_compare_is_nan() -> None:
    pixels, mask = frame(50, 150)
    assert math.isnan(material_contrast(pixels, np.zeros_like(mask)))
    assert math.isnan(material_contrast(pixels, np.ones_like(mask)))
    assert math.isnan(material_contrast(np.full((9, 9), 7, np.uint8), np.eye(9, dtype=np.int32)))


def test_a_large_frame_is_sampled_not_skewed() -> None:
    pixels, mask = frame(50, 150, side=2000)
    assert material_contrast(pixels, mask) == pytest.approx(-0.5, abs=1e-6)


def test_material_between_the_sampled_pixels_is_found() -> None:
    pixels, _ = frame(150, 150, side=2000)
    mask = np.zeros(pixels.shape, np.int32)
    mask[1001:1004, 1001:1004] = 1
    pixels[mask > 0] = 50
    assert material_contrast(pixels, mask) == pytest.approx(-0.5, abs=1e-6)


@pytest.mark.parametrize(("side", "dtype"), [(100, np.uint16), (1100, np.float32)])
def test_contrast_of_each_domain(side: int, dtype: type) -> None:
    """Dark material of 50 on 150 in a range of 200; a number that no domain has; a hole of 190."""
    pixels, mask = frame(50, 150, side)
    pixels[: side // 2, side // 2 : side // 2 + side // 10] = 190
    mask[: side // 2, side // 2 : side // 2 + side // 10] = 3
    found = domain_contrast(pixels.astype(dtype), mask)
    assert found[[1, 3]] == pytest.approx([-0.5, 0.2], abs=1e-6)
    assert math.isnan(found[2])


def test_no_contrast_of_domains_without_background() -> None:
    pixels, mask = frame(50, 150)
    assert np.isnan(domain_contrast(pixels, np.ones_like(mask))).all()
    assert np.isnan(domain_contrast(np.full((9, 9), 7, np.uint8), np.eye(9, dtype=np.int32))).all()
