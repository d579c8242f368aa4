"""Figures a reader can check by hand."""

import numpy as np
import pytest

from nanomorph_benchmarks.accuracy import shape_scores
from nanomorph_benchmarks.statistics import by_group, shown


def test_the_interval_comes_from_groups_not_images():
    # Two articles, one all right, one all wrong: drawing articles gives 0, 0.5 or 1 and nothing between.
    right = np.array([1.0] * 50 + [0.0] * 50)
    figure = by_group(["a"] * 50 + ["b"] * 50, lambda index: right[index].mean())
    assert (figure.value, figure.low, figure.high) == (0.5, 0.0, 1.0)
    assert (figure.n, figure.groups) == (100, 2)


def test_a_figure_is_shown_with_its_interval():
    figure = {"value": 0.8125, "low": 0.5, "high": 0.94}
    assert shown(figure) == "0.812 [0.500, 0.940]"
    assert shown(figure, digits=2) == "0.81 [0.50, 0.94]"


def test_recalls_are_counts():
    truth = np.array(["cube", "cube", "rod"])
    scores = shape_scores(truth, np.array(["cube", "rod", "rod"]), ["a", "b", "c"])
    assert scores["recall"]["cube"] == "1 of 2"
    assert scores["accuracy"]["value"] == pytest.approx(2 / 3)
    assert scores["balanced_accuracy"]["value"] == 0.75
