"""Thinning tile by tile is thinning of the whole."""

import numpy as np
import pytest
from skimage.morphology import skeletonize

from nanomorph.measure import thinning
from nanomorph_training.synthesis import synthesize_field


@pytest.mark.parametrize("label", ["network", "bundle", "dispersed", "particles"])
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_tiles_give_the_skeleton_of_the_whole(monkeypatch, label, seed):
    """Fields of 512 px in tiles of 128, and noise closed to blobs, of which every tile holds cut ones."""
    monkeypatch.setattr(thinning, "TILE", 128)
    mask = synthesize_field(label, seed, 512).mask > 0
    blobs = np.random.default_rng(seed).random((300, 520)) < 0.6
    for binary in (mask, blobs):
        assert np.array_equal(thinning._skeleton(binary), skeletonize(binary))


def test_what_is_too_thick_for_tiles_is_thinned_whole(monkeypatch):
    monkeypatch.setattr(thinning, "TILE", 64)
    disc = np.hypot(*np.mgrid[-100:101, -100:101]) < 60
    assert np.array_equal(thinning._skeleton(disc), skeletonize(disc))
