"""Thinning is scikit-image's, for any masks at once; and at what scale domains are thinned."""

import numpy as np
import pytest
from skimage.morphology import skeletonize

from nanomorph.measure.skeletons import thinning, zhang_suen
from nanomorph.measure.skeletons.zhang_suen import skeletons
from nanomorph_training.synthesis import synthesize_field


def drawn(masks: list[np.ndarray]) -> list[np.ndarray]:
    """The skeletons of masks, each as an image."""
    found = skeletons(masks)
    images = [np.zeros(mask.shape, bool) for mask in masks]
    for k, image in enumerate(images):
        image[found.row[found.mask == k], found.column[found.mask == k]] = True
    return images


@pytest.mark.parametrize("label", ["network", "bundle", "dispersed", "particles"])
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_skeletons_of_fields_are_those_of_scikit_image(label, seed):
    mask = synthesize_field(label, seed, 512).mask > 0
    assert np.array_equal(drawn([mask])[0], skeletonize(mask))


def test_skeletons_of_noise_of_many_sizes_at_once_are_those_of_scikit_image(monkeypatch):
    """Every neighbourhood occurs, at every border, and beside the border of a word of 64 pixels and of a part."""
    monkeypatch.setattr(zhang_suen, "_AT_ONCE", 100)
    rng = np.random.default_rng(0)
    shapes = [(1, 1), (1, 70), (70, 1), (3, 64), (64, 65), (40, 63), (50, 128), (33, 300), (90, 127)]
    masks = [rng.random(shape) < share for shape in shapes for share in (0, 0.4, 0.6, 0.75, 0.9, 1)]
    for mask, image in zip(masks, drawn(masks), strict=True):
        assert np.array_equal(image, skeletonize(mask))


def test_a_thick_disc_is_thinned_to_the_end():
    disc = np.hypot(*np.mgrid[-100:101, -100:101]) < 95
    assert np.array_equal(drawn([disc])[0], skeletonize(disc))


def test_neighbours_are_joined_and_corners_are_no_triangles():
    """A step right, then down: no diagonal. A free diagonal: one edge. Nothing joins one mask to another."""
    image = np.zeros((5, 6), bool)
    image[1, 1:3] = image[2, 2] = image[3, 1] = image[1, 4] = True  # (1, 1), (1, 2), (1, 4), (2, 2), (3, 1)
    row, column = np.nonzero(image)
    place = 128 * row + column
    once = zhang_suen.Skeletons(row, column, np.zeros(5, int), place, np.full(5, 128))
    assert sorted(zip(*thinning.neighbours(once).tolist(), strict=True)) == [(0, 1), (1, 3), (3, 4)]
    both = zhang_suen.Skeletons(*(np.tile(one, 2) for one in (row, column)), np.repeat([0, 1], 5),
                                np.append(place, 896 + place), np.full(10, 128))  # fmt: skip
    assert thinning.neighbours(both)[:, 3:].min() == 5
    assert thinning.neighbours(both).shape == (2, 6)


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
