"""Scores of two phases on masks whose chords can be counted."""

from __future__ import annotations

import numpy as np
import pytest

from nanomorph_benchmarks.two_phases import as_markdown, error_spread, lesser_phase, sizes


def stripes(width: int, gap: int, side: int) -> np.ndarray:
    return np.tile(np.arange(side) % (width + gap) < width, (side, 1))


def test_the_lesser_phase_is_the_one_that_covers_less() -> None:
    mask = stripes(14, 6, 200)
    assert lesser_phase(mask).mean() == pytest.approx(0.3)
    assert np.array_equal(lesser_phase(~mask), ~mask)


def test_sizes_of_turned_phases_change_places() -> None:
    mask = stripes(8, 12, 200)
    found, turned = sizes(mask), sizes(~mask)
    assert found["thickness"] == pytest.approx(turned["mesh size"], rel=0.02)
    assert found["mesh size"] == pytest.approx(1.5 * found["thickness"], rel=0.1)


def test_errors_of_fields_without_a_phase_are_counted_out() -> None:
    spread = error_spread([0.1, float("nan"), -0.1, 0.3, float("inf")])
    assert spread["n"] == 3
    assert spread["median"] == pytest.approx(0.1)
    assert error_spread([])["n"] == 0


def test_the_table_names_everything() -> None:
    row = {
        "dice": {"value": 0.9, "low": 0.8, "high": 0.95, "n": 60},
        "errors": {name: {"median": -0.02, "low": -0.05, "high": 0.01, "n": 60} for name in ("thickness", "mesh size")},
    }
    text = as_markdown({"kinds": {"grid": {"nanomorph": row}}})
    assert "| grid (n 60) | nanomorph | 0.900 [0.800, 0.950] | -2.0% [-5.0%, +1.0%] | -2.0% [-5.0%, +1.0%] |" in text
