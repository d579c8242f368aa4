"""discover -> read -> prepare -> infer -> measure, judge, write -> commit, overlapped through bounded stages.

Knows no format, provider or measure by name. `intake` has the stages before the model, `settling` what becomes of each
input.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

from nanomorph.analysis import Analysis
from nanomorph.errors import BlockedError, OutputError
from nanomorph.host.heap import Trim
from nanomorph.host.memory import READ_BYTE, Memory, shares
from nanomorph.inference.infer import Inference, batches
from nanomorph.journal import Journal, require_in_place
from nanomorph.model import Model
from nanomorph.outages import writing_to
from nanomorph.results import Rows, rows_of, write_mask, write_overlay, write_wires
from nanomorph.running.containers import followed
from nanomorph.running.copies import Copies
from nanomorph.running.intake import Intake
from nanomorph.running.settling import Finished, Settling
from nanomorph.running.work import Copy, Discovered, Event, Failed, Loaded, Read, Ready, Settings
from nanomorph.stages import FLUSH, Flush, ordered_map, prefetch

_Inferred = tuple[Read, Inference]


class Pipeline:
    """Runs micrographs through one model into one output folder."""

    def __init__(self, model: Model, journal: Journal, out: Path, settings: Settings) -> None:
        self.journal, self.out, self.settings = journal, out, settings
        self._stopping = threading.Event()
        in_work, self._most_waiting = shares(settings.memory)
        self._memory = Memory(in_work)
        self._trim = Trim()
        self._copies = Copies(journal, out, model.bundle.fingerprint, measured=settings.copies)
        self._intake = Intake(journal, self._copies, self._memory, settings)
        self._settling = Settling(journal, out, self._copies)
        self.use(model)

    def use(self, model: Model) -> None:
        """Go on with another model. Only while nothing is in flight: before `run`, or at its FLUSH."""
        self.model = model
        self._copies.bundle = model.bundle.fingerprint
        self._labels = {head.task: head.labels for head in model.bundle.heads}

    def stop(self) -> None:
        """Finish what has reached the model and drop what has not. From any thread or a signal handler."""
        self._stopping.set()

    def run(self, discovered: Iterable[Discovered]) -> Iterator[Event | Flush]:
        """Process what was discovered; yields an event an input, after it is durable in the journal.

        A FLUSH comes out when everything before it is settled.
        """
        workers = self.settings.workers
        self._settling.clear()
        entries = followed(discovered, self.journal.absolve)
        with (
            ThreadPoolExecutor(workers, "read") as readers,
            ThreadPoolExecutor(workers, "infer") as inferrers,
            ThreadPoolExecutor(workers, "measure") as measurers,
            closing(prefetch(map(self._intake.load, entries), 2 * workers)) as source,
        ):
            loaded = self._settling.to_read(source)
            most, ahead = self._most_waiting, 2 * workers
            read = ordered_map(readers, self._read, loaded, ahead, _file_weight, most)
            ready = self._settling.to_infer(self._unless_stopping(read))
            batched = batches(ready, self.model.engine.batch_pixels, self.settings.batch)
            # More than one at a time also for a GPU: while it computes, others stack, scale and look again.
            inferred = ordered_map(inferrers, self._infer, batched, workers + 1, _batch_weight, most)
            for finished in ordered_map(measurers, self._finish, _singles(inferred), ahead, _weight, most):
                yield from self._settling.told()
                if finished is FLUSH:
                    yield FLUSH
                else:
                    yield from self._settling.commit(finished)
        yield from self._settling.told()

    def _read(self, loaded: Loaded) -> Ready | Copy | Failed | None:
        return None if self._stopping.is_set() else self._intake.read(loaded, self.model.bundle.input)

    def _unless_stopping(
        self, work: Iterable[Ready | Copy | Failed | Flush | None]
    ) -> Iterator[Ready | Copy | Failed | Flush]:
        for piece in work:
            if piece is FLUSH or not (piece is None or self._stopping.is_set()):
                yield piece

    def _infer(self, batch: list[Ready]) -> list[_Inferred]:
        inferences = self.model.look([(read.micrograph, frame) for read, frame in batch])
        return [(read, inference) for (read, _), inference in zip(batch, inferences, strict=True)]

    def _finish(self, work: _Inferred) -> Finished:
        read, inference = work
        return Finished(read.item, read.sha256, self._measured(read, inference))

    def _measured(self, read: Read, inference: Inference) -> Rows | Failed:
        try:
            with self._memory.measuring(read.pixels):
                return self._conclude(read, inference)
        except BlockedError as error:
            # Its own mask or overlay cannot be replaced: no reason for the others to wait.
            return Failed(read.item, "no-access", str(error))
        except OutputError:
            raise
        except Exception as error:  # noqa: BLE001 (as in Intake.read)
            return Failed.unexpectedly(read.item, error)

    def _conclude(self, read: Read, inference: Inference) -> Rows:
        """Measure, judge and write the files of one micrograph; its rows."""
        self._trim(read.pixels)
        analysis = self.model.conclude(read.micrograph, read.sha256, inference)
        self._trim(read.pixels)
        self._write(analysis, self.journal.is_apart(read.item.name))
        return rows_of(analysis)

    def _write(self, analysis: Analysis, apart: bool) -> None:
        # Else missing folders would be made, on the disk below where its share is mounted.
        require_in_place(self.out)
        with writing_to(self.out):
            write_mask(self.out, analysis, apart)
            write_wires(self.out, analysis, apart)
            if self.settings.overlays:
                write_overlay(self.out, analysis, self._labels, apart)


def _file_weight(loaded: Loaded) -> float:
    return loaded.item.size * READ_BYTE


def _batch_weight(batch: list[Ready]) -> float:
    return sum(read.held for read, _ in batch)


def _weight(inferred: _Inferred) -> float:
    return inferred[0].held


def _singles(inferred: Iterable[list[_Inferred] | Flush]) -> Iterator[_Inferred | Flush]:
    for batch in inferred:
        if batch is FLUSH:
            yield FLUSH
        else:
            yield from batch
