"""Textures of large fields: thin strands, thin walls and rare material are not blurred away."""

import math

import numpy as np
import pytest

from nanomorph.measure.textures.scales import REDUCED, WINDOWS, coarsened, reduced, resolved
from nanomorph.measure.textures.texture import Texture, measure_texture

SIDE = 4 * REDUCED
SQUARE = (1.0, 1.0)


def grid(pitch: int, wall: int, side: int = SIDE) -> np.ndarray:
    """Walls around square pores, at 0 and 90 degrees; int32 (side, side)."""
    at = np.arange(side) % pitch < wall
    return (at[:, None] | at[None, :]).astype(np.int32)


def thickness(texture: Texture, phase: str) -> float:
    return texture.sizes[f"local_thickness_{phase}"].quantiles[2]


@pytest.mark.parametrize("wall", [2, 4, 12])
def test_walls_are_as_thick_and_pores_as_wide_as_they_are_drawn(wall: int) -> None:
    """Walls of 2 px are half a pixel where the field is reduced: they used to vanish, and the pores with them."""
    texture = measure_texture(grid(96, wall), SQUARE)
    assert thickness(texture, "foreground") == pytest.approx(wall, rel=0.12)
    assert thickness(texture, "background") == pytest.approx(96 - wall, rel=0.1)


def test_thin_pores_in_much_material() -> None:
    texture = measure_texture(1 - grid(96, 4), SQUARE)
    assert thickness(texture, "background") == pytest.approx(4, abs=0.5)
    assert thickness(texture, "foreground") == pytest.approx(92, rel=0.1)


def test_a_rare_strand_is_found_wherever_it_lies() -> None:
    field = np.zeros((SIDE, SIDE), np.int32)
    field[1200:1205, 900:1400] = 1
    texture = measure_texture(field, SQUARE)
    assert thickness(texture, "foreground") == pytest.approx(5, abs=0.1)
    assert texture.correlation < 10


def test_oblong_pixels_have_the_texture_of_square_ones() -> None:
    """Stripes of 6 sides, every second row of them recorded."""
    stripes = np.tile((np.arange(SIDE) % 48 < 6).astype(np.int32), (SIDE, 1))
    square, oblong = measure_texture(stripes, SQUARE), measure_texture(stripes[::2].copy(), (1.0, 2.0))
    for phase in ("foreground", "background"):
        assert thickness(oblong, phase) == pytest.approx(thickness(square, phase), rel=0.05)
    assert oblong.correlation == pytest.approx(square.correlation, rel=0.05)


def test_windows_follow_the_material() -> None:
    """Three quarters of it in one place, one in another: three windows there, one here."""
    mask = np.zeros((SIDE, SIDE), np.uint8)
    mask[:30, :30] = 1
    mask[-30:, -10:] = 1
    windows = resolved(mask, SQUARE, reduced(mask), 1, 1.0)
    assert [int(window.fractions.sum()) for window in windows] == [900, 900, 900, 300]
    assert len(windows) == WINDOWS
    assert {window.size for window in windows} == {1.0}


def test_a_field_that_is_fine_enough_is_taken_whole() -> None:
    mask = grid(96, 12).astype(np.uint8)
    whole = reduced(mask)
    assert whole.fractions.shape == (REDUCED, REDUCED)
    assert resolved(mask, SQUARE, whole, 1, 4.0) == (whole,)


def test_what_is_large_is_looked_at_on_coarse_pixels() -> None:
    """A wall of 8 px is two thirds of a pixel there, and still parts the pores."""
    whole = reduced(grid(480, 8).astype(np.uint8))
    coarse = coarsened(whole, 100.0)
    assert coarse.fractions.shape == (128, 128)
    assert coarse.size == 3 * whole.size == 12.0
    assert coarse.fractions.sum() * 9 == pytest.approx(whole.fractions.sum())
    assert coarsened(whole, 7.9) is whole
    texture = measure_texture(grid(480, 8), SQUARE)
    assert thickness(texture, "background") == pytest.approx(472, rel=0.03)
    assert thickness(texture, "foreground") == pytest.approx(8, rel=0.12)


def test_one_phase_alone_has_no_texture() -> None:
    for field in (np.zeros((50, 60), np.int32), np.ones((50, 60), np.int32)):
        texture = measure_texture(field, SQUARE)
        assert math.isnan(texture.correlation)
        assert all(math.isnan(thickness(texture, phase)) for phase in ("foreground", "background"))
