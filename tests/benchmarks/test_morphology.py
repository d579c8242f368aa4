"""Scores of labels and masks class by class, on numbers that can be counted by hand."""

import numpy as np
import pytest

from nanomorph_benchmarks.morphology import as_markdown, dice_scores, label_scores

TRUTH = np.array(["singular", "singular", "network", "bundle", "dispersed"])


def test_labels_are_counted_class_by_class():
    scores = label_scores(TRUTH, np.array(["singular", "other", "network", "bundle", "network"]))
    assert scores["accuracy"]["value"] == pytest.approx(0.6)
    assert scores["said"]["singular"] == {"singular": 1, "dispersed": 0, "network": 0, "bundle": 0, "other": 1}
    assert scores["said"]["dispersed"]["network"] == 1


def test_dice_has_a_median_of_every_class():
    scores = dice_scores(TRUTH, [0.2, 0.6, 0.5, 1.0, 0.7])
    assert scores["by_class"]["singular"] == pytest.approx([0.4, 0.3, 0.5])
    assert scores["mean"]["value"] == pytest.approx(0.6)


def test_the_table_names_every_class():
    labels, dice = label_scores(TRUTH, TRUTH), dice_scores(TRUTH, [0.5] * 5)
    table = as_markdown({"learned": 7, "labels": {"nanomorph": labels}, "dice": {"nanomorph": dice}})
    assert "| nanomorph | 1.000 [1.000, 1.000] | 2 of 2 | 1 of 1 | 1 of 1 | 1 of 1 |" in table
    assert table.count("0.50 [0.50, 0.50]") == 4
    assert "learned from 7 others" in table
