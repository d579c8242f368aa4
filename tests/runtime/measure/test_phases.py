"""Textures whose chords, thickness, correlation and order are known."""

import math

import cv2
import numpy as np
import pytest

from nanomorph.measure import measure
from nanomorph.measure.textures import phases, thickness
from nanomorph.measure.wires import order


def stripes(width: int, gap: int, side: int = 240) -> np.ndarray:
    return np.tile((np.arange(side) % (width + gap) < width).astype(np.uint8), (side, 1))


def test_chords_of_stripes_are_their_widths_across_and_none_along() -> None:
    found = phases.chords(stripes(8, 16))
    # Along the stripes no line ever changes phase: length without chords, which only the mean counts.
    assert found["foreground"].quantiles == (8,) * 5
    assert found["background"].quantiles == (16,) * 5
    across = phases._runs(stripes(8, 16), 1.0, 1.0)
    assert across[1].total / across[1].number == pytest.approx(8, rel=0.06)


def test_mean_chord_of_discs_is_pi_r_over_2_however_many_are_cut_by_the_edge() -> None:
    y, x = np.mgrid[:400, :400]
    mask = np.zeros((400, 400), np.uint8)
    for cx in range(0, 401, 50):
        for cy in range(0, 401, 50):
            mask |= (np.hypot(x - cx - 0.3, y - cy + 0.2) <= 20).astype(np.uint8)
    assert phases.chords(mask)["foreground"].mean == pytest.approx(np.pi * 20 / 2, rel=0.02)


def test_chords_of_a_field_do_not_depend_on_the_shape_of_its_pixels() -> None:
    """Bars of 120 x 8 nm: chords of 120 along x and 8 along y, of which there are so many more, whatever the pixels."""
    bars = np.zeros((320, 320), np.uint8)
    for y in range(8, 320, 32):
        bars[y : y + 8, 40:160] = bars[y : y + 8, 190:310] = 1
    square = phases.chords(bars)["foreground"].mean
    assert phases.chords(bars[:, ::4].copy(), (4.0, 1.0))["foreground"].mean == pytest.approx(square, rel=0.01)
    assert phases.chords(bars[::4].copy(), (1.0, 4.0))["foreground"].mean == pytest.approx(square, rel=0.01)


def test_weights_of_chords_are_exact_where_lines_are_short() -> None:
    """Runs of 50 px in lines of 60 px lie whole, with a px beside each end, at 9 of 60 places."""
    lines = np.zeros((9, 60), np.uint8)
    for n in range(9):
        lines[n, n + 1 : n + 51] = 1
    whole = phases._runs(lines, 1.0, 1.0)[1]
    assert whole.weight.sum() == pytest.approx(60)


def test_oblong_pixels_stretch_chords() -> None:
    mask = np.zeros((100, 100), np.uint8)
    mask[30:70, 40:60] = 1
    # 20 px of 2 along x (40 lines), 40 px of 1 along y (20 lines): every chord is 40 long.
    assert phases.chords(mask, (2.0, 1.0))["foreground"].quantiles == (40,) * 5


def test_local_thickness_of_a_bar_and_a_disc() -> None:
    bar = np.zeros((100, 200), bool)
    bar[40:53] = True
    assert thickness.local_thickness(bar).mean == pytest.approx(13, abs=0.5)
    y, x = np.mgrid[:121, :121] - 60.0
    disc = thickness.local_thickness(np.hypot(x, y) <= 40)
    assert disc.quantiles[2] == pytest.approx(80, abs=2)
    assert all(math.isnan(q) for q in thickness.local_thickness(np.zeros((9, 9), bool)).quantiles)


def test_equal_discs_drawn_at_once_cover_what_they_cover_one_by_one() -> None:
    """Two groups of many discs, of which some are cut by the edge, and a few larger ones that lie on them."""
    rng = np.random.default_rng(1)
    starts = np.array([0, 200, 600, 610])
    at = np.stack([rng.integers(0, 150, 610), rng.integers(0, 90, 610)], axis=1)
    radius = np.repeat([1 * 16, 2 * 16 + 4, 9 * 16 + 3], np.diff(starts))
    one_by_one = np.zeros((90, 150), np.int32)
    for centre, r, group in zip(
        (at * 16).tolist(), radius.tolist(), np.repeat([1, 2, 3], np.diff(starts)).tolist(), strict=True
    ):
        cv2.circle(one_by_one, centre, r, group, -1, cv2.LINE_8, 4)
    assert np.array_equal(thickness._covered((90, 150), at, radius, starts), one_by_one)


