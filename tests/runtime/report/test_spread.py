import numpy as np
import pytest

from nanomorph.report.spread import spread, spread_table
from nanomorph.report.statistics import Sample


def of(*values: float, weight: tuple[float, ...] = ()) -> Sample:
    sizes = np.array(values, float)
    return Sample(sizes, np.zeros(len(sizes), int), np.array(weight or [1.0] * len(sizes), float))


def test_one_to_eleven():
    one = spread(of(*range(1, 12)))
    assert (one.n, one.mean, one.d10, one.d50, one.d90) == (11, 6, 2, 6, 10)
    assert one.sd == pytest.approx(11**0.5)  # 110 / 10
    assert one.span == pytest.approx(8 / 6)


def test_weighted_means_of_two_diameters():
    """Of 1 and 2: 9 / 5 by surface, 17 / 9 by volume."""
    one = spread(of(1, 2))
    assert (one.surface_mean, one.volume_mean) == pytest.approx((9 / 5, 17 / 9))


def test_a_weight_counts_as_so_many():
    """Eleven of 1, one of them eleven times, beside three of 2: 21 of 24 lie at 1."""
    weighted, many = spread(of(*[1] * 11, *[2] * 3, weight=(11, *[1] * 13))), spread(of(*[1] * 21, *[2] * 3))
    assert (weighted.mean, weighted.d10, weighted.d50, weighted.d90) == pytest.approx((many.mean, 1, 1, 2))
    assert weighted.surface_mean == pytest.approx(many.surface_mean)


def test_what_is_unknown_or_nothing_is_left_out():
    assert spread(of(np.nan, 0)) is None
    alone = spread(of(5, np.nan, 0))
    assert (alone.n, alone.mean, alone.d50) == (1, 5, 5)
    assert np.isnan(alone.sd)


def test_nine_have_no_tenth():
    assert np.isnan([spread(of(*range(1, 10))).d10, spread(of(*range(1, 10))).span]).all()
    assert spread(of(*range(1, 11))).d10 == pytest.approx(1.9)


def test_only_diameters_have_weighted_means():
    groups, colours = {"<cube>": of(1, 2)}, {"<cube>": "#000"}
    diameters = spread_table("equivalent diameter", "nm", groups, colours, "label")
    widths = spread_table("width", "nm", groups, colours, "label")
    assert "<b>1.50</b> ± 0.707" in diameters
    assert "<td>47 %</td>" in diameters
    assert "&lt;cube&gt;" in diameters
    assert ("D[3,2]" in diameters, "D[3,2]" in widths) == (True, False)
    assert "<td>1.80</td><td>1.89</td>" in diameters
