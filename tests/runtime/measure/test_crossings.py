"""Crossed wires drawn exactly: each is found, with its own length and width, however many lie on one another."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from nanomorph.measure import measure
from nanomorph.measure.domains import measure_domains
from nanomorph.measure.skeletons.branches import FREE, decompose
from nanomorph.measure.skeletons.skeleton import Skeleton
from nanomorph.measure.wires.arms import END, Arms, arms_of, trims
from nanomorph.measure.wires.pairs import Pairs, along_gaps, candidates, match, pair_cost, within

SIDE = 360


def bar(deg: float, width: float, length: float = 280, centre: tuple[float, float] = (180.2, 179.7)) -> np.ndarray:
    y, x = np.mgrid[:SIDE, :SIDE].astype(float)
    t = np.deg2rad(deg)
    x, y = x - centre[0], y - centre[1]
    along, across = x * np.cos(t) - y * np.sin(t), x * np.sin(t) + y * np.cos(t)
    return (np.abs(along) <= length / 2) & (np.abs(across) <= width / 2)


def wires(mask: np.ndarray):
    return measure(mask.astype(np.int32), (0.5, 0.5)).wires


@pytest.mark.parametrize("angle", [20, 40, 60, 90])
@pytest.mark.parametrize("widths", [(8, 8), (8, 16), (20, 20)])
def test_two_crossed_wires_are_two_wires(angle: float, widths: tuple[int, int]) -> None:
    found = wires(bar(7, widths[0]) | bar(7 + angle, widths[1])).sort_values("orientation_deg")
    assert len(found) == 2
    assert found.domain.tolist() == [1, 1]
    assert found.n_tips.tolist() == [2, 2]
    assert found.orientation_deg.to_numpy() == pytest.approx([7, 7 + angle], abs=1.5)
    assert found.length_px.to_numpy() == pytest.approx([280, 280], rel=0.02)
    assert found.width_median_px.to_numpy() == pytest.approx(widths, abs=0.4)
    assert found.length_nm.to_numpy() == pytest.approx(found.length_px.to_numpy() / 2)


def test_thin_wires_at_ten_degrees_are_two_wires() -> None:
    found = wires(bar(7, 6) | bar(17, 6)).sort_values("orientation_deg")
    assert found.orientation_deg.to_numpy() == pytest.approx([7, 17], abs=1.5)
    assert found.n_tips.tolist() == [2, 2]


@pytest.mark.parametrize("angle", [40, 50, 90])
def test_a_thin_wire_across_a_thick_one_is_one_wire(angle: float) -> None:
    """Thinned as coarsely as the thick one allows, the thin one was a zigzag of blocks and ended at the crossing."""
    found = wires(bar(7, 60, 340) | bar(7 + angle, 4)).sort_values("width_median_px")
    assert found.n_tips.tolist() == [2, 2]
    assert found.orientation_deg.to_numpy() == pytest.approx([7 + angle, 7], abs=1.5)
    assert found.width_median_px.to_numpy() == pytest.approx([4, 60], abs=0.5)
    assert found.length_px.to_numpy() == pytest.approx([280, 340], rel=0.02)


def test_three_wires_through_one_point_are_three() -> None:
    found = wires(bar(10, 6) | bar(70, 6) | bar(130, 6))
    assert sorted(found.orientation_deg.round()) == pytest.approx([10, 70, 130], abs=2)
    assert found.n_crossings.tolist() == [1, 1, 1]


def test_a_wire_that_ends_on_another_is_its_own_and_has_one_tip() -> None:
    found = wires(bar(0, 8) | bar(90, 8, 140, (180.2, 110.0))).sort_values("length_px")
    assert found.n_tips.tolist() == [1, 2]
    assert found.length_px.to_numpy() == pytest.approx([140, 280], abs=5)


def test_a_grid_is_the_lines_it_was_drawn_with() -> None:
    mask = np.zeros((SIDE, SIDE), bool)
    for k in range(40, SIDE - 20, 60):
        mask |= bar(0, 6, 320, (180.2, k)) | bar(90, 6, 320, (k, 180.2))
    found = wires(mask)
    assert len(found) == 10
    assert found.length_px.to_numpy() == pytest.approx(np.full(10, 320), rel=0.01)
    assert (found.n_crossings == 5).all()


def test_a_lone_wire_is_as_long_as_its_domain_and_a_disc_is_no_wire() -> None:
    result = measure(bar(33, 9).astype(np.int32), (1.0, 1.0))
    assert result.wires.length_px[0] == pytest.approx(result.domains.length_px[0], rel=0.003)
    assert result.wires.width_median_px[0] == pytest.approx(result.domains.width_median_px[0], abs=0.05)
    y, x = np.mgrid[:80, :80] - 40.3
    assert measure((np.hypot(x, y) < 30).astype(np.int32), None).wires.empty


def test_a_branching_network_is_not_joined_round_a_corner() -> None:
    """Three arms at 120 degrees: none goes on straight, so each is a wire of its own or one bends by 60 degrees."""
    y, x = np.mgrid[:SIDE, :SIDE] - 180.0
    mask = np.zeros((SIDE, SIDE), bool)
    for t in np.deg2rad([90, 210, 330]):
        along, across = x * np.cos(t) - y * np.sin(t), x * np.sin(t) + y * np.cos(t)
        mask |= (np.abs(across) <= 4) & (along >= 0) & (along <= 120)
    assert wires(mask).n_crossings.max() <= 1


def test_pixels_that_are_not_square_give_lengths_in_nm_as_drawn() -> None:
    y, x = np.mgrid[:240, :160].astype(float)
    x, y, t = (x - 80.2) * 2.0, y - 120.3, np.deg2rad(30)
    cross = np.zeros(x.shape, bool)
    for turn in (t, t + np.pi / 2):
        along, across = x * np.cos(turn) - y * np.sin(turn), x * np.sin(turn) + y * np.cos(turn)
        cross |= (np.abs(along) <= 100) & (np.abs(across) <= 7)
    found = measure(cross.astype(np.int32), (2.0, 1.0)).wires.sort_values("orientation_deg")
    assert found.length_nm.to_numpy() == pytest.approx([200, 200], rel=0.02)
    assert found.width_median_nm.to_numpy() == pytest.approx([14, 14], abs=0.5)
    # A wire at 30 degrees from x: half as many px along x as nm.
    assert found.length_px.to_numpy()[0] == pytest.approx(200 * np.hypot(np.cos(t) / 2, np.sin(t)), rel=0.02)


def test_a_path_lies_in_the_middle_of_its_wire_however_coarsely_it_was_thinned() -> None:
    """A lone bar of 42 px is thinned at a fifth of the scale."""
    with ThreadPoolExecutor(1) as beside:
        domains = measure_domains(bar(25, 42, 300).astype(np.int32), None, beside)
    path = domains.geometry.wires.paths.values + domains.corners[0][::-1] - (180.2, 179.7)
    across = path[:, 0] * np.sin(np.deg2rad(25)) + path[:, 1] * np.cos(np.deg2rad(25))
    assert np.abs(across).max() < 0.8


def test_a_drawn_skeleton_has_its_branches_in_order() -> None:
    """A T of 5 + 1 + 5 points across and 4 down: three branches that meet in one junction."""
    points = np.array([(x, 0) for x in range(11)] + [(5, y) for y in range(1, 5)], float)
    edges = np.array([(k, k + 1) for k in range(10)] + [(5, 11)] + [(k, k + 1) for k in range(11, 14)]).T
    branches = decompose(Skeleton(points, edges, np.zeros(15, int), np.ones(15)))
    assert sorted(branches.order.lengths) == [4, 5, 5]
    assert sorted(branches.length) == [3, 4, 4]
    assert (np.sort(branches.node, axis=1) == [FREE, 0]).all()


def test_a_ring_is_cut_open_once() -> None:
    t = np.linspace(0, 2 * np.pi, 24, endpoint=False)
    points = np.stack([np.cos(t), np.sin(t)], axis=1)
    edges = np.stack([np.arange(24), (np.arange(24) + 1) % 24])
    branches = decompose(Skeleton(points, edges, np.zeros(24, int), np.ones(24)))
    assert len(branches) == 1
    assert branches.order.lengths.tolist() == [24]
    assert (np.abs(np.diff(branches.order.values)) % 22 == 1).all()


def test_an_arm_is_as_wide_as_where_it_leaves_the_crossing() -> None:
    """One branch is 6 px wide for 40 px from its junction and then 24 px for the 60 px to its tip."""
    at = [(x, 0) for x in range(-30, 101)] + [(0, y) for y in range(1, 31)]
    along = np.array([(k, k + 1) for k in range(130)])
    skeleton = Skeleton(
        np.array(at, float),
        np.concatenate([along, [(30, 131)], [(k, k + 1) for k in range(131, 160)]]).T,
        np.zeros(161, int),
        np.ones(161),
    )
    radius = np.array([12.0 if x > 40 else 3.0 for x, _ in at])
    branches = decompose(skeleton)
    widths = np.array([2 * np.median(radius[points]) for points in (branches.order[k] for k in range(3))])
    arms = arms_of(skeleton, branches, trims(branches, radius, widths), widths, radius)
    assert sorted(widths) == [6, 6, 24]
    assert arms.width == pytest.approx(np.full(3, 6))


ARC = 100.0


def arms_on_a_circle(turning: float, width: float) -> Arms:
    """Two arms of a wire bent to a circle around 0, with a gap of `turning` rad between them."""
    t = np.array([-turning / 2, turning / 2])
    at = ARC * np.stack([np.cos(t), np.sin(t)], axis=1)
    away = np.stack([np.sin(t), -np.cos(t)], axis=1) * np.array([[1], [-1]])
    return Arms(np.array([0, 2]), at, away, np.full(2, width), np.full(2, width), np.full(2, END))


def test_a_bent_gap_follows_the_circle_of_its_arms() -> None:
    arms, pair = arms_on_a_circle(0.8, 6), Pairs(np.array([0]), np.array([1]), np.zeros(1))
    straight, _ = along_gaps(arms, pair, np.ones(1), bent=False)
    bent, _ = along_gaps(arms, pair, np.ones(1), bent=True)
    assert np.hypot(*straight.T).min() == pytest.approx(ARC * np.cos(0.4), abs=0.01)  # 8 px inside the circle
    assert np.hypot(*bent.T) == pytest.approx(np.full(len(bent), ARC), abs=0.5)
    assert bent[[0, -1]] == pytest.approx(arms.at)


def test_foreground_is_looked_for_along_the_bend_of_a_wire() -> None:
    """A ring 6 px wide: its chord lies in a hole, the way along it does not."""
    arms = arms_on_a_circle(0.8, 6)
    found = match(arms, candidates(arms), lambda points, limit: np.abs(np.hypot(*points.T) - ARC) > 3 - limit)
    assert len(found.first) == 1


def test_a_wire_turns_by_half_a_right_angle_rather_than_doubling_its_width() -> None:
    at = np.array([(-5.0, 0.0), (5.0, 0.0), (5.0, 5.0)])
    away = np.array([(-1.0, 0.0), (1.0, 0.0), (np.sqrt(0.5), np.sqrt(0.5))])
    arms = Arms(2 * np.arange(3), at, away, np.array([8.0, 20.0, 8.0]), np.ones(3), np.full(3, END))
    straight, bent = pair_cost(arms, np.array([0, 0]), np.array([1, 2]))
    assert bent < straight


def test_the_assignment_ends_where_two_ways_cost_the_same() -> None:
    """With costs as they come, scipy's sparse solver never returned from this one (1 of 2310 random ones)."""
    rng, k = np.random.default_rng(2309), 24
    first, second = rng.integers(0, k, 3 * k), rng.integers(0, k, 3 * k)
    once = np.unique((first * k + second)[first < second], return_index=True)[1]
    first, second = first[first < second][once], second[first < second][once]
    cost, ending = rng.uniform(0, 1.4, len(first)), END * rng.uniform(0.25, 1, k)
    nowhere = np.zeros((k, 2))
    arms = Arms(2 * np.arange(k), nowhere, nowhere, np.ones(k), np.ones(k), ending)
    pairs = match(arms, Pairs(first, second, cost), lambda points, _: np.zeros(len(points), bool))
    assert np.unique(np.concatenate([pairs.first, pairs.second])).size == 2 * len(pairs.first)  # one partner each
    assert pairs.cost.sum() < (ending[pairs.first] + ending[pairs.second]).sum()


