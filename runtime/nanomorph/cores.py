"""Processor cores: how many there are for this process, and how a run's threads share them without fighting."""

from __future__ import annotations

import os


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
