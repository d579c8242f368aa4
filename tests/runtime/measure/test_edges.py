"""Outlines as one set of edges: nearest vertices, however far they are usually looked for."""

import numpy as np

from nanomorph.measure.edges import Edges
from nanomorph.measure.outline import trace


def test_what_lies_farther_than_usual_is_found_all_the_same() -> None:
    edges = Edges([trace(np.ones((40, 60), bool), 20.0)], np.zeros((1, 2)))
    points = np.random.default_rng(0).uniform(0, 40, (500, 2))
    exact = np.hypot(*(points[:, None] - edges.rings.values).transpose(2, 0, 1))
    for usual in (np.inf, 5.0, 1e-6):
        distance, vertex = edges.nearest(points, usual)
        assert np.allclose(distance, exact.min(axis=1))
        assert np.allclose(exact[np.arange(500), vertex], distance)
