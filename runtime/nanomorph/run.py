"""One run: an output folder, its journal, and the tables and report that are views of the journal.

`batch` and `watch` differ only in what they feed to `Run.process`.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Self

from nanomorph import __version__
from nanomorph.atomic import remove_leftovers
from nanomorph.errors import ConfigurationError
from nanomorph.journal import Journal
from nanomorph.model import Model
from nanomorph.pipeline import Event, Pipeline, Settings
from nanomorph.report import write_report
from nanomorph.results import export_tables
from nanomorph.sources import Item, Rejected

JOURNAL = "journal.sqlite"
# While a run goes on its tables are rewritten, but never sooner than this, nor for more than this share of its time.
EXPORT_EVERY_SECONDS = 10.0
EXPORT_SHARE = 0.02


class Run:
    """Opens `out` for one writer, finishes what an earlier run left, and ends with whole tables.

    Raises ConfigurationError where `out` cannot be made, is in use, or holds results of another bundle or
    pixel size: two ways of measuring are never mixed in one table.
    """

    def __init__(self, out: Path, model: Model, settings: Settings, command: str) -> None:
        self.out, self.model, self.command = out, model, command
        self.counts: Counter[str] = Counter()
        self._started = self._exported = time.monotonic()
        self._export_took = 0.0
        _make_folder(out)
        self.journal = Journal.open(out / JOURNAL)
        try:
            ways = {"detail": str(model.ways.detail.times), "edges": model.ways.edges}
            self._same_way({"bundle": model.bundle.fingerprint, "nm_per_px": str(settings.nm_per_px)} | ways)
            remove_leftovers(out)
        except BaseException:
            self.journal.close()
            raise
        self._pipeline = Pipeline(model, self.journal, out, settings)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Write tables and report, also after an interruption: what is done is then there to be seen."""
        try:
            self.write_tables()
            write_report(self.journal, self.out, self._about())
        finally:
            self.journal.close()

    def process(self, discovered: Iterable[Item | Rejected]) -> Iterator[Event]:
        """Settle every input; yields an event each, and now and then rewrites the tables."""
        for event in self._pipeline.run(discovered):
            self.counts[event.outcome] += 1
            since = time.monotonic() - self._exported
            if since > EXPORT_EVERY_SECONDS and self._export_took < EXPORT_SHARE * since:
                self.write_tables()
            yield event

    def write_tables(self) -> None:
        """Rewrite the CSV files from the journal."""
        begun = time.monotonic()
        export_tables(self.journal, self.out)
        self._exported = time.monotonic()
        self._export_took = self._exported - begun

    @property
    def seconds(self) -> float:
        """Since the run was opened."""
        return time.monotonic() - self._started

    def _same_way(self, settings: dict[str, str]) -> None:
        for key, value in settings.items():
            before = self.journal.recall(key)
            if before is not None and before != value:
                raise ConfigurationError(
                    f"{self.out} holds results made with {key} {before}, this run has {value}: choose another --out."
                )
            self.journal.remember(key, value)

    def _about(self) -> dict[str, str]:
        rate = self.counts["done"] / self.seconds
        return {
            "Command": self.command,
            "Bundle": f"{self.model.bundle.name} ({self.model.bundle.fingerprint})",
            "nanomorph": __version__,
            "This run": f"{self.counts['done']} micrographs in {self.seconds:.0f} s, {rate:.2f} a second",
        }


def _make_folder(out: Path) -> None:
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigurationError(f"--out {out} cannot be made ({error.strerror}): choose another folder.") from error