def test_a_gap_with_a_hole_is_given_up_for_the_next_best() -> None:
    """Four arms in a square: the cheap pairs cross a hole, the dear ones do not."""
    at = np.array([(0.0, 0.0), (10.0, 0.0), (0.0, 10.0), (10.0, 10.0)])
    arms = Arms(2 * np.arange(4), at, np.zeros((4, 2)), np.ones(4), np.ones(4), np.full(4, END))
    pairs = Pairs(np.array([0, 2, 0, 1]), np.array([1, 3, 2, 3]), np.array([0.1, 0.1, 0.5, 0.5]))

    found = match(arms, pairs, lambda points, _: np.abs(points[:, 0] - 5) < 1)
    assert list(zip(found.first.tolist(), found.second.tolist(), strict=True)) == [(0, 2), (1, 3)]


@pytest.mark.parametrize("decimals", [0, 3])
def test_points_within_reach_are_found_once_whatever_their_reaches(decimals: int) -> None:
    """Rounded to whole px many reaches are equal, and some are 0."""
    draw = np.random.default_rng(decimals)
    at, reach = draw.uniform(0, 200, (150, 2)), np.round(draw.exponential(20, 150), decimals)
    first, second = within(at, reach)
    found = list(zip(first.tolist(), second.tolist(), strict=True))
    distance = np.hypot(*(at[:, None] - at).transpose(2, 0, 1))
    near = distance <= np.maximum(reach[:, None], reach)
    assert len(set(map(frozenset, found))) == len(found) == np.count_nonzero(np.triu(near, 1))
    assert near[first, second].all()
    assert (reach[first] >= reach[second]).all()
