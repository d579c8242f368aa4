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


def test_neighbours_are_joined_and_corners_are_no_triangles():
    """A step right, then down: no diagonal. A free diagonal: one edge. The last column is not beside the first."""
    image = np.zeros((5, 6), bool)
    image[1, 1:3] = image[2, 2] = image[3, 1] = image[1, 4] = True
    at = np.flatnonzero(image)  # (1, 1), (1, 2), (1, 4), (2, 2), (3, 1)
    assert sorted(map(tuple, thinning._edges(at, 6).tolist())) == [(0, 1), (1, 3), (3, 4)]


@pytest.mark.parametrize(("thin", "step"), [(None, 5), (5, 1), (9, 2), (21, 5)])
def test_thin_wires_beside_thick_ones_set_the_grid(thin, step):
    """Bars of 40 px, and one across that is to be four pixels wide on the grid."""
    y, x = np.mgrid[:300, :300]
    mask = (np.abs(y - 80) <= 20) | (np.abs(y - 220) <= 20)
    if thin is not None:
        mask |= (x >= 150) & (x < 150 + thin)
    assert thinning.thinning_step(mask, 40.0, 24.0) == step


@pytest.mark.parametrize("radius", [40, 60, 80])
def test_the_rim_of_a_disc_is_no_thin_part(radius):
    disc = np.hypot(*(np.mgrid[-90:91, -90:91] + 0.3)) < radius
    assert thinning.thinning_step(disc, radius, 4 * radius / 3) == radius // 8
