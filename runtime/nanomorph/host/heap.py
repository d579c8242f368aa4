"""Memory that was freed, given back to the system.

glibc keeps what its threads free, an arena a thread, for allocations to come. Stages of a pipeline free in one thread
what others will not find again: after large frames 1 GB of 1.4 that a run held was nobody's.
"""

from __future__ import annotations

import ctypes
import sys
import threading
import time
from collections.abc import Callable

# Smaller frames leave a third as much, and asking for its pages again costs them some 5 % of their processor time.
LARGE_PX = 4_000_000


class Trim:
    """For large frames: calling it gives freed memory back, at most once in so many seconds of processor time.

    From any thread.
    """

    def __init__(self, seconds: float = 2.0, clock: Callable[[], float] = time.process_time) -> None:
        self._seconds, self._clock = seconds, clock
        self._trim, self._changing = _malloc_trim(), threading.Lock()
        self._last: float | None = None

    def __call__(self, pixels: int) -> bool:
        """Whether a frame of so many pixels is worth it, it was time to, and this system's allocator can."""
        if pixels < LARGE_PX:
            return False
        with self._changing:
            now = self._clock()
            if self._trim is None or (self._last is not None and now - self._last < self._seconds):
                return False
            self._last = now
        self._trim(0)
        return True


def _malloc_trim() -> Callable[[int], int] | None:
    """glibc's (malloc_trim(3)); None with other allocators, which have no such call."""
    if sys.platform != "linux":
        return None
    return getattr(ctypes.CDLL(None), "malloc_trim", None)
