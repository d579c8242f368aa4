"""Straight wires of known size, drawn exactly: a pixel belongs to a wire when its centre lies inside."""

import cv2
import numpy as np
import pytest

from nanomorph.measure import measure, measure_mask
from nanomorph.measure.ragged import Ragged
from nanomorph.measure.wires import bending

# Not multiples of 45 degrees: there whole rows of pixels enter and leave the mask at once, and the mask itself
# is up to 0.7 px off the width it was drawn with.
ANGLES = (0, 7, 22.5, 30, 52, 67.5, 83, 90, 112.5, 128, 150, 173)


def bar(length: float, width: float, deg: float, offset: tuple[float, float] = (0.23, -0.31)) -> np.ndarray:
    """Mask of a straight wire with square ends; `deg` counterclockwise from +x, y pointing down."""
    side = int(length + width) + 12
    y, x = np.mgrid[:side, :side] - side / 2
    t = np.deg2rad(deg)
    x, y = x - offset[0], y - offset[1]
    along, across = x * np.cos(t) - y * np.sin(t), x * np.sin(t) + y * np.cos(t)
    return (np.abs(along) <= length / 2) & (np.abs(across) <= width / 2)


@pytest.mark.parametrize("width", [4, 5, 8, 13, 20, 32])
def test_straight_wire_has_its_width_length_area_and_orientation(width: int) -> None:
    length = max(150, 6 * width)
    rows = [measure_mask(bar(length, width, deg)).iloc[0] for deg in ANGLES]
    width_error = np.array([row.width_median_px for row in rows]) - width
    length_error = np.array([row.length_px for row in rows]) / length - 1
    turn = np.array([row.orientation_deg for row in rows]) - ANGLES
    assert np.abs(width_error).max() <= 0.2
    assert np.abs(width_error.mean()) <= 0.1
    assert np.abs(length_error).max() <= 0.01
    assert np.abs((turn + 90) % 180 - 90).max() <= 0.1
    assert np.array([row.area_px for row in rows]) == pytest.approx(length * width, rel=0.01)
    assert all(row.n_branch_points == 0 and row.n_end_points == 2 for row in rows)


def test_width_agrees_with_area_per_length_where_pixels_line_up_with_the_wire() -> None:
    for width in (6, 8, 24):
        row = measure_mask(bar(200, width, 45)).iloc[0]
        assert row.width_median_px == pytest.approx(row.area_px / 200, abs=0.2)


def test_nm_follow_px() -> None:
    row = measure_mask(bar(120, 10, 30), nm_per_px=0.5).iloc[0]
    assert row.width_median_nm == pytest.approx(row.width_median_px / 2)
    assert row.length_nm == pytest.approx(row.length_px / 2)
    assert row.area_nm2 == pytest.approx(row.area_px / 4)
    assert row.ecd_nm == pytest.approx(row.ecd_px / 2)


def test_oblong_pixels_a_wire_drawn_in_nm_is_measured_in_nm() -> None:
    nm_per_px, deg, length, width = (2.0, 1.0), 30.0, 240.0, 24.0
    y, x = np.mgrid[:220, :140].astype(float)
    x, y = (x - 70.2) * nm_per_px[0], (y - 110.3) * nm_per_px[1]
    t = np.deg2rad(deg)
    along, across = x * np.cos(t) - y * np.sin(t), x * np.sin(t) + y * np.cos(t)
    row = measure_mask((np.abs(along) <= length / 2) & (np.abs(across) <= width / 2), nm_per_px).iloc[0]
    assert row.width_median_nm == pytest.approx(width, abs=0.4)
    assert row.length_nm == pytest.approx(length, rel=0.01)
    assert row.orientation_deg == pytest.approx(deg, abs=0.5)
    assert row.area_nm2 == pytest.approx(length * width, rel=0.01)
    # On the recorded pixels it is as long as the stretched wire looks.
    assert row.length_px == pytest.approx(length * np.hypot(np.cos(t) / 2, np.sin(t)), rel=0.02)


def test_ring_is_as_wide_as_its_wall_and_has_a_hole() -> None:
    y, x = np.mgrid[:121, :121] - 60.0
    radius = np.hypot(x, y)
    row = measure_mask((radius <= 50) & (radius >= 40)).iloc[0]
    assert row.width_median_px == pytest.approx(10, abs=0.2)
    assert row.skeleton_length_px == pytest.approx(2 * np.pi * 45, rel=0.01)
    assert (row.n_holes, row.n_end_points, row.n_branch_points) == (1, 0, 0)


def test_arc_is_measured_along_itself() -> None:
    y, x = np.mgrid[:140, :140] - [[[119.6]], [[69.7]]]
    inside = (np.abs(np.hypot(x, y) - 60) <= 4) & (y < 0)
    row = measure_mask(inside).iloc[0]
    assert row.length_px == pytest.approx(np.pi * 60, rel=0.01)
    assert row.end_to_end_px == pytest.approx(120, abs=2.5)
    assert row.tortuosity == pytest.approx(np.pi / 2, rel=0.02)


