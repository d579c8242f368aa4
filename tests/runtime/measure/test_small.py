"""Small, thick, ragged and closed domains: what a reader would measure with a ruler, whatever their pose."""

import math

import numpy as np
import pytest

from nanomorph.measure import Doubt, measure, measure_mask
from nanomorph.measure.fields import _weighted


def bar(height: int, width: int) -> np.ndarray:
    """A level bar in the middle of nothing, int32."""
    return np.pad(np.ones((height, width), np.int32), 20)


def ring(radius: float, width: float) -> np.ndarray:
    side = int(radius + width + 4)
    y, x = np.mgrid[-side : side + 1, -side : side + 1]
    return (np.abs(np.hypot(x, y) - radius) < width / 2).astype(np.int32)


@pytest.mark.parametrize(("height", "width"), [(1, 20), (1, 60), (2, 20), (2, 40), (3, 12), (3, 30), (3, 34)])
def test_a_wire_of_few_pixels_ends_where_its_domain_does(height, width):
    """Below 100 px outlines are traced on a finer grid (wires of them were up to 8 px too long)."""
    measured = measure(bar(height, width), None)
    assert measured.domain_table["length_px"] == pytest.approx(width, abs=0.8)
    assert measured.wire_table["length_px"] == pytest.approx(width, abs=0.8)
    ends = sorted(measured.wire_table[f"{end}_x_px"][0] for end in ("start", "end"))
    assert ends == pytest.approx([19.5, 19.5 + width], abs=0.6)


@pytest.mark.parametrize("width", range(1, 10))
def test_the_inscribed_circle_of_a_bar_is_as_wide_as_the_bar(width):
    for mask in (bar(width, 60), bar(60, width)):
        assert measure(mask, None).domain_table["inscribed_diameter_px"] == pytest.approx(width, abs=0.35)


@pytest.mark.parametrize(("radius", "width"), [(20, 3), (30, 5), (55, 10), (80, 12)])
def test_a_ring_has_no_tips_and_the_length_of_its_circle(radius, width):
    measured = measure(ring(radius, width), None)
    (length,), wires = measured.wire_table["length_px"], measured.wire_table
    assert length == pytest.approx(2 * math.pi * radius, rel=0.01)
    assert wires["n_tips"] == [0]
    assert wires["end_to_end_px"] == pytest.approx(0, abs=1e-6)
    assert np.isnan(wires["tortuosity"]).all()
    # The longest way through a ring that is no detour is half of it.
    assert measured.domain_table["length_px"] == pytest.approx(math.pi * radius, rel=0.02)


def triangle(angles: tuple[int, int, int], radius: float, turned: float) -> np.ndarray:
    """A triangle of these angles (degrees), whose largest inscribed circle has a radius, turned by so many degrees."""
    side = math.ceil(8 * radius)
    y, x = np.mgrid[-side : side + 1, -side : side + 1]
    # Each side lies at the circle, and turns from the last by what the angle between them lacks of 180 degrees.
    normals = np.deg2rad(turned + np.cumsum([180 - angle for angle in angles]))
    return np.max([x * np.cos(n) + y * np.sin(n) for n in normals], axis=0) <= radius


@pytest.mark.parametrize("angles", [(60, 60, 60), (90, 45, 45), (90, 60, 30)])
@pytest.mark.parametrize("radius", [5, 8, 12, 30])
def test_a_triangle_is_as_wide_as_its_circle_and_no_wire(angles, radius):
    """The middle line of one runs out into its corners: they came out half as wide, and every second was a wire."""
    for turned in range(0, 120, 17):
        found = measure_mask(triangle(angles, radius, turned)).iloc[0]
        assert found["width_median_px"] == pytest.approx(2 * radius, rel=0.12)
        assert found["n_wires"] == 0


@pytest.mark.parametrize("width", [8, 12, 20, 60])
def test_a_bar_twice_as_long_as_wide_is_as_wide_as_drawn_and_no_wire(width):
    side = 2 * width
    y, x = np.mgrid[-side : side + 1, -side : side + 1]
    for deg in range(0, 180, 19):
        along, across = x * math.cos(math.radians(deg)), y * math.sin(math.radians(deg))
        beside = y * math.cos(math.radians(deg)) - x * math.sin(math.radians(deg))
        found = measure_mask((np.abs(along + across) <= width) & (np.abs(beside) <= width / 2)).iloc[0]
        assert found["width_median_px"] == pytest.approx(width, abs=1.2)
        assert found["n_wires"] == 0


