"""One distance transform, exact and the same at every call."""

import numpy as np
from scipy.ndimage import distance_transform_edt

from nanomorph.measure.distance import distance_to_background


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
