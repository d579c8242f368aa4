"""Interior targets on masks small enough to check by eye."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from nanomorph_training.micrographs.targets import (
    FOREGROUND,
    INTERIOR,
    SEAM,
    instance_interior,
    seams,
    target,
    union_interior,
)


def test_the_interior_of_a_square() -> None:
    mask = np.zeros((9, 9), int)
    mask[1:8, 1:8] = 1
    # 7 x 7, inner distance 1 2 3 4 3 2 1: interior where it exceeds .35 x 4 = 1.4, the middle 5 x 5.
    expected = np.zeros((9, 9), bool)
    expected[2:7, 2:7] = True
    np.testing.assert_array_equal(instance_interior(mask), expected)


def test_touching_squares_have_two_interiors() -> None:
    mask = np.zeros((9, 16), int)
    mask[1:8, 1:8], mask[1:8, 8:15] = 1, 2
    assert ndimage.label(mask > 0)[1] == 1
    interior = instance_interior(mask)
    assert ndimage.label(interior)[1] == 2
    assert not interior[:, 7:9].any()


def test_a_seam_runs_where_two_instances_are_within_reach() -> None:
    mask = np.zeros((9, 24), int)
    mask[1:8, 1:8], mask[1:8, 8:15], mask[1:8, 21:24] = 1, 2, 3
    seam = seams(mask)
    # Seven px across: three on each side of the border between columns 7 and 8; the third square is too far away.
    assert np.flatnonzero(seam[4]).tolist() == [5, 6, 7, 8, 9, 10]
    assert ((target(mask, True) & SEAM) > 0).sum() == seam.sum()
    assert not (target(mask, False) & SEAM).any()
    assert not seams(np.where(mask == 2, 0, mask)).any()


def test_small_particles_keep_a_core_beside_large_ones() -> None:
    mask = np.zeros((40, 60), int)
    mask[2:38, 2:38] = 1
    mask[10:13, 50:53] = 5  # 3 x 3: distances 1 and 2, both above .35 x 2
    interior = instance_interior(mask)
    assert interior[10:13, 50:53].all()
    assert not interior[2, 2:38].any()


def test_the_border_of_the_image_is_no_edge() -> None:
    mask = np.zeros((9, 9), int)
    mask[0:5, 2:7] = 3
    interior = instance_interior(mask)
    assert interior[0, 4]
    assert not interior[4, 4]
    assert instance_interior(np.ones((5, 5), int)).all()


def test_a_wire_that_thins_out_stays_in_one_piece() -> None:
    mask = np.zeros((30, 60), bool)
    mask[8:23, 2:30], mask[14:17, 30:58] = True, True
    # Judged by the largest inner distance the thin half vanishes; by the local width it stays.
    assert not instance_interior(mask.astype(int))[:, 40:].any()
    interior = union_interior(mask)
    assert ndimage.label(interior, structure=np.ones((3, 3)))[1] == 1
    assert interior[15, 40:56].all()
    assert not interior[8, 5:27].any()


def test_crossing_wires_are_one_interior() -> None:
    mask = np.zeros((41, 41), bool)
    mask[18:23, :], mask[:, 18:23] = True, True
    assert ndimage.label(union_interior(mask))[1] == 1


def test_empty_and_full_masks() -> None:
    assert not union_interior(np.zeros((5, 5), bool)).any()
    assert not instance_interior(np.zeros((5, 5), int)).any()
    assert union_interior(np.ones((5, 5), bool)).all()


def test_the_bits_of_a_target() -> None:
    mask = np.zeros((9, 9), int)
    mask[1:8, 1:8] = 1
    got = target(mask, by_instance=True)
    assert got.dtype == np.uint8
    assert got[4, 4] == FOREGROUND | INTERIOR
    assert got[1, 1] == FOREGROUND
    assert got[0, 0] == 0
