"""The same content under a second name: listed as an alias, measured once, also while the first is in flight."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from nanomorph.journal import Journal
from nanomorph.results import remove_results
from nanomorph.running.work import Copy, Event, Read
from nanomorph.sources import Item


class Copies:
    """Knows contents that the bundle has measured (from the journal) and those on their way.

    `find`: from any thread; else from one. bundle: its fingerprint, which may change while nothing is in flight.
    measured: second names are measured, too, as if they were no copies; a name's own former content is not.
    """

    def __init__(self, journal: Journal, out: Path, bundle: str, measured: bool) -> None:
        self._journal, self._out, self.bundle, self._measured = journal, out, bundle, measured
        self._waiting: dict[str, list[Item]] = {}

    def clear(self) -> None:
        """Nothing is in flight any more."""
        self._waiting.clear()

    def find(self, item: Item, sha256: str) -> Copy | None:
        """The item as a copy of what the bundle has measured, which may be its own former self."""
        if not _identified(item):
            return None
        original = self._journal.find_content(sha256, self.bundle, prefer=item.name)
        if original is None or (self._measured and original != item.name):
            return None
        return Copy(item, sha256, original)

    def admit(self, read: Read) -> list[Event] | None:
        """None: to be measured, as the first of its content. Else what became of it, or nothing yet."""
        if self._measured or not _identified(read.item):
            return None
        if read.sha256 in self._waiting:
            self._waiting[read.sha256].append(read.item)
            return []
        # Asked again: the original may have been done since the item was read.
        if copy := self.find(read.item, read.sha256):
            return self.settle(copy)
        self._waiting[read.sha256] = []
        return None

    def waiting(self, sha256: str) -> list[Item]:
        """Those that waited for this content, which is settled now."""
        return self._waiting.pop(sha256, [])

    def settle(self, copy: Copy) -> list[Event]:
        """Enter a copy into the journal."""
        if copy.item.name == copy.original:
            self._journal.touched(copy.item)
            return [Event(copy.item.name, "touched")]
        return self.alias(copy.item, copy.original, copy.sha256)

    def alias(self, item: Item, of: str, sha256: str = "") -> list[Event]:
        """List `item` as another name of `of`; what it was before has no pictures any more."""
        released = self._journal.alias(item, of, sha256)
        remove_results(self._out, item.name, self._journal.is_apart(item.name))
        return [Event(item.name, "alias", detail=of), *freed(released, item.name)]


def freed(names: Iterable[str], original: str) -> list[Event]:
    """Events of aliases whose original has changed: they need a measurement of their own."""
    return [Event(name, "released", detail=f"{original} has changed") for name in names]


def _identified(item: Item) -> bool:
    """A .ser's pixel size stands in its .emi: the same pixels may be another micrograph."""
    return not item.name.casefold().endswith(".ser")
