"""What becomes of each input: entered into the journal exactly once, and told as an event.

Done, quarantined with a reason, another name of a content, or held until it is whole. All in the one thread that takes
the pipeline's events.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from nanomorph.errors import BlockedError
from nanomorph.journal import Journal, now
from nanomorph.outages import writing_to
from nanomorph.readers import UNFINISHED
from nanomorph.results import Rows, remove_results
from nanomorph.running.copies import Copies, freed
from nanomorph.running.work import REPLACED, Copy, Event, Failed, Loaded, Ready
from nanomorph.sources import Item, Rejected
from nanomorph.stages import FLUSH, Flush

logger = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class Finished:
    """What came of a frame, without the frame: others may still have to come before it."""

    item: Item
    sha256: str
    result: Rows | Failed


class Settling:
    """Takes out of the stream, and settles, what goes no further; commits what went through to its end."""

    def __init__(self, journal: Journal, out: Path, copies: Copies) -> None:
        self._journal, self._out, self._copies = journal, out, copies
        self._untold: list[Event] = []
        # Since when, and how often read in vain.
        self._held: dict[str, tuple[str, int]] = {}

    def clear(self) -> None:
        """Nothing is in flight any more."""
        self._untold.clear()
        self._copies.clear()

    def told(self) -> Iterator[Event]:
        """Events of what was settled on the way, each once."""
        while self._untold:
            yield self._untold.pop(0)

    def to_read(self, work: Iterable[Loaded | Failed | Item | Rejected | Flush]) -> Iterator[Loaded | Flush]:
        """What is to be read. Settled: what cannot be, companions of others, and what an earlier run settled."""
        for piece in work:
            if piece is FLUSH or isinstance(piece, Loaded):
                yield piece
            elif isinstance(piece, Failed):
                self._untold += self._give_up(piece)
            elif isinstance(piece, Item) and piece.companion is not None and not self._journal.settled(piece):
                self._untold += self._copies.alias(piece, of=piece.companion)
            else:
                self._untold.append(Event(piece.name, "skipped"))

    def to_infer(self, work: Iterable[Ready | Copy | Failed | Flush]) -> Iterator[Ready | Flush]:
        """What is new to the model. Settled: what could not be read, and second names of a content."""
        for piece in work:
            if piece is FLUSH:
                yield FLUSH
            elif isinstance(piece, Failed):
                self._untold += self._give_up(piece)
            elif isinstance(piece, Copy):
                self._untold += self._copies.settle(piece)
            elif (settled := self._copies.admit(piece[0])) is None:
                yield piece
            else:
                self._untold += settled

    def commit(self, finished: Finished) -> list[Event]:
        """Enter what came of a frame, and settle the copies that waited for it."""
        if isinstance(finished.result, Failed):
            return self._give_up_with_copies(finished.result, finished.sha256)
        name = finished.item.name
        self._held.pop(name, None)
        before = self._journal.content(name)
        released = self._journal.record(finished.item, finished.result)
        reason = REPLACED if before not in (None, finished.sha256) else ""
        events = [Event(name, "done", reason), *freed(released, name)]
        for copy in self._copies.waiting(finished.sha256):
            events += self._copies.settle(Copy(copy, finished.sha256, name))
        return events

    def _give_up_with_copies(self, failed: Failed, sha256: str) -> list[Event]:
        events = self._give_up(failed)
        for copy in self._copies.waiting(sha256):
            events += self._give_up(Failed(copy, failed.reason, failed.detail))
        return events

    def _give_up(self, failed: Failed) -> list[Event]:
        """Quarantine, or hold what may still become whole."""
        name = failed.entry.name
        since, tries = self._held.pop(name, (now(), 0))
        if failed.entry.provisional and failed.reason in UNFINISHED:
            self._held[name] = since, tries + (failed.reason != "changing")
            return [Event(name, "held", failed.reason, failed.detail)]
        released = self._journal.quarantine(failed.entry, failed.reason, failed.detail, since, tries)
        # A file that was good and has changed: its old pictures must not look like results.
        try:
            with writing_to(self._out):
                remove_results(self._out, name, self._journal.is_apart(name))
        except BlockedError as error:
            logger.warning("%s is in quarantine, and what was measured before is still there: %s", name, error)
        return [Event(name, "quarantined", failed.reason, failed.detail), *freed(released, name)]
