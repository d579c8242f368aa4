"""Floods from whole seeds and from their rims."""

import cv2
import numpy as np
import pytest

from nanomorph.measure.distance import to_edge
from nanomorph.measure.separating import flood as module
from nanomorph.measure.separating.flood import flood, hung_on
from nanomorph.measure.separating.separate import separated


def packed(radius: int = 20, n: int = 6) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Discs in rows that overlap, those of odd rows moved by half a disc: depth, seeds (their middles), mask."""
    side = 2 * n * radius
    mask, middle = np.zeros((side, side), np.uint8), np.zeros((side, side), np.uint8)
    for row in range(n):
        for column in range(n - row % 2):
            at = (2 * column + 1 + row % 2) * radius - column, 2 * row * radius - 4 * row + radius + column
            cv2.circle(mask, at, radius, 1, cv2.FILLED)
            cv2.circle(middle, at, radius // 2, 1, cv2.FILLED)
    return to_edge(mask > 0), cv2.connectedComponents(middle, connectivity=4)[1], mask > 0


def test_from_rims_nearly_every_pixel_goes_where_it_does_from_whole_seeds(monkeypatch: pytest.MonkeyPatch) -> None:
    depth, seeds, mask = packed()
    whole = flood(depth, seeds, mask)
    monkeypatch.setattr(module, "MANY", 0)
    rims = flood(depth, seeds, mask)
    assert whole.max() == rims.max() == 33
    # Ties, on the lines between discs alone.
    assert np.count_nonzero(whole != rims) < 1e-3 * np.count_nonzero(mask)
    assert np.array_equal(rims > 0, mask)
    assert np.array_equal(rims[seeds > 0], seeds[seeds > 0])
    assert rims.dtype == whole.dtype


def test_of_many_seed_pixels_those_within_are_not_queued(monkeypatch: pytest.MonkeyPatch) -> None:
    depth, seeds, mask = packed()
    monkeypatch.setattr(module, "MANY", 0)
    queued = []

    def watershed(_, markers, mask):
        queued.append((np.count_nonzero(markers), np.count_nonzero(mask)))
        return markers

    monkeypatch.setattr("skimage.segmentation.watershed", watershed)
    flood(depth, seeds, mask)
    ((markers, reached),) = queued
    assert 0 < markers < 0.3 * np.count_nonzero(seeds)
    assert reached == np.count_nonzero(mask & (seeds == 0)) + markers


def test_a_part_that_no_seed_reaches_stays_nobodys(monkeypatch: pytest.MonkeyPatch) -> None:
    mask, seeds = np.zeros((40, 40), bool), np.zeros((40, 40), np.int32)
    mask[5:15, 5:15] = mask[15:20, 15:20] = True  # they meet at a corner alone
    seeds[8:12, 8:12] = 1
    for most in (module.MANY, 0):
        monkeypatch.setattr(module, "MANY", most)
        assert np.array_equal(flood(to_edge(mask), seeds, mask), np.where(np.arange(40) < 15, mask, 0))


def test_what_hangs_on_by_a_corner_goes_to_what_it_hangs_on() -> None:
    parts = np.array([[1, 1, 0, 0, 0], [1, 1, 0, 0, 2], [0, 0, 9, 0, 0], [0, 0, 0, 9, 9]], np.int32)
    inside, found = parts > 0, np.where(parts == 9, 0, parts)
    # The first bit hangs on 1, the second on the first alone.
    np.testing.assert_array_equal(hung_on(found, inside), np.where(parts == 9, 1, parts))
    assert hung_on(parts, inside) is parts  # nothing to do


def test_no_domain_is_in_two_places() -> None:
    """A disc alone, then two that touch, with nine pixels that hang on them by a corner: they were the first disc's."""
    y, x = np.mgrid[:300, :300]
    discs = [(40, 40, 20), (200, 150, 30), (200, 205, 30)]
    mask, interior = np.zeros((300, 300), bool), np.zeros((300, 300), np.float32)
    for row, column, radius in discs:
        away = np.hypot(y - row, x - column)
        mask |= away <= radius
        interior[away <= 0.6 * radius] = 0.95
    column = 150 - 30
    mask[:, : column + 1] &= x[:, : column + 1] < 100  # the left tip of the second disc is cut straight
    top = int(np.flatnonzero(mask[:, column + 1])[0])
    mask[top - 3 : top, column - 2 : column + 1] = True
    labels = separated(mask, interior)
    assert labels.max() == 3
    assert [cv2.connectedComponents((labels == k).astype(np.uint8))[0] - 1 for k in (1, 2, 3)] == [1, 1, 1]
    assert labels[top - 1, column] == labels[200, 150] != labels[40, 40]
