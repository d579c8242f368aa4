"""Each image of a batch gets its own draw, and nothing but what a microscope does."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Generator, Tensor

from nanomorph_training.augment import Ranges, apply_d4, blur, d4, draw_d4, intensity, view
from nanomorph_training.micrographs import windows


def seeded(seed: int = 0) -> Generator:
    return torch.Generator().manual_seed(seed)


def picture(n: int, size: int = 8) -> Tensor:
    """The same picture without any symmetry, n times."""
    return torch.arange(size * size, dtype=torch.uint8).view(1, 1, size, size).repeat(n, 1, 1, 1)


def test_d4_is_exactly_the_eight_turns_and_flips() -> None:
    all_eight = apply_d4(picture(8), torch.arange(8))
    square = picture(1)[0, 0].numpy()
    turns = [np.rot90(square, k, (-2, -1)) for k in range(4)]
    expected = [*turns, *(turn[:, ::-1] for turn in turns)]
    for got, want in zip(all_eight[:, 0].numpy(), expected, strict=True):
        np.testing.assert_array_equal(got, want)
    assert len({tuple(image.flatten().tolist()) for image in all_eight}) == 8


def test_d4_draws_for_every_image() -> None:
    images = d4(picture(64), seeded())
    assert len({tuple(image.flatten().tolist()) for image in images}) == 8
    # Every element about an eighth of the time: 8 +- 5 of 64 is within two standard deviations and a half.
    assert torch.bincount(draw_d4(800, seeded()), minlength=8).min() > 70


def test_intensity_draws_for_every_image() -> None:
    images = torch.full((16, 1, 8, 8), 0.5)
    means = intensity(images, seeded(), Ranges(noise=0.0)).mean(dim=(1, 2, 3))
    assert len({round(float(mean), 6) for mean in means}) == 16


def test_intensity_stays_in_range_and_repeats() -> None:
    images = torch.rand(8, 1, 16, 16, generator=seeded(1))
    first, second = intensity(images, seeded()), intensity(images, seeded())
    assert torch.equal(first, second)
    assert float(first.min()) >= 0
    assert float(first.max()) <= 1
    assert not torch.equal(first, intensity(images, seeded(1)))


def test_no_range_changes_nothing() -> None:
    images = torch.rand(4, 1, 16, 16, generator=seeded()).clamp(min=0.01)
    nothing = Ranges(brightness=0, contrast=0, gamma=(1, 1), blur=0, noise=0)
    assert torch.allclose(intensity(images, seeded(), nothing), images, atol=1e-6)


def test_invert_turns_the_contrast_sign() -> None:
    images = torch.rand(4, 1, 8, 8, generator=seeded())
    only = Ranges(brightness=0, contrast=0, gamma=(1, 1), blur=0, noise=0, invert=1)
    assert torch.allclose(intensity(images, seeded(), only), (1 - images).clamp(min=1e-4), atol=1e-6)


def test_blur_spreads_a_point_by_its_own_sigma() -> None:
    points = torch.zeros(3, 1, 15, 15)
    points[:, :, 7, 7] = 1
    blurred = blur(points, torch.tensor([0.0, 1.0, 2.0]))
    assert torch.allclose(blurred[0], points[0])
    rows = torch.arange(15.0)
    for image, sigma in zip(blurred[1:, 0], (1.0, 2.0), strict=True):
        profile = image.sum(dim=1)
        assert float(profile.sum()) == pytest.approx(1, abs=1e-5)
        assert float((profile * (rows - 7) ** 2).sum()) == pytest.approx(sigma**2, rel=0.05)


def test_blur_keeps_a_flat_image() -> None:
    assert torch.allclose(blur(torch.full((1, 1, 9, 9), 0.3), torch.tensor([1.0])), torch.tensor(0.3))


def test_a_view_is_float_of_the_same_shape() -> None:
    images = view(picture(2), seeded())
    assert images.shape == (2, 1, 8, 8)
    assert images.dtype == torch.float32


def test_a_window_is_a_piece_of_the_image() -> None:
    image = np.arange(30 * 40, dtype=np.uint16).reshape(30, 40).astype(np.uint8)
    got = windows.window(image, 8, np.array([14.0, 20.0]))
    np.testing.assert_array_equal(got, image[10:18, 16:24])
    # A centre outside is moved in.
    np.testing.assert_array_equal(windows.window(image, 8, np.array([-5.0, 99.0])), image[:8, 32:])


def test_a_small_image_is_mirrored() -> None:
    got = windows.window(np.array([[1, 2], [3, 4]], np.uint8), 4, np.array([1.0, 1.0]))
    np.testing.assert_array_equal(got, [[1, 2, 2, 1], [3, 4, 4, 3], [3, 4, 4, 3], [1, 2, 2, 1]])


def test_image_and_target_come_from_the_same_place() -> None:
    image = np.random.default_rng(0).integers(0, 2, (64, 64), dtype=np.uint8) * 3
    for seed in range(8):
        part, target = windows.single(image, image, 32, (1.0, 1.0), np.random.default_rng(seed))
        np.testing.assert_array_equal(part, target)
    _, zoomed = windows.single(image, image, 32, (0.7, 1.4), np.random.default_rng(0))
    assert set(np.unique(zoomed)) <= {0, 3}


def test_a_small_scale_shows_the_whole_frame_and_no_more() -> None:
    # Columns are numbered: a window of half the frame's side at any smaller scale than 1/2 shows each of them once.
    frame = np.tile(np.repeat(np.arange(32, dtype=np.uint8), 2), (64, 1))
    for scale in (0.1, 0.5):
        whole, target = windows.single(frame, frame, 32, (scale, scale), np.random.default_rng(0))
        assert np.array_equal(whole[0], np.arange(32))
        assert np.array_equal(target[0], np.arange(32))


def test_a_pair_overlaps_and_avoids_flat_places() -> None:
    # Left half flat, right half numbered columns: windows must come from where there is something.
    image = np.zeros((64, 256), np.uint8)
    image[:, 128:] = np.arange(128, dtype=np.uint8)
    for seed in range(10):
        first, second = windows.pair(image, 32, 0.0, np.random.default_rng(seed))
        assert first.shape == second.shape == (32, 32)
        if first.std() > windows.FLAT and second.std() > windows.FLAT:
            assert set(first[0].tolist()) & set(second[0].tolist())
