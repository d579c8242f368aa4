"""Domains matched to instances, on squares that can be counted by hand."""

import numpy as np
import pytest

from nanomorph_benchmarks.instances import COUNTS, WAYS, as_markdown, summary, textbook
from nanomorph_benchmarks.matching import match, overlaps, whole_diameters


def squares(*boxes: tuple[int, int, int, int], shape: tuple[int, int] = (60, 60)) -> np.ndarray:
    """Label image of boxes (top, left, bottom, right), numbered from 1."""
    labels = np.zeros(shape, np.int32)
    for number, (top, left, bottom, right) in enumerate(boxes, start=1):
        labels[top:bottom, left:right] = number
    return labels


A, B, FAR = (10, 10, 20, 20), (10, 20, 20, 30), (40, 40, 50, 50)


def test_the_same_under_other_numbers_is_all_matched() -> None:
    given = squares(A, B, FAR)
    found = match(np.array([0, 7, 5, 9])[given], given)
    assert (found.given, found.found, found.matched, found.f1, found.iou) == (3, 3, 3, 1.0, 1.0)
    assert (found.split, found.merged, found.missed, found.false) == (0, 0, 0, 0)


def test_a_domain_over_two_instances_is_a_merge_and_matches_neither() -> None:
    found = match(squares((10, 10, 20, 30), FAR), squares(A, B, FAR))
    assert (found.merged, found.split, found.matched) == (1, 0, 1)
    assert found.f1 == pytest.approx(2 * 1 / (3 + 2))


def test_an_instance_cut_in_two_is_a_split_whose_larger_part_matches() -> None:
    found = match(squares((10, 10, 20, 16), (10, 16, 20, 20)), squares(A))
    assert (found.split, found.merged, found.matched) == (1, 0, 1)
    assert found.iou == pytest.approx(0.6)


def test_what_is_not_there_is_missed_or_false() -> None:
    found = match(squares(FAR), squares(A, B))
    assert (found.missed, found.false, found.matched, found.f1) == (2, 1, 0, 0.0)
    assert np.isnan(found.iou)


def test_nothing_found_and_nothing_given_are_counted() -> None:
    nothing, one = squares(), squares(A)
    assert (match(nothing, one).missed, match(nothing, one).false) == (1, 0)
    assert (match(one, nothing).missed, match(one, nothing).false) == (0, 1)
    assert match(nothing, nothing).f1 == 0


def test_an_image_without_background_keeps_its_row_for_it() -> None:
    shared = overlaps(squares((0, 0, 60, 30)), squares((0, 0, 60, 60)))
    assert shared.tolist() == [[0, 0], [1800, 1800]]


def test_particles_at_the_edge_have_no_diameter() -> None:
    assert whole_diameters(squares((0, 5, 10, 15), A)) == pytest.approx([np.sqrt(400 / np.pi)])


def test_distributions_are_compared_from_five_whole_particles_on() -> None:
    row = [(10, left, 10 + side, left + side) for left, side in ((2, 4), (10, 5), (20, 6), (30, 7), (40, 8))]
    given = squares(*row)
    assert np.isnan(match(given, squares(*row[1:])).ks)
    assert match(given, given).ks == 0
    assert match(squares(), given).ks == 1
    assert match(squares(*row[:3]), given).ks == pytest.approx(0.4)


def test_the_textbook_cuts_two_discs() -> None:
    y, x = np.mgrid[:60, :80]
    labels = textbook((np.hypot(x - 25, y - 30) <= 15) | (np.hypot(x - 52, y - 30) <= 15))
    assert labels[30, 25] != labels[30, 52]


def test_the_table_has_a_row_for_every_way() -> None:
    matches = [match(squares(A, FAR), squares(A, B, FAR)), match(squares(), squares(*[A] * 1))]
    five = squares(*[(10, 2 + 8 * n, 14, 6 + 8 * n) for n in range(5)])
    matches.append(match(five, five))
    row = summary(matches, ["a", "b", "c"])
    assert row["counts"] == dict(zip(COUNTS, (9, 7, 7, 0, 0, 2, 0), strict=True))
    assert row["f1"]["value"] == pytest.approx((0.8 + 0 + 1) / 3)
    assert (row["ks"]["value"], row["ks"]["n"]) == (0, 1)
    table = as_markdown({"part": "held-out", "ways": dict.fromkeys(WAYS, row)})
    assert all(f"| {name} | 0.600 [" in table for name in WAYS)
    assert "3 panels of 3 articles (KS: 1 panels)" in table
