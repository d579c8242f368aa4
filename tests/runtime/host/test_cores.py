"""How workers share the cores."""

import os
import sys
import threading

import cv2
import pytest

from nanomorph.host import cores


@pytest.fixture(autouse=True)
def opencv():
    before = cv2.getNumThreads()
    yield
    cv2.setNumThreads(before)


@pytest.mark.parametrize(("workers", "each"), [(1, 8), (2, 4), (3, 2), (8, 1), (20, 1)])
def test_workers_share_eight_cores(monkeypatch, workers, each):
    monkeypatch.setattr(cores, "cores", lambda: 8)
    assert cores.share(workers) == each
    assert cv2.getNumThreads() == each


def test_a_process_that_may_use_fewer_cores_counts_those(monkeypatch):
    if not hasattr(os, "sched_getaffinity"):
        pytest.skip(f"{sys.platform} does not tell which cores a process may use")
    monkeypatch.setattr(os, "sched_getaffinity", lambda process: {3, 5, 7} if process == 0 else set())
    assert cores.cores() == 3


@pytest.mark.parametrize("allowed", [1, 2])
def test_work_is_done_beside_the_caller_where_a_worker_may_use_more_threads(allowed):
    cv2.setNumThreads(allowed)
    with cores.pool(1, "beside") as beside:
        assert (beside.submit(threading.get_ident).result() == threading.get_ident()) == (allowed == 1)
        assert list(beside.map(len, ["a", "bc"])) == [1, 2]