@pytest.mark.parametrize("width", [3, 4, 5, 6, 12, 13])
def test_local_thickness_of_a_bar_is_its_width_odd_or_even(width: int) -> None:
    bar = np.zeros((60, 90), bool)
    bar[20 : 20 + width] = True
    for phase in (bar, bar.T.copy()):
        assert thickness.local_thickness(phase).quantiles == (width,) * 5


def test_correlation_length_of_random_squares_of_side_10() -> None:
    """A checkerboard of random cells of side L: covariance (1 - x/L)(1 - y/L); the mean over directions at r = 0.478 L
    is 1/e of that at 0.
    """
    cells = np.random.default_rng(1).random((60, 60)) < 0.5
    mask = np.kron(cells, np.ones((10, 10))).astype(np.float32)
    t, r = np.linspace(0, np.pi / 2, 2001), np.linspace(0, 10, 2001)[:, None]
    covariance = (np.maximum(1 - r * np.cos(t) / 10, 0) * np.maximum(1 - r * np.sin(t) / 10, 0)).mean(axis=1)
    expected = float(np.interp(-1 / math.e, -covariance, r[:, 0]))
    assert phases.correlation_length([mask], float(mask.mean())) == pytest.approx(expected, rel=0.06)


def test_correlation_length_does_not_grow_with_the_pixels_that_it_is_taken_from() -> None:
    """Cells of side 20 seen by pixels of side 5: fractions vary less than the material, which is not distance."""
    cells = np.kron(np.random.default_rng(1).random((40, 40)) < 0.5, np.ones((20, 20))).astype(np.float32)
    share = float(cells.mean())
    coarse = cv2.resize(cells, (160, 160), interpolation=cv2.INTER_AREA)
    assert 5 * phases.correlation_length([coarse], share) == pytest.approx(
        phases.correlation_length([cells], share), rel=0.03
    )


def test_order_decays_over_the_side_of_its_domains() -> None:
    """Squares of side 60, each with one random direction: windows much smaller are ordered, much larger are not."""
    rng = np.random.default_rng(0)
    y, x = np.mgrid[2:600:4, 2:600:4].astype(float)
    direction = rng.uniform(0, np.pi, (10, 10))[(y // 60).astype(int), (x // 60).astype(int)].ravel()
    middle, length = np.stack([x.ravel(), y.ravel()], axis=1), np.ones(x.size)
    assert order.s2d(length, direction) < 0.25
    assert 60 < order.domain_length(middle, length, direction, (600, 600)) < 200
    assert order.s2d(length, np.full(x.size, 0.7)) == pytest.approx(1)
    assert math.isnan(order.domain_length(middle, length, np.full(x.size, 0.7), (600, 600)))


def test_field_columns_follow_the_pixel_size() -> None:
    field = measure(stripes(8, 16).astype(np.int32), (0.5, 0.5)).field
    assert field["chord_foreground_p50_px"] == 8
    assert field["chord_foreground_p50_nm"] == 4
    # The stripe at the edge of the field is taken to go on beyond it, the median is that of the whole ones.
    assert field["local_thickness_foreground_p50_nm"] == pytest.approx(4, abs=0.05)


def test_order_of_a_field_of_one_direction_reaches_nowhere_in_particular() -> None:
    """Parallel wires, a little turned against each other: S2D is .98, and what is left of decay is noise."""
    turns = np.deg2rad(np.random.default_rng(0).normal(0, 5, 400))
    middle = np.random.default_rng(1).uniform(0, 500, (400, 2))
    assert order.s2d(np.ones(400), turns) > 0.9
    assert math.isnan(order.domain_length(middle, np.ones(400), turns, (500, 500)))
