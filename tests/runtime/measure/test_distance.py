"""One distance transform, exact and the same at every call."""

import numpy as np
import pytest
from scipy.ndimage import distance_transform_edt

from nanomorph.measure.distance import depth_of, distance_to_background


def test_exact_and_the_same_at_every_call():
    mask = np.random.default_rng(3).random((97, 131)) > 0.02
    first = distance_to_background(mask)
    np.testing.assert_allclose(first, distance_transform_edt(mask), rtol=1e-6)
    assert all((distance_to_background(mask) == first).all() for _ in range(20))


def test_by_hand():
    mask = np.ones((5, 9), bool)
    mask[2, 0] = False
    distance = distance_to_background(mask)
    assert distance[2, 8] == 8
    assert distance[0, 1] == np.float32(np.sqrt(5))


def test_a_large_crop_with_pinholes_is_as_deep_as_it_is() -> None:
    """A disc of radius 300 full of holes beside a whole one of radius 120: the whole one is deeper."""
    y, x = np.mgrid[:700, :2100]
    mask = (np.hypot(x - 320, y - 350) < 300) & ~((x % 40 == 0) & (y % 40 == 0))
    mask |= np.hypot(x - 1900, y - 350) < 120
    depth = depth_of(mask)
    assert depth.greatest == pytest.approx(120, abs=1)
    assert depth.at == pytest.approx([1900, 350], abs=2)