def test_y_has_one_branching_and_three_ends() -> None:
    y, x = np.mgrid[:201, :201] - 100.0
    arms = [np.deg2rad(a) for a in (90, 210, 330)]
    inside = np.zeros(x.shape, bool)
    for t in arms:
        along, across = x * np.cos(t) - y * np.sin(t), x * np.sin(t) + y * np.cos(t)
        inside |= (np.abs(across) <= 4) & (along >= 0) & (along <= 80)
    row = measure_mask(inside).iloc[0]
    assert (row.n_branch_points, row.n_end_points) == (1, 3)
    assert row.width_median_px == pytest.approx(8, abs=0.25)
    assert row.length_px == pytest.approx(160, rel=0.03)


@pytest.mark.parametrize("size", [(1, 1), (1, 2), (2, 2), (1, 9), (3, 3), (2, 7)])
def test_tiny_domains_are_measured_too(size: tuple[int, int]) -> None:
    mask = np.zeros((20, 20), bool)
    mask[5 : 5 + size[0], 6 : 6 + size[1]] = True
    row = measure_mask(mask, 1.0).iloc[0]
    # A bare mask has no probability to be unsure about, and what is no wire has no stiffness.
    unknown = row.index[row.index.str.contains("_low|_high|persistence|contrast")]
    assert row[unknown].isna().all()
    assert np.isfinite(row.drop(unknown).to_numpy(float)).all()
    assert row.area_px == size[0] * size[1]
    assert (row.centroid_x_px, row.centroid_y_px) == (5.5 + size[1] / 2, 4.5 + size[0] / 2)
    assert row.width_median_px == pytest.approx(size[0], abs=1.0)


def test_a_small_domain_far_away_changes_nothing_of_a_large_one() -> None:
    """The skeletons of all domains are searched together; a small one once came to lie within a large one's place."""
    large, small = np.zeros((2, 400, 640), bool)
    large[10:40, 10:610] = True
    small[300:310, 300:360] = True
    for one, other in ((large, small), (large[::-1], small[::-1])):
        together = measure_mask(one | other).sort_values("area_px")
        for row, alone in zip(together.itertuples(), (measure_mask(other), measure_mask(one)), strict=True):
            for name in ("width_median_px", "width_sd_px", "width_min_px", "width_max_px", "length_px"):
                assert getattr(row, name) == pytest.approx(alone[name][0], abs=1e-6), name
    assert together.width_sd_px.to_numpy() == pytest.approx([0, 0], abs=1e-6)
    assert together.width_min_px.to_numpy() == pytest.approx([10, 30], abs=1e-6)


@pytest.mark.parametrize(("width", "length"), [(2.5, 18), (2.5, 25), (3.5, 18), (3.5, 60)])
def test_a_thin_wire_is_as_long_as_the_domain_that_it_is(width: float, length: int) -> None:
    """From a point in it the outline is nearer at its side than at its tip, towards which a wire goes on."""
    rng = np.random.default_rng(1)
    y, x = np.mgrid[:80, :80]
    alone = []
    for _ in range(20):
        turn, cx, cy = rng.uniform(0, np.pi), *rng.uniform(39.5, 40.5, 2)
        along = np.abs((x - cx) * np.cos(turn) - (y - cy) * np.sin(turn))
        across = (x - cx) * np.sin(turn) + (y - cy) * np.cos(turn)
        rod = np.hypot(np.maximum(along - (length - width) / 2, 0), across) <= width / 2
        measured = measure(rod.astype(np.int32), (1.0, 1.0))
        alone.append((measured.wires.length_px.iloc[0], measured.domains.length_px.iloc[0]))
    of_wire, of_domain = np.array(alone).T
    assert np.abs(of_wire - of_domain).max() <= 1
    assert np.abs(of_wire - length).max() <= 0.1 * length


def test_stiffness_of_thick_wires_is_that_of_their_axes() -> None:
    """Thirty worm-like chains, P 200 px, 300 px long, drawn 24 px wide: straight towards the tips is not stiff."""
    rng = np.random.default_rng(3)
    axes = []
    field = np.zeros((6 * 480, 5 * 480), np.int32)
    for k in range(30):
        turns = np.cumsum(rng.normal(0, 200**-0.5, 300)) + rng.uniform(0, 2 * np.pi)
        axis = np.cumsum(np.stack([np.cos(turns), np.sin(turns)], axis=1), axis=0)
        axis += np.array([240.0 + 480 * (k % 5), 240.0 + 480 * (k // 5)]) - (axis.max(axis=0) + axis.min(axis=0)) / 2
        axes.append(axis)
        cv2.polylines(field, [np.rint(axis * 16).astype(np.int32)], False, k + 1, 24, cv2.LINE_8, 4)
    measured = measure(field, (1.0, 1.0))
    found = measured.wires.groupby("domain").persistence_length_px.first()
    truth = bending.persistence_lengths(Ragged.of(axes))
    assert measured.field["persistence_length_px"] == pytest.approx(
        bending.persistence_length(Ragged.of(axes)), rel=0.1
    )
    assert np.nanmedian(found / truth[found.index - 1]) == pytest.approx(1, abs=0.1)
    of_domains = measured.domains.set_index("domain").persistence_length_px
    assert np.nanmedian(of_domains[found.index] / found) == pytest.approx(1, abs=0.15)
