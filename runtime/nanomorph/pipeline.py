"""discover -> read -> prepare -> infer -> measure, judge, write -> commit, overlapped through bounded stages.

Knows no format, provider or measure by name. Whatever is discovered ends in the journal exactly once:
analysed, quarantined with a reason, or listed as another name of something analysed.
"""

from __future__ import annotations

import hashlib
import logging
import threading
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

from nanomorph.calibrate import with_pixel_size, with_scale_bar
from nanomorph.containers import followed
from nanomorph.copies import Copies, freed
from nanomorph.errors import BlockedError, OutputError
from nanomorph.heap import Trim
from nanomorph.infer import Inference, batches
from nanomorph.journal import Journal
from nanomorph.memory import READ_BYTE, Memory, shares
from nanomorph.micrograph import ReadError
from nanomorph.model import Model
from nanomorph.outages import HOPELESS, writing_to
from nanomorph.prepare import Prepared, prepare
from nanomorph.readers import UNFINISHED, read_micrograph
from nanomorph.readers.trial import try_apart
from nanomorph.results import Rows, remove_results, rows_of, write_mask, write_overlay, write_wires
from nanomorph.sources import Item, Rejected
from nanomorph.stages import FLUSH, Flush, ordered_map, prefetch
from nanomorph.work import REPLACED, Copy, Event, Failed, Loaded, Read, Settings

logger = logging.getLogger(__name__)

# An image that was being read when so many processes in a row died is first read in a process of its own.
SUSPECT = 2

_Inferred = tuple[Read, Inference]
# Without the frame: others may still have to come before it.
_Outcome = tuple[Item, str, Rows | Failed]


