"""Paths given as points: length, bending and stiffness that can be worked out by hand."""

import numpy as np
import pytest

from nanomorph.measure.ragged import Ragged
from nanomorph.measure.wires import bending, paths


def arc(radius: float, turning: float) -> np.ndarray:
    t = np.linspace(0, turning, int(radius * turning) + 1)
    return radius * np.stack([np.cos(t), np.sin(t)], axis=1)


def worm(persistence: float, length: int, seed: int) -> np.ndarray:
    """A worm-like chain in the plane: the variance of its direction grows by 1 / P per px."""
    turns = np.random.default_rng(seed).normal(0, persistence**-0.5, length)
    theta = np.cumsum(turns)
    return np.cumsum(np.stack([np.cos(theta), np.sin(theta)], axis=1), axis=0)


def test_smoothing_keeps_straight_lines_and_ends() -> None:
    lines = Ragged.of([np.stack([np.arange(30.0), 2 * np.arange(30.0)], axis=1), np.array([[0.0, 0.0], [3.0, 1.0]])])
    assert paths.smooth(lines).values == pytest.approx(lines.values)


def test_an_arc_has_its_length_chord_and_curvature() -> None:
    both = Ragged.of([arc(50, np.pi), arc(200, 1.0)])
    assert paths.lengths(both) == pytest.approx([50 * np.pi, 200], rel=1e-3)
    assert paths.end_to_end(both) == pytest.approx([100, 400 * np.sin(0.5)], rel=1e-3)
    assert bending.curvature(both, np.array([8.0, 8.0])) == pytest.approx([1 / 50, 1 / 200], rel=0.01)


def test_a_straight_path_has_no_curvature_and_too_much_stiffness_to_tell() -> None:
    line = Ragged.of([np.stack([np.arange(200.0), np.zeros(200)], axis=1)])
    assert bending.curvature(line, np.array([8.0]))[0] == pytest.approx(0, abs=1e-9)
    assert np.isnan(bending.persistence_lengths(line)[0])


@pytest.mark.parametrize("persistence", [60.0, 200.0])
def test_persistence_length_of_many_chains_is_that_they_were_drawn_with(persistence: float) -> None:
    chains = Ragged.of([worm(persistence, 300, seed) for seed in range(200)])
    assert bending.persistence_length(chains) == pytest.approx(persistence, rel=0.12)
    assert np.nanmedian(bending.persistence_lengths(chains)) == pytest.approx(persistence, rel=0.5)


def test_no_last_bit_decides_how_stiff_a_path_is() -> None:
    """Separations are shares of a path's length, often half a spacing: moved elsewhere they were one more or less."""
    for seed in range(40):
        chain = worm(100.0, 60 + seed, seed)
        here, there = (bending.persistence_lengths(Ragged.of([chain + shift]))[0] for shift in (0.0, 1 / 3))
        assert here == pytest.approx(there, rel=1e-6, nan_ok=True)


def test_a_long_path_is_as_stiff_by_a_few_of_its_tangents_as_by_all(monkeypatch: pytest.MonkeyPatch) -> None:
    turns = np.cumsum(np.random.default_rng(5).normal(0, 0.1, 4000))
    walk = Ragged.of([np.cumsum(np.stack([np.cos(turns), np.sin(turns)], axis=1), axis=0)])
    few = bending.persistence_lengths(walk)[0]
    monkeypatch.setattr(bending, "ENOUGH_TANGENTS", len(turns))
    assert few == pytest.approx(bending.persistence_lengths(walk)[0], rel=0.02)
