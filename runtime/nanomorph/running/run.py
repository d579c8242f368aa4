"""One run: an output folder, its journal, and the tables and report that are views of the journal.

`batch` and `watch` differ only in what they feed to `Run.process`.
"""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Self

from nanomorph import __version__
from nanomorph.atomic import remove_leftovers
from nanomorph.errors import BlockedError, ConfigurationError
from nanomorph.journal import Journal, is_output, place, point, require_folder, require_in_place
from nanomorph.journal.kept import SCALE_BARS
from nanomorph.journal.schema import identity_of
from nanomorph.model import Model
from nanomorph.outages import writing_to
from nanomorph.report import write_report
from nanomorph.results import domain_tables, micrograph_tables
from nanomorph.running.one_way import OneWay
from nanomorph.running.pipeline import Pipeline
from nanomorph.running.views import View
from nanomorph.running.work import REPLACED, Discovered, Event, Settings
from nanomorph.stages import FLUSH

logger = logging.getLogger(__name__)

# While a run goes on its tables are rewritten, but never sooner than this, nor for more than this share of its time.
EXPORT_EVERY_SECONDS = 1.0
EXPORT_SHARE = 0.05
# In a lull of a live folder somebody may be waiting for them.
LULL_EXPORT_SHARE = 0.2
REPORT_EVERY_SECONDS = 30.0
REPORT_SHARE = 0.05
# What does not show in any table.
_UNSEEN = frozenset({"skipped", "held", "released"})


class Run:
    """Opens `out` for one writer, finishes what an earlier run left, and ends with whole tables.

    journal: where to keep it, None for `out` (see `journal.place`). follow: the bundle's folder, where a change
    of its content is wanted (`watch`): rows then say which bundle each came from.
    Raises ConfigurationError where `out` cannot be made, is in use, or holds results of another bundle or
    pixel size: two ways of measuring are never mixed unasked in one table.
    """

    def __init__(
        self,
        out: Path,
        model: Model,
        settings: Settings,
        command: str,
        journal: Path | None = None,
        follow: Path | None = None,
    ) -> None:
        self.out, self.model, self.command = out, model, command
        self.counts: Counter[str] = Counter()
        self._started = time.monotonic()
        self._told: set[str] = set()
        _make_folder(out)
        self.journal = Journal.open(place(out, journal))
        try:
            with writing_to(out):
                point(out, self.journal.path, identity_of(self.journal.path))
            self._one_way = OneWay(self.journal, out, follow)
            self._one_way.require(model, settings)
            remove_leftovers(out)
        except BaseException:
            self.journal.close()
            raise
        self._pipeline = Pipeline(model, self.journal, out, settings)
        # Apart, because a row for each wire may take long, and somebody waits for the labels.
        self._tables = (View(micrograph_tables(self.journal, out).write), View(domain_tables(self.journal, out).write))
        self._report = View(lambda: write_report(self.journal, out, self._about()))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Write tables and report, also after an interruption: what is done is then there to be seen."""
        try:
            if error is None:
                require_in_place(self.out)
            views = (*self._tables, self._report) if is_output(self.out) else ()
            blocked = [self._blocked(view.write) for view in views]
        finally:
            self.journal.close()
        for error in filter(None, blocked):
            raise BlockedError(f"{error} Close it and run the same command: nothing is measured again.")

    def process(self, discovered: Iterable[Discovered], at_lull: Callable[[], None] = lambda: None) -> Iterator[Event]:
        """Settle every input; yields an event each, and now and then rewrites the tables.

        at_lull: called when a live source says FLUSH, with nothing in flight. After OutputError call `process`
        again with everything that is not settled.
        """
        for event in self._pipeline.run(discovered):
            if event is FLUSH:
                self._refresh_in_lull()
                at_lull()
                continue
            self.counts[event.outcome] += 1
            self.counts["replaced"] += event.reason == REPLACED
            if event.outcome not in _UNSEEN:
                for view in (*self._tables, self._report):
                    view.stale = True
            self.journal.require_in_place()
            require_in_place(self.out)
            for view in self._tables:
                self._refresh(view, EXPORT_EVERY_SECONDS, EXPORT_SHARE)
            yield event

    def stop(self) -> None:
        """Make `process` end soon: what has reached the model is finished. From any thread or a signal handler."""
        self._pipeline.stop()

    def use(self, model: Model) -> None:
        """Go on with another bundle; only `at_lull`. Rows say which bundle each came from."""
        self._one_way.require_bundle(model.bundle)
        self._pipeline.use(model)
        before, self.model = self.model, model
        before.engine.close()

    @property
    def seconds(self) -> float:
        """Since the run was opened."""
        return time.monotonic() - self._started

    def _refresh_in_lull(self) -> None:
        self.journal.require_in_place()
        require_in_place(self.out)
        for view in self._tables:
            self._refresh(view, share=LULL_EXPORT_SHARE)
        self._refresh(self._report, REPORT_EVERY_SECONDS, REPORT_SHARE)

    def _refresh(self, view: View, every: float = 0.0, share: float = 1.0) -> None:
        """As `View.refresh`; what cannot be replaced is said once and must wait: the journal has what it shows."""
        error = self._blocked(partial(view.refresh, every, share))
        if error is not None and str(error) not in self._told:
            logger.warning("%s It is written later; measuring goes on.", error)
            self._told.add(str(error))

    def _blocked(self, write: Callable[[], None]) -> BlockedError | None:
        """Write; the error where a single file cannot be replaced. Raises any other OutputError."""
        try:
            with writing_to(self.out):
                write()
        except BlockedError as error:
            return error
        return None

    def _about(self) -> dict[str, str]:
        rate = self.counts["done"] / max(self.seconds, 1e-3)  # Windows' clock ticks in 16 ms
        return {
            "Command": self.command,
            "Bundle": f"{self.model.bundle.name} ({self.model.bundle.fingerprint})",
            "nanomorph": __version__,
            "Burnt-in scale bars": self.journal.recall(SCALE_BARS) or "",
            "This run": f"{self.counts['done']} micrographs in {self.seconds:.0f} s, {rate:.2f} a second",
        }


def _make_folder(out: Path) -> None:
    require_folder(out)
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigurationError(f"--out {out} cannot be made ({error.strerror}): choose another folder.") from error
