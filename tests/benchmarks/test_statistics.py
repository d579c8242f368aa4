"""Figures a reader can check by hand."""

import numpy as np
import pytest

from nanomorph_benchmarks.accuracy import overlap, shape_scores
from nanomorph_benchmarks.statistics import balanced_accuracy, by_group


def test_balanced_accuracy_weighs_classes_alike():
    truth = np.array(["sphere"] * 8 + ["cube"] * 2)
    assert balanced_accuracy(truth, np.array(["sphere"] * 10)) == 0.5
    assert balanced_accuracy(truth, truth) == 1.0


def test_the_interval_comes_from_groups_not_images():
    # Two articles, one all right, one all wrong: drawing articles gives 0, 0.5 or 1 and nothing between.
    right = np.array([1.0] * 50 + [0.0] * 50)
    figure = by_group(["a"] * 50 + ["b"] * 50, lambda index: right[index].mean())
    assert (figure.value, figure.low, figure.high) == (0.5, 0.0, 1.0)
    assert (figure.n, figure.groups) == (100, 2)


def test_overlap_by_hand():
    mask, truth = np.array([1, 1, 0, 0], bool), np.array([1, 0, 1, 0], bool)
    assert overlap(mask, truth) == (0.5, pytest.approx(1 / 3))
    assert overlap(~truth & truth, ~truth & truth) == (1.0, 1.0)


def test_recalls_are_counts():
    truth = np.array(["cube", "cube", "rod"])
    scores = shape_scores(truth, np.array(["cube", "rod", "rod"]), ["a", "b", "c"])
    assert scores["recall"]["cube"] == "1 of 2"
    assert scores["accuracy"]["value"] == pytest.approx(2 / 3)
    assert scores["balanced_accuracy"]["value"] == 0.75
