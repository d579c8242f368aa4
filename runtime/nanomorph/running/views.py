"""Files that are views of the journal, rewritten as often as their cost allows."""

from __future__ import annotations

import time
from collections.abc import Callable

# Seconds until what could not be written is tried again.
RETRY_SECONDS = 5.0


class View:
    """Something that `write` makes anew from the journal."""

    def __init__(self, write: Callable[[], object]) -> None:
        self._write = write
        self._written = time.monotonic()
        self._took: float | None = None
        self._failed = False
        # Who opens a run may find one that was killed: the journal is ahead of its views then.
        self.stale = True

    def refresh(self, every: float = 0.0, share: float = 1.0) -> None:
        """Write if stale, but no sooner than `every` seconds, nor for more than `share` of the time."""
        every = max(every, RETRY_SECONDS) if self._failed else every
        since = time.monotonic() - self._written
        if self.stale and since >= every and (self._took or 0.0) <= share * since:
            self.write()

    def write(self) -> None:
        """Write now."""
        begun = time.monotonic()
        self._failed = True
        try:
            self._write()
            self._failed = self.stale = False
        finally:
            self._written = time.monotonic()
            # The first time all is made anew, later often only what has changed: it says nothing of what comes.
            self._took = 0.0 if self._took is None else self._written - begun
