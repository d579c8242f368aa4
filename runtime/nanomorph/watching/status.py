"""What a watcher is doing, said aloud when it changes and kept for `nanomorph status`."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from contextlib import suppress

from nanomorph.errors import OutputError
from nanomorph.journal import Held, Journal, now

logger = logging.getLogger(__name__)

# A trouble that lasts is said again after so many seconds.
REPEAT = 600.0
_CALM = frozenset({"watching", "stopped"})
_MOST_HELD = 1000


class Status:
    """The state of a watcher: `watching`, `folder lost`, `folder empty`, `paused` or `stopped`."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self.state, self._said = "", 0.0
        self._held: Sequence[Held] = ()

    def be(self, state: str, detail: str, at: float) -> None:
        """Say and keep a state; `at`: monotonic seconds. Nothing happens while it stays the same."""
        if state == self.state and (state in _CALM or at < self._said + REPEAT):
            return
        logger.log(logging.INFO if state in _CALM else logging.WARNING, "%s: %s", state, detail)
        self._said = at
        if state != self.state:
            self.state = state
            # A full disk is one of the states: it must not keep the others from being said.
            with suppress(OutputError):
                self._journal.remember("state", f"{state}: {detail}")
                self._journal.remember("state_since", now())

    def hold(self, held: Sequence[Held]) -> None:
        """Keep what is held and why."""
        held = held[:_MOST_HELD]
        if held != self._held:
            self._journal.hold(held)
            self._held = held
