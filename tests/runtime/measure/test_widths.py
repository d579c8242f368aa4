"""Widths along large skeletons, of which every third point is measured, beside those of all their points."""

import numpy as np
import pytest

from nanomorph.measure import measure
from nanomorph.measure.wires import widths


def _crossed_rings() -> np.ndarray:
    """Label image (400, 400): a ring 9 px wide of radius 150 px and a straight wire 13 px wide across it."""
    y, x = np.mgrid[:400, :400] - 200.3
    ring = np.abs(np.hypot(x, y) - 150) <= 4.5
    return (ring | ((np.abs(x * 0.8 + y * 0.6) <= 190) & (np.abs(y * 0.8 - x * 0.6) <= 6.5))).astype(np.int32)


def test_every_third_point_tells_the_same_widths_and_lengths(monkeypatch: pytest.MonkeyPatch) -> None:
    every = measure(_crossed_rings(), None).wires.sort_values("length_px")
    monkeypatch.setattr(widths, "MANY", 100)
    third = measure(_crossed_rings(), None).wires.sort_values("length_px")
    assert third.width_median_px.to_numpy() == pytest.approx([13, 9], abs=0.15)
    assert third.length_px.to_numpy() == pytest.approx(every.length_px.to_numpy(), rel=1e-3)
    assert third.width_mean_px.to_numpy() == pytest.approx(every.width_mean_px.to_numpy(), abs=0.05)
    assert third.width_sd_px.to_numpy() == pytest.approx(every.width_sd_px.to_numpy(), abs=0.05)


def test_the_middle_between_measured_points_lies_on_a_line(monkeypatch: pytest.MonkeyPatch) -> None:
    """A straight wire: its path stays within a tenth of a pixel of its middle line."""
    monkeypatch.setattr(widths, "MANY", 10)
    bar = np.zeros((40, 200), np.int32)
    bar[15:23, 20:180] = 1
    wire = measure(bar, None).wires.iloc[0]
    assert (wire.start_y_px, wire.end_y_px) == (pytest.approx(18.5, abs=0.1), pytest.approx(18.5, abs=0.1))
    assert wire.length_px == pytest.approx(160, abs=0.5)
    assert wire.tortuosity == pytest.approx(1, abs=1e-3)
