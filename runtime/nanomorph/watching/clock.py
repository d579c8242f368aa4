"""Time and the wish to stop, in one object that tests replace."""

from __future__ import annotations

import threading
import time


class Clock:
    """Monotonic seconds, and waits that `stop` cuts short."""

    def __init__(self) -> None:
        self._stop = threading.Event()

    def now(self) -> float:
        """Monotonic seconds."""
        return time.monotonic()

    def wait(self, seconds: float) -> None:
        """Return after so many seconds, or as soon as `stop` is called."""
        self._stop.wait(max(0.0, seconds))

    def stop(self) -> None:
        """End all waits, now and later. From any thread or a signal handler."""
        self._stop.set()

    @property
    def stopped(self) -> bool:
        """Whether `stop` was called."""
        return self._stop.is_set()
