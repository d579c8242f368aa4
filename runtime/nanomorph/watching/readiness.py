"""When is a file complete? Seen, still for the settle time, then read strictly; what fails is tried again.

Size and time are compared with themselves only, and waits are measured on this machine's monotonic clock, so
clocks that disagree do no harm. A stable size alone proves nothing (Samba reports the full size at 1 % of a
transfer), hence the strict reader decides; a file it finds unfinished is held, and read again later.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, replace
from itertools import islice

from nanomorph.watching.poller import Sighting

SETTLING = "settling"


@dataclass
class Pending:
    """A file on its way to being settled. `due`: when it may be read, in the monotonic time of the caller."""

    sighting: Sighting
    since: float
    due: float
    tries: int = 0
    reason: str = SETTLING
    detail: str = "still being written"
    in_hand: bool = False


class Readiness:
    """Everything that is seen and not settled. Any thread; `now` is monotonic seconds.

    settle: seconds that a file must stand still. tries: readings of an unchanged file, the last one final.
    """

    def __init__(self, settle: float, tries: int) -> None:
        self._settle, self._tries = settle, tries
        self._pending: dict[str, Pending] = {}
        self._lock = threading.Lock()

    def see(self, sighting: Sighting, now: float) -> bool:
        """A file is there; True where that is news. Its wait begins anew whenever it has changed."""
        with self._lock:
            known = self._pending.get(sighting.name)
            if known is not None and known.sighting == sighting:
                return False
            self._pending[sighting.name] = Pending(sighting, known.since if known else now, now + self._settle)
            return True

    def drop(self, name: str) -> None:
        """A file is no longer there."""
        with self._lock:
            self._pending.pop(name, None)

    def waiting(self, due: float | None = None, limit: int | None = None) -> list[Sighting]:
        """Files that nobody reads now, in the order they came; only those that may be read at `due`, where given."""
        with self._lock:
            found = (p.sighting for p in self._pending.values() if not p.in_hand and (due is None or p.due <= due))
            return list(islice(found, limit))

    def is_settling(self, name: str, now: float) -> bool:
        """Whether a file has not yet stood still for long enough."""
        with self._lock:
            one = self._pending.get(name)
            return one is not None and not one.in_hand and one.due > now

    def take(self, sighting: Sighting) -> bool:
        """The file is being read; True on the last try: it is then settled whatever comes out."""
        with self._lock:
            one = self._pending[sighting.name]
            one.in_hand = True
            return one.tries + 1 >= self._tries

    def failed(self, name: str, reason: str, detail: str, now: float) -> None:
        """A file that was in hand looks unfinished: it is held, and read again after a wait that doubles."""
        with self._lock:
            one = self._pending.get(name)
            if one is None or not one.in_hand:
                return  # it has changed meanwhile: its wait has begun anew
            one.in_hand, one.reason, one.detail = False, reason, detail
            one.due = now + self._settle * 2**one.tries
            one.tries += reason != "changing"

    def settled(self, name: str) -> None:
        """A file that was in hand is done with."""
        with self._lock:
            one = self._pending.get(name)
            if one is not None and one.in_hand:
                del self._pending[name]

    def next_due(self) -> float | None:
        """When the next file may be read; None where none waits."""
        with self._lock:
            return min((one.due for one in self._pending.values() if not one.in_hand), default=None)

    def held(self, since: float) -> list[Pending]:
        """Copies of what has failed, or has not stood still since that time."""
        with self._lock:
            kept = (one for one in self._pending.values() if not one.in_hand)
            return [replace(one) for one in kept if one.reason != SETTLING or one.since < since]

    def __len__(self) -> int:
        return len(self._pending)

    def busy(self) -> bool:
        """Whether a file is being read, or may become readable merely by standing still."""
        with self._lock:
            return any(one.in_hand or one.reason == SETTLING for one in self._pending.values())
