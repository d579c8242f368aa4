"""Floods from whole seeds and from their rims."""

import cv2
import numpy as np
import pytest

from nanomorph.measure import flood as module
from nanomorph.measure.distance import to_edge
from nanomorph.measure.flood import flood


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
