"""Order and greatest values within owners, by hand."""

import numpy as np
import pytest

from nanomorph.measure.ragged import greatest, norms, rows_of, sorted_by


@pytest.mark.parametrize("n", [3, 70_000])
def test_values_are_sorted_within_their_owners(n):
    """Beyond 65536 owners their numbers do not fit 16 bits."""
    owner, values = np.array([n - 1, 0, n - 1, 0, 1]), np.array([2.0, 5.0, 1.0, 3.0, 9.0])
    assert sorted_by(owner, values, n).tolist() == [3, 1, 4, 2, 0]


def test_of_equal_values_the_last_is_the_greatest():
    assert greatest(np.array([1, 0, 1, 0, 1]), np.array([4.0, -3.0, 4.0, -7.0, 1.0]), 2).tolist() == [1, 2]


def test_rows_are_those_of_an_index() -> None:
    values = np.arange(8).reshape(4, 2)
    assert rows_of(values, np.array([True, False, False, True])).tolist() == [[0, 1], [6, 7]]
    assert rows_of(values, np.array([[3, 0], [-1, 1]])).tolist() == [[[6, 7], [0, 1]], [[6, 7], [2, 3]]]


def test_a_vector_of_3_and_4_is_5_long() -> None:
    assert norms(np.array([[3.0, -4.0], [0.0, 0.0]])).tolist() == [5, 0]
