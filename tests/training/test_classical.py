"""Features without a model, on pictures whose answer is known."""

import numpy as np
import pytest

from nanomorph_training.classical import WHOLE_IMAGE, gradients, orientation_spectrum, otsu


@pytest.mark.parametrize("bright", [True, False])
def test_otsu_takes_what_is_rare_at_the_border(bright: bool) -> None:
    gray = np.full((60, 60), 30, np.uint8)
    gray[20:40, 20:40] = 200
    mask = otsu(gray if bright else 255 - gray)
    assert mask.sum() == 400
    assert mask[30, 30]


def test_gradient_features_do_not_change_much_with_a_quarter_turn() -> None:
    gray = np.zeros((128, 128), np.uint8)
    gray[40:60, 10:120] = 255
    features, turned = gradients(gray), gradients(np.rot90(gray).copy())
    assert np.linalg.norm(features - turned) < 0.2 * np.linalg.norm(features)


def square(turned: float) -> np.ndarray:
    """A bright square of 60 px in a field of 128, turned by so many degrees, with soft edges."""
    y, x = np.mgrid[:128, :128] - 63.5
    t = np.deg2rad(turned)
    reach = np.maximum(np.abs(x * np.cos(t) + y * np.sin(t)), np.abs(y * np.cos(t) - x * np.sin(t)))
    return (255 / (1 + np.exp(reach - 30))).astype(np.uint8)


def test_the_spectrum_of_a_square_is_its_fourth_harmonic_however_it_is_turned() -> None:
    y, x = np.mgrid[:128, :128] - 63.5
    disc = (255 / (1 + np.exp(np.hypot(x, y) - 30))).astype(np.uint8)
    for turned in (0.0, 17.0):
        first_scale = orientation_spectrum(square(turned))[:12]
        assert first_scale[3] > 0.6  # four edge directions, a quarter turn apart
        assert first_scale[[0, 1, 2, 4, 5, 6]].max() < 0.15
    assert orientation_spectrum(disc)[:12].max() < 0.1


def test_every_feature_is_a_number_on_a_flat_frame() -> None:
    flat = np.full((40, 50), 7, np.uint8)
    for features in WHOLE_IMAGE.values():
        assert np.isfinite(features(flat)).all()
