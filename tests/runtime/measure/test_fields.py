"""Fields drawn by hand: coverage, percolation, order, summaries."""

import math

import numpy as np
import pytest

from nanomorph.measure import measure, measure_mask
from nanomorph.measure.fields import bootstrap_median
from nanomorph.measure.spans import hole_fraction, percolation


def lines(rows: tuple[int, ...] = (), columns: tuple[int, ...] = (), thick: int = 4, side: int = 100) -> np.ndarray:
    mask = np.zeros((side, side), np.int32)
    for row in rows:
        mask[row : row + thick] = 1
    for column in columns:
        mask[:, column : column + thick] = 1
    return mask


def spans(mask: np.ndarray) -> tuple[bool, bool, bool]:
    p = percolation((mask > 0).astype(np.uint8))
    return bool(p["percolates_x"]), bool(p["percolates_y"]), bool(p["percolates"])


def test_a_line_percolates_along_itself_and_a_cross_both_ways() -> None:
    assert spans(lines(rows=(40,))) == (True, False, False)
    assert spans(lines(columns=(40,))) == (False, True, False)
    assert spans(lines(rows=(40,), columns=(70,))) == (True, True, True)


@pytest.mark.parametrize(("gap", "joined"), [(1, True), (2, True), (3, False)])
def test_gaps_of_two_pixels_are_bridged(gap: int, joined: bool) -> None:
    mask = lines(rows=(40,))
    mask[:, 50 : 50 + gap] = 0
    assert spans(mask)[0] is joined


def test_two_halves_do_not_percolate_together() -> None:
    mask = np.zeros((100, 100), np.int32)
    mask[20, :60] = mask[80, 40:] = 1
    assert spans(mask) == (False, False, False)
    p = percolation((mask > 0).astype(np.uint8))
    assert (p["span_x"], p["span_y"]) == (0.6, 0.01)


def test_a_piece_in_the_hole_of_another_spans_no_more() -> None:
    ring = lines(rows=(10, 80), columns=(10, 80))
    ring[:10], ring[84:], ring[:, :10], ring[:, 84:] = 0, 0, 0, 0
    alone = percolation((ring > 0).astype(np.uint8))
    ring[40:50, 30:60] = 1
    assert percolation((ring > 0).astype(np.uint8)) == alone
    assert (alone["span_x"], alone["percolates"]) == (0.74, False)


def test_a_hole_is_what_no_straight_steps_lead_out_of() -> None:
    """A square ring of 5 x 5 px around 3 x 3, one of its corners missing, and an open corner of the field."""
    mask = np.zeros((10, 10), np.uint8)
    mask[2:7, 2:7] = 1
    mask[3:6, 3:6] = mask[2, 2] = 0
    mask[8:, 8] = mask[8, 8:] = 1
    assert hole_fraction(mask) == 9 / 100


def test_a_wire_that_ends_two_pixels_short_still_spans() -> None:
    mask = lines(rows=(40,))
    mask[:, :2] = 0
    assert spans(mask)[0] is True
    mask[:, 2] = 0
    assert spans(mask)[0] is False


def test_grid_of_wires_has_its_branchings_and_holes() -> None:
    mask = lines(rows=(20, 48, 76), columns=(20, 48, 76))
    field = measure(mask, (2.0, 2.0)).field
    assert field["branch_points"] == 9
    assert field["n_holes"] == 4
    assert field["hole_fraction"] == pytest.approx(4 * 24 * 24 / 100**2)
    assert field["branch_density_um2"] == pytest.approx(9 / 0.04)  # 200 nm x 200 nm
    assert field["foreground_fraction"] == pytest.approx((6 * 400 - 9 * 16) / 100**2)
    assert field["orientation_order"] == pytest.approx(0, abs=0.05)
    assert field["domain_width_median_nm"] == pytest.approx(8, abs=0.4)
    assert field["sizes_include_edge"] is True


def test_parallel_wires_are_ordered() -> None:
    mask = np.zeros((120, 120), bool)
    for row in (10, 40, 70, 100):
        mask[row : row + 6, 15:105] = True
    field = measure(measure_labels(mask), None).field
    assert field["orientation_order"] == pytest.approx(1, abs=0.01)
    assert field["n_domains"] == 4
    assert field["largest_domain_share"] == pytest.approx(0.25)
    assert field["relative_width"] == pytest.approx(6 / 120, abs=0.002)
    assert math.isnan(field["domain_width_median_nm"])
    assert field["domain_width_median_px"] == pytest.approx(6, abs=0.2)


