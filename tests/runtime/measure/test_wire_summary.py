"""What a field says of its wires together, against wires of known length."""

import math

import numpy as np
import pytest

from nanomorph.measure import measure
from nanomorph.measure.wires.summary import whole_wires, wire_statistics
from nanomorph.measure.wires.wires import Columns


def _crossed() -> np.ndarray:
    """Label image (200, 400): a cross of two wires, 101 and 61 px long, and one of 50 px that the edge cuts."""
    labels = np.zeros((200, 400), np.int32)
    labels[97:104, 50:151] = 1
    labels[70:131, 97:104] = 1
    labels[20:27, 350:400] = 2
    return labels


def test_a_field_sums_up_wires_not_the_domains_that_they_cross_in() -> None:
    field = measure(_crossed(), (2.0, 2.0)).field
    assert field["n_domains"] == 2
    assert field["n_wires"] == 3
    assert field["n_whole_wires"] == 2
    assert field["wire_length_median_px"] == pytest.approx(81, abs=1.0)  # of 101 and 61
    assert field["wire_length_median_nm"] == pytest.approx(162, abs=2.0)
    assert field["wire_width_median_px"] == pytest.approx(7, abs=0.1)
    assert math.isnan(field["wire_length_ci_low_nm"])  # two say nothing of their median


def test_a_wire_weighs_by_its_chance_to_lie_inside() -> None:
    wires = measure(_crossed(), (2.0, 2.0)).wires.sort_values("length_px")
    cut, across, along = wires.itertuples()
    # Boxes of 101 x 7 and 7 x 61 px in a field of 400 x 200.
    assert along.edge_weight == pytest.approx(1 / ((400 - 102) / 400 * (200 - 8) / 200), rel=0.01)
    assert across.edge_weight == pytest.approx(1 / ((400 - 8) / 400 * (200 - 62) / 200), rel=0.01)
    assert math.isnan(cut.edge_weight)


def test_density_is_the_sum_of_weights_over_the_area() -> None:
    measured = measure(_crossed(), (2.0, 2.0))
    area_um2 = 400 * 200 * 4 / 1e6
    expected = measured.wires.edge_weight.sum() / area_um2
    assert measured.field["wire_density_weighted_um2"] == pytest.approx(expected)


@pytest.mark.parametrize(("edges", "median"), [("leave-out", 20.0), ("weight", 30.0), ("count", 25.0)])
def test_which_wires_count_is_that_of_domains(edges: str, median: float) -> None:
    """Of five: three whole ones of 10, 20 and 30, the last as heavy as the others together, one cut, one that ends on
    another."""
    wires = _wires([10, 20, 30, 500, 25], tips=[2, 2, 2, 2, 1], weight=[1, 1, 2.5, math.nan, 1])
    assert wire_statistics(wires, edges, math.nan)["wire_length_median_px"] == median


def test_the_usual_width_is_that_of_most_of_the_length() -> None:
    """One wire of 100 px and 9 wide, and three bits of 10 px and 3 wide."""
    wires = _wires([100, 10, 10, 10], tips=[2] * 4, weight=[1.0] * 4)
    wires["width_median_px"] = np.array([9.0, 3.0, 3.0, 3.0])
    assert wire_statistics(wires, "leave-out", math.nan)["wire_width_median_px"] == 9.0


def test_no_wires_have_no_length() -> None:
    found = wire_statistics(_wires([], tips=[], weight=[]), "leave-out", 1.0)
    assert found["n_whole_wires"] == found["wire_density_weighted_um2"] == 0
    assert math.isnan(found["wire_length_median_px"])
    assert not whole_wires(_wires([], tips=[], weight=[])).includes_edge


def _wires(length: list[float], tips: list[int], weight: list[float]) -> Columns:
    columns = {
        f"{name}_{unit}": np.array(length, float) for name in ("length", "width_median") for unit in ("px", "nm")
    }
    edge = np.isnan(np.array(weight, float))
    columns["end_to_end_px"] = columns["length_px"]
    return columns | {"n_tips": np.array(tips, int), "edge_weight": np.array(weight, float), "touches_edge": edge}


def _ring(radius: float, width: float) -> np.ndarray:
    y, x = np.mgrid[:200, :400] - 100.0
    return np.abs(np.hypot(x, y) - radius) <= width / 2


def test_a_ring_is_a_whole_wire_as_long_as_it_is_around() -> None:
    field = measure(_ring(50, 8).astype(np.int32), None).field
    assert field["n_whole_wires"] == 1
    assert field["wire_length_median_px"] == pytest.approx(2 * math.pi * 50, rel=0.01)


def test_a_ring_that_a_wire_crosses_closes_on_itself() -> None:
    labels = _ring(50, 8).astype(np.int32)
    labels[97:104, 20:301] = 1
    ring, wire = measure(labels, None).wires.sort_values("n_tips").itertuples()
    assert ring.length_px == pytest.approx(2 * math.pi * 50, rel=0.02)
    assert (ring.end_to_end_px, ring.n_crossings, ring.n_tips) == (pytest.approx(0), 2, 0)
    assert (wire.length_px, wire.n_crossings, wire.n_tips) == (pytest.approx(281, abs=2), 2, 2)


def test_of_crossed_wires_the_one_that_ends_at_a_burnt_in_bar_is_cut() -> None:
    """Two wires, 101 and 61 px long; the longer one ends where a bar begins."""
    bar = np.zeros((200, 400), bool)
    bar[80:120, 151:200] = True
    measured = measure(_crossed(), (2.0, 2.0), burnt_in=bar)
    assert measured.wires.sort_values("length_px").touches_edge.tolist() == [True, False, True]
    assert measured.field["wire_length_median_px"] == pytest.approx(61, abs=1.0)
