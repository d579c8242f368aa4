"""Edge weights, weighted medians and what is unsure about a mask."""

import math

import cv2
import numpy as np
import pytest

from nanomorph.measure import Doubt, measure
from nanomorph.measure.statistics import bootstrap_median, edge_weights, median, sample


def test_edge_weight_is_the_inverse_chance_to_lie_inside() -> None:
    """Of 100 x 200 places for its corner a box of 50 x 20 meets no edge at rows 1 to 49 and columns 1 to 179."""
    weight = edge_weights(np.array([[50, 20], [10, 10]]), np.array([False, True]), (100, 200))
    assert weight[0] == pytest.approx(100 * 200 / (49 * 179))
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
    touches, weight, area = np.array([True, False, False]), np.array([np.nan, 2.0, 4.0]), np.array([50, 10, 20])
    assert sample(touches, weight, area).index.tolist() == [1, 2]
    assert sample(touches, weight, area, "weight").weight.tolist() == [2, 4]
    assert sample(touches, weight, area, "count").index.tolist() == [0, 1, 2]
    assert sample(touches, weight, area, "count").includes_edge
    assert sample(np.array([True]), np.array([np.nan]), np.array([5]), "weight").includes_edge


def test_a_crumb_beside_a_network_is_not_what_is_measured() -> None:
    """A wire 20 px wide across the field, and a speck of 6 x 6 px clear of the edge: the width is the wire's."""
    labels = np.zeros((200, 200), np.int32)
    labels[90:110] = 1
    labels[20:26, 20:26] = 2
    field = measure(labels, (1.0, 1.0)).field
    assert field["sizes_include_edge"] is True
    assert field["n_sized"] == 1
    assert field["sized_fraction"] == pytest.approx(4000 / 4036)
    assert field["domain_width_median_nm"] == pytest.approx(20, abs=0.2)
    labels[150:190, 20:60] = 3  # 1,600 px of 5,636: now those clear of the edge hold more than a tenth
    field = measure(labels, (1.0, 1.0)).field
    assert field["sizes_include_edge"] is False
    assert field["sized_fraction"] == pytest.approx(1636 / 5636)


def test_below_six_values_there_is_no_interval() -> None:
    """The range of five covers the median in 1 - 2 / 2 ** 5 = 94 of 100 samples, that of six in 97."""
    assert all(map(math.isnan, bootstrap_median(np.arange(5.0))))
    low, high = bootstrap_median(np.arange(6.0))
    assert 0 <= low < 2.5 < high <= 5


def test_where_nothing_is_unsure_large_frames_invent_no_doubt() -> None:
    """Of 2,100 px every third row and column is looked at; discs of 9 px cover 7 to 9 of those pixels each."""
    mask = np.zeros((2100, 2100), np.uint8)
    for n, (x, y) in enumerate(np.mgrid[30:2070:100, 30:2070:100].reshape(2, -1).T):
        cv2.circle(mask, (int(x) + n % 3, int(y) + n % 5), 4, 1, -1)
    labels = cv2.connectedComponents(mask)[1]
    domains = measure(labels, None, doubt=Doubt.of(mask.astype(np.float32), 0.5)).domains
    assert (domains.area_low_px == domains.area_px).all()
    assert (domains.area_high_px == domains.area_px).all()


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