def test_sizes_leave_out_domains_at_the_edge() -> None:
    mask = np.zeros((120, 120), bool)
    mask[0:30, 10:110] = True  # touches the top
    for row in range(40, 106, 13):
        mask[row : row + 8, 15:105] = True
    field = measure(measure_labels(mask), (1.0, 1.0)).field
    assert field["n_sized"] == 6
    assert field["sizes_include_edge"] is False
    assert field["domain_width_median_nm"] == pytest.approx(8, abs=0.2)
    assert field["domain_width_ci_low_nm"] <= field["domain_width_median_nm"] <= field["domain_width_ci_high_nm"]


def test_empty_field_has_fractions_of_zero_and_no_sizes() -> None:
    field = measure(np.zeros((50, 60), np.int32), (1.0, 1.0)).field
    for name in ("foreground_fraction", "n_domains", "percolates", "span_x", "largest_domain_share", "hole_fraction"):
        assert field[name] == 0
    for name in ("domain_width_median_nm", "domain_width_ci_low_nm", "relative_width", "orientation_order"):
        assert math.isnan(field[name])


def test_bootstrap_interval_is_the_order_statistics_interval() -> None:
    """For 25 values the classical 95 % interval of the median runs from the 8th to the 18th."""
    low, high = bootstrap_median(np.arange(1, 26, dtype=float))
    assert low == pytest.approx(8, abs=1.01)
    assert high == pytest.approx(18, abs=1.01)
    assert all(math.isnan(v) for v in bootstrap_median(np.array([3.0])))


def measure_labels(mask: np.ndarray) -> np.ndarray:
    """Number the pieces of a mask in the order of their rows."""
    labels = np.zeros(mask.shape, np.int32)
    table = measure_mask(mask)
    for k, y in enumerate(np.sort(table.centroid_y_px)):
        row = int(y)
        top = row
        while top and mask[top - 1].any():
            top -= 1
        bottom = row
        while bottom < mask.shape[0] and mask[bottom].any():
            bottom += 1
        labels[top:bottom][mask[top:bottom]] = k + 1
    return labels


def test_an_info_bar_is_no_part_of_the_field() -> None:
    """Rows 10 to 159 of 200 are the field: what meets row 159 is cut, a bar from row 10 to 159 percolates in y."""
    labels = np.zeros((200, 100), np.int32)
    labels[10:160, 40:50] = 1
    labels[30:50, 10:30] = 2
    labels[140:160, 60:80] = 3
    whole = measure(labels, (1.0, 1.0)).field
    assert (whole["percolates_y"], whole["foreground_fraction"]) == (False, 2300 / 20000)
    found = measure(labels, (1.0, 1.0), rows=slice(10, 160))
    assert found.field["percolates_y"] is True
    assert found.field["foreground_fraction"] == 2300 / 15000
    assert found.field["field_of_view_fraction"] == 0.75
    assert found.field["number_density_um2"] == pytest.approx(3 / (15000 / 1e6))
    domains = found.domains.set_index("domain")
    assert domains.touches_edge.tolist() == [True, False, True]
    assert domains.centroid_y_px.tolist() == [84.5, 39.5, 149.5]
    assert found.wires.start_y_px.min() >= 9
    assert found.wires.end_y_px.max() <= 160


def test_ratios_do_not_depend_on_the_shape_of_pixels() -> None:
    """Bars of 60 x 12 nm along x and along y, on pixels of 1 x 1 nm and of 2 x 1 nm."""
    square = np.zeros((240, 240), np.int32)
    for n, at in enumerate(range(20, 220, 80)):
        square[at : at + 12, 20:80] = 2 * n + 1
        square[at : at + 60, 120 + 30 * n : 132 + 30 * n] = 2 * n + 2
    names = (
        "relative_width",
        "relative_length_longest",
        "relative_skeleton_length",
        "width_spread",
        "end_points_per_side",
    )
    expected, found = measure(square, (1.0, 1.0)).field, measure(square[:, ::2].copy(), (2.0, 1.0)).field
    for name in names:
        assert found[name] == pytest.approx(expected[name], rel=0.05, abs=0.01), name
