"""What `watch` feeds to a run: files of a live folder, each as soon as it is complete, for as long as it lasts."""

from __future__ import annotations

import queue
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

from nanomorph.journal import Held, Journal
from nanomorph.running.work import Event
from nanomorph.sources import Item, Rejected
from nanomorph.stages import FLUSH, Flush
from nanomorph.watching.clock import Clock
from nanomorph.watching.entries import entries_of, file_of, identity_of, partner_of, why_partner_is_late
from nanomorph.watching.poller import FolderLostError, Poller, Sighting
from nanomorph.watching.readiness import SETTLING, Readiness
from nanomorph.watching.rules import Rules
from nanomorph.watching.space import shortage
from nanomorph.watching.status import Status

# Files handed on before the folder is looked at again, and seconds until a busy pipeline is given a lull.
AT_ONCE = 64
LULL_EVERY = 10.0
# Deep looks may take this share of the time: 100,000 files are stat'ed in half a second, so once in 50.
DEEP_SHARE = 0.01
# Waiting files are looked at four times a settle time, but a burst of 10,000 must not take the machine.
CHECK_SHARE = 0.05
# A file that has not stood still for so long is told to people.
LONG = 60.0


class Watcher:
    """Joins poller, readiness and journal. `discover` runs in one thread; `settle` and `lull` in another."""

    def __init__(self, folder: Path, out: Path, rules: Rules, journal: Journal, clock: Clock) -> None:
        self._folder, self._out, self._rules, self._journal, self.clock = folder, out, rules, journal, clock
        self.poll = rules.poll
        self.status = Status(journal)
        self._again: queue.SimpleQueue[str] = queue.SimpleQueue()
        self._archives: queue.SimpleQueue[str] = queue.SimpleQueue()
        self.restart()

    def restart(self) -> None:
        """Forget what was in flight: `discover` is called anew, and finds again what the journal lacks."""
        self._poller = Poller(self._folder, self._rules.wanted, self._out)
        self._readiness = Readiness(self._rules.settle, self._rules.tries)
        self._next_look = self._next_deep = self._next_check = self._last_news = self._last_lull = self.clock.now()
        self._n_files, self._looked = 0, False

    def discover(self) -> Iterator[Item | Rejected | Flush]:
        """Complete files, and FLUSH where there is none for now; ends when stopped, or idle for too long."""
        while not self.clock.stopped:
            self._look()
            self._check()
            ready = self._readiness.waiting(due=self.clock.now(), limit=AT_ONCE)
            for sighting in ready:
                yield from self._hand_on(sighting)
            if ready and self.clock.now() < self._last_lull + LULL_EVERY:
                continue
            yield FLUSH
            self._last_lull = self.clock.now()
            if not ready and self._idle_for_too_long():
                for sighting in self._readiness.waiting():
                    yield from self._hand_on(sighting, last=True)
                return
            if not ready:
                self.clock.wait(self._pause())

    def settle(self, event: Event) -> None:
        """Take note of what became of a file."""
        file = file_of(event.name)
        if event.outcome == "held":
            self._readiness.failed(file, event.reason, event.detail, self.clock.now())
        elif event.outcome == "released":
            self._again.put(event.name)
        elif file == event.name:
            self._readiness.settled(file)

    def lull(self) -> None:
        """Everything that was handed on before the last FLUSH is settled."""
        for _ in range(self._archives.qsize()):
            self._readiness.settled(self._archives.get())
        self.status.hold(self._held())

    # --- looking ------------------------------------------------------------------------------------

    def _look(self) -> None:
        begun = self.clock.now()
        if begun < self._next_look:
            return
        while not self._again.empty():
            self._poller.forget(self._again.get())
        deep = begun >= self._next_deep
        try:
            for sighting in self._poller.look(deep):
                self._consider(sighting)
        except FolderLostError as error:
            self.status.be("folder lost", f"{error}; looking for it every {self._rules.poll:g} s", begun)
        else:
            self._say_what_is_there(begun)
        ended = self.clock.now()
        self._next_look = ended + self._rules.poll
        if deep:
            # The first look compares everything with the journal, which says nothing of what a look costs.
            cost = ended - begun if self._looked else 0.0
            self._next_deep, self._looked = ended + max(self._rules.poll, cost / DEEP_SHARE), True

    def _consider(self, sighting: Sighting) -> None:
        known_as = identity_of(sighting)
        if known_as is not None and self._journal.settled(known_as):
            return
        if self._readiness.see(sighting, self.clock.now()):
            self._last_news = self.clock.now()
            if partner := partner_of(sighting):
                self._again.put(partner)

    def _say_what_is_there(self, now: float) -> None:
        if self._poller.n_files == 0 and self._n_files > 0:
            self.status.be(
                "folder empty", f"{self._folder} held {self._n_files} files and holds none: is the share mounted?", now
            )
            return
        self._n_files = self._poller.n_files
        self.status.be("watching", f"{self._folder}, {self._n_files} files", now)

    def _check(self) -> None:
        """Look at each waiting file itself: folders may be listed from a cache, and some change often."""
        now = self.clock.now()
        everything = now >= self._next_check
        waiting = self._readiness.waiting() if everything else self._readiness.waiting(due=now, limit=AT_ONCE)
        for sighting in waiting:
            self._check_one(sighting, now)
        if everything:
            cost = self.clock.now() - now
            self._next_check = self.clock.now() + max(self._rules.settle / 4, cost / CHECK_SHARE)

    def _check_one(self, sighting: Sighting, now: float) -> None:
        try:
            found = sighting.path.stat()
        except OSError:
            if sighting.rejected is None:
                self._readiness.drop(sighting.name)
                self._poller.forget(sighting.name)
            return
        fresh = Sighting(sighting.name, sighting.path, found.st_size, found.st_mtime_ns)
        if sighting.rejected is None and self._readiness.see(fresh, now):
            self._last_news = now

    # --- handing on ---------------------------------------------------------------------------------

    def _hand_on(self, sighting: Sighting, last: bool = False) -> Iterator[Item | Rejected | Flush]:
        yield from self._wait_for_room()
        if self.clock.stopped:
            return
        last = self._readiness.take(sighting) or last
        settling = partial(self._readiness.is_settling, now=self.clock.now())
        if not last and (reason := why_partner_is_late(sighting, settling)):
            self._readiness.failed(sighting.name, reason, "its .emi is not there, or still changes", self.clock.now())
            return
        whole_file = True
        for entry in entries_of(sighting, provisional=not last):
            whole_file = entry.name == sighting.name
            yield entry
        if not whole_file:
            self._archives.put(sighting.name)

    def _wait_for_room(self) -> Iterator[Flush]:
        while not self.clock.stopped and (lack := shortage([self._out, self._journal.path.parent])):
            self.status.be("paused", f"{lack}; going on when that has passed", self.clock.now())
            yield FLUSH
            self.clock.wait(self._rules.poll)

    # --- waiting ------------------------------------------------------------------------------------

    def _pause(self) -> float:
        now = self.clock.now()
        due = self._readiness.next_due()
        times = [self._next_look] if due is None else [self._next_look, due, self._next_check]
        if self._rules.idle_exit is not None and not self._readiness.busy():
            times.append(self._last_news + self._rules.idle_exit)
        return max(0.02, min(times) - now)

    def _idle_for_too_long(self) -> bool:
        limit = self._rules.idle_exit
        return limit is not None and not self._readiness.busy() and self.clock.now() >= self._last_news + limit

    def _held(self) -> list[Held]:
        now, today = self.clock.now(), datetime.now(UTC)
        return [
            Held(
                one.sighting.name,
                "changing" if one.reason == SETTLING else one.reason,
                one.detail,
                (today - timedelta(seconds=now - one.since)).strftime("%Y-%m-%dT%H:%M:%SZ"),
                one.tries,
            )
            for one in self._readiness.held(now - LONG)
        ]
