"""Processor cores: how many there are for this process, and how a run's threads share them without fighting."""

from __future__ import annotations

import os
from concurrent.futures import Executor, Future, ThreadPoolExecutor


def cores() -> int:
    """Cores that this process may run on: a cluster's job or `taskset` may allow fewer than the machine has."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def share(workers: int) -> int:
    """Threads that each of so many workers may use inside a library; OpenCV is told, the caller tells its engine.

    One image a core costs less time of all cores together than all cores on one image: nobody waits for anybody.
    With one worker every library has all cores, and one image comes soonest.
    """
    import cv2

    each = max(1, cores() // workers)
    cv2.setNumThreads(each)
    return each


def threads() -> int:
    """Threads that a worker may use by itself: what `share` gave to each, all cores where nobody has shared them."""
    import cv2

    return int(cv2.getNumThreads())


def pool(n: int, name: str) -> Executor:
    """Where to do work in `n` threads besides the caller's, or, where it may use no other, at once in its own."""
    return ThreadPoolExecutor(n, name) if threads() > 1 else _AtOnce()


class _AtOnce(Executor):
    """Done when submitted: no thread is started, nor fought with for the interpreter."""

    def submit(self, fn, /, *args, **kwargs):  # type: ignore[no-untyped-def]
        future: Future[object] = Future()
        future.set_result(fn(*args, **kwargs))
        return future
