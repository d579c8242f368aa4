"""discover -> read -> prepare -> infer -> measure, judge, write -> commit, overlapped through bounded stages.

Knows no format, provider or measure by name. Whatever is discovered ends in the journal exactly once:
analysed, quarantined with a reason, or listed as another name of something analysed.
"""

from __future__ import annotations

import errno
import hashlib
import logging
import os
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from nanomorph.errors import FatalError
from nanomorph.infer import Inference, batches
from nanomorph.journal import Journal
from nanomorph.micrograph import Micrograph, ReadError
from nanomorph.model import Model, with_pixel_size
from nanomorph.prepare import Prepared, prepare
from nanomorph.readers import read_micrograph
from nanomorph.results import Rows, remove_results, rows_of, write_mask, write_overlay, write_wires
from nanomorph.sources import Item, Rejected
from nanomorph.stages import ordered_map, prefetch

logger = logging.getLogger(__name__)

# A disk that is full or a folder that is gone: no later micrograph would fare better.
HOPELESS = {errno.ENOSPC, errno.EDQUOT, errno.EROFS}


@dataclass(frozen=True)
class Settings:
    """What a user may change about a run. `nm_per_px` overrides metadata; `workers` measure in parallel."""

    nm_per_px: float | None = None
    workers: int = field(default_factory=lambda: max(1, os.cpu_count() or 1))
    overlays: bool = True


@dataclass(frozen=True)
class Event:
    """One input is settled: `outcome` is `done`, `quarantined`, `alias` or `skipped` (settled by an earlier run)."""

    name: str
    outcome: str
    reason: str = ""


@dataclass(frozen=True, eq=False)
class _Loaded:
    item: Item
    data: bytes


@dataclass(frozen=True, eq=False)
class _Read:
    item: Item
    sha256: str
    micrograph: Micrograph


@dataclass(frozen=True, eq=False)
class _Failed:
    entry: Item | Rejected
    reason: str
    detail: str


class Pipeline:
    """Runs micrographs through one model into one output folder."""

    def __init__(self, model: Model, journal: Journal, out: Path, settings: Settings) -> None:
        self.model, self.journal, self.out, self.settings = model, journal, out, settings
        self._labels = {head.task: head.labels for head in model.bundle.heads}

    def run(self, discovered: Iterable[Item | Rejected]) -> Iterator[Event]:
        """Process what was discovered; yields an event an input, after it is durable in the journal."""
        workers = self.settings.workers
        events: list[Event] = []

        with (
            ThreadPoolExecutor(workers, "read") as readers,
            ThreadPoolExecutor(1, "infer") as inferrer,
            ThreadPoolExecutor(workers, "measure") as measurers,
        ):
            loaded = self._unsettled(prefetch(map(self._load, discovered), 2 * workers), events)
            read = self._readable(ordered_map(readers, self._read, loaded, 2 * workers), events)
            inferred = ordered_map(inferrer, self._infer, batches(read), 2)
            single = (one for batch in inferred for one in batch)
            for outcome in ordered_map(measurers, self._finish, single, 2 * workers):
                yield from _drain(events)
                yield self._commit(outcome)
        yield from _drain(events)

    def _load(self, entry: Item | Rejected) -> _Loaded | _Failed | Item | Rejected:
        """In the discovering thread: members of a tar can be read only as they pass by."""
        if self.journal.settled(entry):
            return entry
        if isinstance(entry, Rejected):
            return _Failed(entry, entry.reason, entry.detail)
        if entry.companion is not None:
            return entry
        try:
            return _Loaded(entry, entry.load())
        except ReadError as error:
            return _Failed(entry, error.reason, error.detail)

    def _unsettled(self, work: Iterable[_Loaded | _Failed | Item | Rejected], events: list[Event]) -> Iterator[_Loaded]:
        for piece in work:
            if isinstance(piece, _Loaded):
                yield piece
            elif isinstance(piece, _Failed):
                events.append(self._quarantine(piece))
            elif isinstance(piece, Item) and piece.companion is not None and not self.journal.settled(piece):
                self.journal.alias(piece, of=piece.companion)
                events.append(Event(piece.name, "alias"))
            else:
                events.append(Event(piece.name, "skipped"))

    def _read(self, loaded: _Loaded) -> tuple[_Read, Prepared] | _Failed:
        item = loaded.item
        try:
            micrograph = read_micrograph(item.name, loaded.data, item.path)
            micrograph = with_pixel_size(micrograph, self.settings.nm_per_px)
            read = _Read(item, hashlib.sha256(loaded.data).hexdigest(), micrograph)
            return read, prepare(micrograph, self.model.bundle.input)
        except ReadError as error:
            return _Failed(item, error.reason, error.detail)
        except Exception as error:  # noqa: BLE001 (one bad file must not end a run of 50,000)
            return _unexpected(item, error)

    def _readable(
        self, work: Iterable[tuple[_Read, Prepared] | _Failed], events: list[Event]
    ) -> Iterator[tuple[_Read, Prepared]]:
        for piece in work:
            if isinstance(piece, _Failed):
                events.append(self._quarantine(piece))
            else:
                yield piece

    def _infer(self, batch: list[tuple[_Read, Prepared]]) -> list[tuple[_Read, Inference]]:
        inferences = self.model.look([(read.micrograph, frame) for read, frame in batch])
        return [(read, inference) for (read, _), inference in zip(batch, inferences, strict=True)]

    def _finish(self, work: tuple[_Read, Inference]) -> tuple[Item, Rows] | _Failed:
        read, inference = work
        try:
            analysis = self.model.conclude(read.micrograph, read.sha256, inference)
            write_mask(self.out, analysis)
            write_wires(self.out, analysis)
            if self.settings.overlays:
                write_overlay(self.out, analysis, self._labels)
            return read.item, rows_of(analysis)
        except OSError as error:
            raise _writing_failed(error, self.out) from error
        except Exception as error:  # noqa: BLE001 (as in _read)
            return _unexpected(read.item, error)

    def _commit(self, outcome: tuple[Item, Rows] | _Failed) -> Event:
        if isinstance(outcome, _Failed):
            return self._quarantine(outcome)
        item, rows = outcome
        self.journal.record(item, rows)
        return Event(item.name, "done")

    def _quarantine(self, failed: _Failed) -> Event:
        self.journal.quarantine(failed.entry, failed.reason, failed.detail)
        # A file that was good and has changed: its old pictures must not look like results.
        remove_results(self.out, failed.entry.name)
        return Event(failed.entry.name, "quarantined", failed.reason)


def _drain(events: list[Event]) -> Iterator[Event]:
    while events:
        yield events.pop(0)


def _unexpected(item: Item, error: Exception) -> _Failed:
    """A defect of ours, not of the file: kept with its type, and the traceback logged."""
    logger.error("%s: unexpected failure", item.name, exc_info=error)
    return _Failed(item, "internal-error", f"{type(error).__name__}: {error}; please report it")


def _writing_failed(error: OSError, out: Path) -> FatalError:
    if error.errno in HOPELESS:
        return FatalError(f"{out}: {error.strerror}. Free space or choose another --out, then run the same command.")
    return FatalError(f"{error.filename or out}: cannot be written ({error.strerror}).")
