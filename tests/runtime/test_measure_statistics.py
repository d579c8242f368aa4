"""Edge weights, weighted medians and what is unsure about a mask."""

import math

import cv2
import numpy as np
import pytest

from nanomorph.measure import Doubt, measure
from nanomorph.measure.statistics import bootstrap_median, edge_weights, median, sample


def test_edge_weight_is_the_inverse_chance_to_lie_inside() -> None:
    weight = edge_weights(np.array([[50, 20], [10, 10]]), np.array([False, True]), (100, 200))
    assert weight[0] == pytest.approx(1 / (0.5 * 0.9))
    assert math.isnan(weight[1])


def test_weighted_sample_is_free_of_edge_bias() -> None:
    """Discs of radius 5 and 45, equally many, at random on 300 x 300: of the whole ones most are small."""
    rng = np.random.default_rng(0)
    radius = np.where(np.arange(4000) % 2, 5.0, 45.0)
    centre = rng.uniform(-50, 350, (4000, 2))
    inside = ((centre - radius[:, None] > 0) & (centre + radius[:, None] < 300)).all(axis=1)
    sizes = np.repeat(2 * radius[inside], 2).reshape(-1, 2)
    weight = edge_weights(sizes, np.zeros(len(sizes), bool), (300, 300))
    large = radius[inside] > 20
    assert large.mean() < 0.4
    assert weight[large].sum() / weight.sum() == pytest.approx(0.5, abs=0.04)


def test_choices_about_the_edge() -> None:
    touches, weight = np.array([True, False, False]), np.array([np.nan, 2.0, 4.0])
    assert sample(touches, weight).index.tolist() == [1, 2]
    assert sample(touches, weight, "weight").weight.tolist() == [2, 4]
    assert sample(touches, weight, "count").index.tolist() == [0, 1, 2]
    assert sample(touches, weight, "count").includes_edge
    assert sample(np.array([True]), np.array([np.nan]), "weight").includes_edge


def test_weighted_median() -> None:
    values = np.array([1.0, 2.0, 10.0])
    assert median(values) == 2
    assert median(values, np.array([1.0, 1.0, 5.0])) == 10
    low, high = bootstrap_median(np.arange(1.0, 26.0), np.r_[np.ones(12), 3 * np.ones(13)])
    assert 10 < low < median(np.arange(1.0, 26.0), np.r_[np.ones(12), 3 * np.ones(13)]) < high < 25


def test_a_soft_edge_gives_an_interval_for_width_and_area() -> None:
    """Probability falls linearly over 8 px: 0.75 lies 2 px inside the edge at 0.5, 0.25 lies 2 px outside."""
    y = np.abs(np.mgrid[:120, :200][0] - 60.0)
    foreground = np.clip(0.5 - (y - 10.25) / 8, 0, 1).astype(np.float32)
    labels = (foreground >= 0.5).astype(np.int32)
    row = measure(labels, (2.0, 2.0), doubt=Doubt(foreground, 0.5)).domains.iloc[0]
    assert (row.area_low_px, row.area_px, row.area_high_px) == (200 * 17, 200 * 21, 200 * 25)
    assert row.width_low_px == pytest.approx(row.width_median_px - 4, abs=0.5)
    assert row.width_high_px == pytest.approx(row.width_median_px + 4, abs=0.5)
    wider = measure(labels, (2.0, 2.0), doubt=Doubt(foreground, 0.5, pixel_size_error=0.1)).domains.iloc[0]
    assert wider.width_high_nm == pytest.approx(1.1 * row.width_high_nm)
    assert wider.area_low_nm2 == pytest.approx(0.81 * row.area_low_nm2)


def test_doubtful_pixels_go_to_no_domain_across_a_gap_however_near() -> None:
    foreground = np.zeros((60, 100), np.float32)
    foreground[20:40, 10:30] = foreground[20:40, 52:70] = 1.0
    foreground[20:40, 30:50] = 0.3  # of the first alone: 2 px before the second it ends
    labels = cv2.connectedComponents((foreground >= 0.5).astype(np.uint8))[1]
    area = measure(labels, None, doubt=Doubt(foreground, 0.5)).domains.area_high_px
    assert area.tolist() == [20 * 40, 20 * 18]


def test_doubtful_pixels_between_two_domains_go_to_the_nearer_and_far_ones_to_none() -> None:
    foreground = np.zeros((60, 100), np.float32)
    foreground[20:40, 10:30] = foreground[20:40, 50:70] = 1.0
    foreground[20:40, 30:50] = 0.3  # joins the two: 20 px wide, ten for each
    foreground[2:8, 80:90] = 0.3  # a piece of its own
    labels = np.zeros(foreground.shape, np.int32)
    labels[20:40, 10:30], labels[20:40, 50:70] = 1, 2
    area = measure(labels, None, doubt=Doubt(foreground, 0.5)).domains.area_high_px
    assert area.sum() == 800 + 400
    assert area.to_numpy() == pytest.approx([600, 600], abs=20)