def warty() -> np.ndarray:
    """A disc of 24 px diameter with a bristle 2 px wide and 12 px long."""
    y, x = np.mgrid[-20:21, -30:31]
    return (np.hypot(x, y) <= 12) | ((x >= 0) & (x < 24) & (y >= 0) & (y < 2))


def test_a_bristle_does_not_make_a_particle_a_thin_wire():
    for pose in (warty(), np.rot90(warty()), warty()[:, ::-1], warty().T):
        found = measure_mask(pose).iloc[0]
        assert found["width_median_px"] == pytest.approx(24, abs=1.5)
        assert found["n_wires"] == 0


@pytest.mark.parametrize(
    "rows",
    ["#.|##", "#.|.#", "...##..|#####..|####...|.###...|.##....", ".###|##.#|#.##|##.."],
)
def test_bits_of_some_pixels_have_a_length(rows):
    mask = np.array([[cell == "#" for cell in row] for row in rows.split("|")])
    found = measure_mask(np.pad(mask, 3))
    assert (found["length_px"] >= 0.5 * found["feret_max_px"]).all()
    assert np.isfinite(found["width_median_px"]).all()


@pytest.mark.parametrize("side", [3, 4, 5, 6, 10])
def test_a_checkerboard_is_measured(side):
    """All of its skeleton is junctions: there is no wire in it."""
    board = np.indices((side, side)).sum(axis=0) % 2 == 0
    found = measure_mask(np.pad(board, 2))
    assert found["area_px"].tolist() == [board.sum()]


@pytest.mark.parametrize("shape", [(1, 30), (30, 1), (2, 30)])
def test_a_frame_of_one_row_is_measured(shape):
    mask = np.zeros(shape, bool)
    mask.ravel()[5:12] = True
    assert measure_mask(mask)["area_px"].tolist() == [7]


def test_a_wire_beside_the_edge_touches_it_only_where_its_domain_does():
    for first_column, touches in ((0, True), (1, False)):
        mask = np.zeros((100, 60), np.int32)
        mask[20:80, first_column:5] = 1
        measured = measure(mask, None)
        assert measured.domain_table["touches_edge"] == [touches]
        assert measured.wire_table["touches_edge"] == [touches]


def test_a_domain_without_a_value_does_not_empty_the_mean_of_its_field():
    assert _weighted(np.array([math.nan, 2.0, 1.0, 9.0]), np.array([5.0, 1.0, 3.0, 0.0])) == pytest.approx(1.25)
    assert math.isnan(_weighted(np.array([math.nan]), np.array([1.0])))
    assert math.isnan(_weighted(np.array([2.0]), np.array([0.0])))


def test_oblong_pixels_stretch_by_their_factor_not_to_whole_pixels():
    """A disc of 40 px radius in square nm, recorded with pixels 1.08 times as wide as high, is round again."""
    y, x = np.mgrid[-50:51, -50:51]
    found = measure((np.hypot(1.08 * x, y) <= 40).astype(np.int32), (1.08, 1.0)).domain_table
    assert found["aspect_ratio"] == pytest.approx(1, abs=0.03)
    assert found["feret_max_nm"] == pytest.approx(80, abs=1.5)
    assert found["feret_min_nm"] == pytest.approx(80, abs=1.5)


@pytest.mark.parametrize("factor", [1.0, 2.0, 3.0])
def test_intervals_do_not_depend_on_how_wide_pixels_are(factor):
    """An upright wire 24 nm wide, unsure over 4 nm on either side, recorded with pixels 1, 2 and 3 nm wide."""
    x = (np.arange(round(120 / factor)) + 0.5) * factor - 60
    foreground = np.tile(np.clip(0.5 + (12 - np.abs(x)) / 8, 0, 1), (200, 1)).astype(np.float32)
    mask = (foreground >= 0.5).astype(np.int32)
    found = measure(mask, (factor, 1.0), doubt=Doubt.of(foreground, 0.5)).domain_table
    for end, sign in (("low", -1), ("high", 1)):
        moved = found[f"width_{end}_nm"] - found["width_median_nm"]
        assert moved == pytest.approx(sign * 4, abs=2 * factor)
        assert sign * moved >= 2


def test_masks_without_pixels_or_of_huge_numbers_are_refused():
    with pytest.raises(ValueError, match="a mask has pixels"):
        measure_mask(np.zeros((0, 5), bool))
    with pytest.raises(ValueError, match="numbered up to 2147483647: found 3000000000"):
        measure_mask(np.array([[0, 3_000_000_000]], np.uint32))
