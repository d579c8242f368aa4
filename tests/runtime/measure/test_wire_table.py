"""What a wire's row holds where there is nothing to divide by."""

import numpy as np

from nanomorph.measure.ragged import Ragged
from nanomorph.measure.wires.table import _direction, _elongation


def test_a_path_of_one_point_has_no_elongation_and_warns_of_nothing() -> None:
    found = _elongation(np.array([0.0, 12.0]), np.array([0.0, 4.0]))
    assert np.isnan(found[0])
    assert found[1] == 3.0


def test_a_path_of_one_point_lies_along_x_and_its_neighbours_are_not_disturbed() -> None:
    paths = Ragged.of([np.array([[5.0, 5.0]]), np.array([[0.0, 0.0], [0.0, -4.0]])])
    assert _direction(paths).tolist() == [0.0, 90.0]