class Pipeline:
    """Runs micrographs through one model into one output folder."""

    def __init__(self, model: Model, journal: Journal, out: Path, settings: Settings) -> None:
        self.journal, self.out, self.settings = journal, out, settings
        self._stopping = threading.Event()
        self._copies = Copies(journal, out)
        in_work, self._most_waiting = shares(settings.memory)
        self._memory = Memory(in_work)
        self._trim = Trim()
        self.use(model)

    def use(self, model: Model) -> None:
        """Go on with another model. Only while nothing is in flight: before `run`, or at its FLUSH."""
        self.model = model
        self._labels = {head.task: head.labels for head in model.bundle.heads}

    def stop(self) -> None:
        """Finish what has reached the model and drop what has not. From any thread or a signal handler."""
        self._stopping.set()

    def run(self, discovered: Iterable[Item | Rejected | Flush]) -> Iterator[Event | Flush]:
        """Process what was discovered; yields an event an input, after it is durable in the journal.

        A FLUSH comes out when everything before it is settled.
        """
        workers = self.settings.workers
        events: list[Event] = []
        self._copies.clear()
        entries = followed(discovered, self.journal.absolve)
        with (
            ThreadPoolExecutor(workers, "read") as readers,
            ThreadPoolExecutor(workers, "infer") as inferrers,
            ThreadPoolExecutor(workers, "measure") as measurers,
            closing(prefetch(map(self._load, entries), 2 * workers)) as source,
        ):
            loaded = self._unsettled(source, events)
            most, ahead = self._most_waiting, 2 * workers
            read = self._readable(ordered_map(readers, self._read, loaded, ahead, _file_weight, most), events)
            batched = batches(read, self.model.engine.batch_pixels, self.settings.batch)
            # More than one at a time also for a GPU: while it computes, others stack, scale and look again.
            inferred = ordered_map(inferrers, self._infer, batched, workers + 1, _batch_weight, most)
            for outcome in ordered_map(measurers, self._finish, _singles(inferred), ahead, _weight, most):
                yield from _drain(events)
                if outcome is FLUSH:
                    yield FLUSH
                else:
                    yield from self._commit(outcome)
        yield from _drain(events)

    def _load(self, entry: Item | Rejected | Flush) -> Loaded | Failed | Item | Rejected | Flush:
        """In the discovering thread: members of a tar can be read only as they pass by."""
        if entry is FLUSH or self.journal.settled(entry):
            return entry
        if isinstance(entry, Rejected):
            return Failed(entry, entry.reason, entry.detail)
        if entry.companion is not None:
            return entry
        try:
            return Loaded(entry, entry.load() if entry.path is None else None)
        except ReadError as error:
            return Failed(entry, error.reason, error.detail)

    def _unsettled(
        self, work: Iterable[Loaded | Failed | Item | Rejected | Flush], events: list[Event]
    ) -> Iterator[Loaded | Flush]:
        for piece in work:
            if piece is FLUSH or isinstance(piece, Loaded):
                yield piece
            elif isinstance(piece, Failed):
                events += self._give_up(piece)
            elif isinstance(piece, Item) and piece.companion is not None and not self.journal.settled(piece):
                events += self._copies.alias(piece, of=piece.companion)
            else:
                events.append(Event(piece.name, "skipped"))

    def _read(self, loaded: Loaded) -> tuple[Read, Prepared] | Copy | Failed | None:
        item = loaded.item
        if self._stopping.is_set():
            return None
        try:
            with self.journal.claimed(item):
                return self._decode(item, item.load() if loaded.data is None else loaded.data)
        except ReadError as error:
            return Failed(item, error.reason, error.detail)
        except OutputError:
            raise
        except Exception as error:
            if isinstance(error, OSError) and error.errno in HOPELESS:
                raise OutputError(f"no space for temporary files ({error})") from error
            return _unexpected(item, error)

    def _decode(self, item: Item, data: bytes) -> tuple[Read, Prepared] | Copy:
        sha256 = hashlib.sha256(data).hexdigest()
        if not self.settings.copies and (copy := self._copies.find(item, sha256, self.model.bundle.fingerprint)):
            return copy
        if self.journal.deaths(item.name) >= SUSPECT:
            try_apart(item.name, data, item.path)
        with self._memory.reading():
            micrograph = with_pixel_size(read_micrograph(item.name, data, item.path), self.settings.nm_per_px)
            if self.settings.scale_bars:
                micrograph = with_scale_bar(micrograph)
            return Read(item, sha256, micrograph), prepare(micrograph, self.model.bundle.input)

    def _readable(
        self, work: Iterable[tuple[Read, Prepared] | Copy | Failed | Flush | None], events: list[Event]
    ) -> Iterator[tuple[Read, Prepared] | Flush]:
        for piece in work:
            if piece is FLUSH:
                yield FLUSH
            elif piece is None or self._stopping.is_set():
                continue
            elif isinstance(piece, Failed):
                events += self._give_up(piece)
            elif isinstance(piece, Copy):
                events += self._copies.settle(piece)
            elif (settled := self._admit(piece[0])) is None:
                yield piece
            else:
                events += settled

    def _admit(self, read: Read) -> list[Event] | None:
        return None if self.settings.copies else self._copies.admit(read, self.model.bundle.fingerprint)

    def _infer(self, batch: list[tuple[Read, Prepared]]) -> list[_Inferred]:
        inferences = self.model.look([(read.micrograph, frame) for read, frame in batch])
        return [(read, inference) for (read, _), inference in zip(batch, inferences, strict=True)]

    def _finish(self, work: _Inferred) -> _Outcome:
        read, inference = work
        try:
            with self._memory.measuring(read.pixels):
                self._trim(read.pixels)
                analysis = self.model.conclude(read.micrograph, read.sha256, inference)
                self._trim(read.pixels)
                with writing_to(self.out):
                    write_mask(self.out, analysis)
                    write_wires(self.out, analysis)
                    if self.settings.overlays:
                        write_overlay(self.out, analysis, self._labels)
                return read.item, read.sha256, rows_of(analysis)
        except BlockedError as error:
            # Its own mask or overlay cannot be replaced: no reason for the others to wait.
            return read.item, read.sha256, Failed(read.item, "no-access", str(error))
        except OutputError:
            raise
        except Exception as error:  # noqa: BLE001 (as in _read)
            return read.item, read.sha256, _unexpected(read.item, error)

    def _commit(self, outcome: _Outcome) -> list[Event]:
        item, sha256, rows = outcome
        if isinstance(rows, Failed):
            events = self._give_up(rows)
            for copy in self._copies.waiting(sha256):
                events += self._give_up(Failed(copy, rows.reason, rows.detail))
            return events
        before = self.journal.content(item.name)
        released = self.journal.record(item, rows)
        reason = REPLACED if before not in (None, sha256) else ""
        events = [Event(item.name, "done", reason), *freed(released, item.name)]
        for copy in self._copies.waiting(sha256):
            events += self._copies.settle(Copy(copy, sha256, item.name))
        return events

    def _give_up(self, failed: Failed) -> list[Event]:
        """Quarantine, or hold what may still become whole."""
        name = failed.entry.name
        if failed.entry.provisional and failed.reason in UNFINISHED:
            return [Event(name, "held", failed.reason, failed.detail)]
        released = self.journal.quarantine(failed.entry, failed.reason, failed.detail)
        # A file that was good and has changed: its old pictures must not look like results.
        try:
            with writing_to(self.out):
                remove_results(self.out, name)
        except BlockedError as error:
            logger.warning("%s is in quarantine, and what was measured before is still there: %s", name, error)
        return [Event(name, "quarantined", failed.reason, failed.detail), *freed(released, name)]


def _file_weight(loaded: Loaded) -> float:
    return loaded.item.size * READ_BYTE


def _batch_weight(batch: list[tuple[Read, Prepared]]) -> float:
    return sum(read.held for read, _ in batch)


def _weight(inferred: _Inferred) -> float:
    return inferred[0].held


def _singles(inferred: Iterable[list[_Inferred] | Flush]) -> Iterator[_Inferred | Flush]:
    for batch in inferred:
        if batch is FLUSH:
            yield FLUSH
        else:
            yield from batch


def _drain(events: list[Event]) -> Iterator[Event]:
    while events:
        yield events.pop(0)


def _unexpected(item: Item, error: Exception) -> Failed:
    """A defect of ours, not of the file: kept with its type, and the traceback logged."""
    logger.error("%s: unexpected failure", item.name, exc_info=error)
    return Failed(item, "internal-error", f"{type(error).__name__}: {error}; please report it")
