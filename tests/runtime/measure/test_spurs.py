"""Side branches that end about inside the wire they leave are taken off, and what is one only then."""

from itertools import pairwise

import numpy as np
import pytest

from nanomorph.measure.skeletons.skeleton import Skeleton
from nanomorph.measure.skeletons.spurs import prune

RADIUS = 3.0  # px: spurs are shorter than 1.5 radii and a step, 5.5 px


def skeleton(*chains: list[tuple[int, int]]) -> Skeleton:
    """Chains of points, joined where they share one."""
    points = list(dict.fromkeys(point for chain in chains for point in chain))
    edges = [(points.index(a), points.index(b)) for chain in chains for a, b in pairwise(chain)]
    return Skeleton(np.array(points, float), np.array(edges).T, np.zeros(len(points), int), np.ones(len(points)))


def forked(stem: int) -> Skeleton:
    """A wire of 41 points with a stem that ends in two twigs of two points each."""
    return skeleton(
        [(x, 0) for x in range(41)],
        [(20, y) for y in range(stem + 1)],
        [(20, stem), (19, stem + 1), (18, stem + 2)],
        [(20, stem), (21, stem + 1), (22, stem + 2)],
    )


@pytest.mark.parametrize(("stem", "left"), [(5, 41), (6, 41 + 6)])
def test_a_stem_is_judged_again_without_its_twigs(stem: int, left: int) -> None:
    whole = forked(stem)
    found, kept = prune(whole, np.full(len(whole.points), RADIUS))
    assert len(kept) == left
    assert found.points.tolist() == whole.points[kept].tolist()
    assert (found.points[:41, 1] == 0).all()
    assert found.edges.shape == (2, left - 1)


def test_what_is_left_of_a_wire_forked_at_both_ends_is_no_side_branch() -> None:
    ends = [[(0, 0), (-1, y), (-2, 2 * y)] for y in (1, -1)] + [[(4, 0), (5, y), (6, 2 * y)] for y in (1, -1)]
    short = skeleton([(x, 0) for x in range(5)], *ends)
    found, _ = prune(short, np.full(len(short.points), RADIUS))
    assert sorted(found.points.tolist()) == [[float(x), 0.0] for x in range(5)]


def test_a_skeleton_without_junctions_stays() -> None:
    line = skeleton([(x, 0) for x in range(3)])
    found, kept = prune(line, np.full(3, RADIUS))
    assert kept.tolist() == [0, 1, 2]
    assert found.edges.tolist() == line.edges.tolist()
