"""How the results in an output folder were made, kept in its journal: two ways are never mixed unasked in one table."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path

from nanomorph.bundle import Bundle
from nanomorph.errors import ConfigurationError
from nanomorph.journal import Journal
from nanomorph.journal.kept import BUNDLE, FOLLOWS, SCALE_BARS, WAYS, measures_key, threshold_key
from nanomorph.model import Model
from nanomorph.running.work import Settings

logger = logging.getLogger(__name__)


def _said(key: str, value: str) -> str:
    """In the words of the command line."""
    words = {"nm_per_px": "--nm-per-px", SCALE_BARS: SCALE_BARS, BUNDLE: BUNDLE}.get(key, f"--{key}")
    return f"no {words}" if value == "None" else f"{words} {value}"


@dataclass(frozen=True, eq=False)
class OneWay:
    """Holds a run to what made the results in `out` so far.

    follow: the bundle's folder, where a change of its content is wanted.
    """

    journal: Journal
    out: Path
    follow: Path | None

    def require(self, model: Model, settings: Settings) -> None:
        """Raises ConfigurationError where `out` holds results of another bundle, pixel size or way of measuring."""
        ways = model.ways
        scale_bars = "read, text masked" if settings.scale_bars else "not read"
        chosen = (str(settings.nm_per_px), scale_bars, str(ways.detail), ways.edges, ways.outline)
        for key, value in zip(WAYS, chosen, strict=True):
            self._same(key, value)
        self.require_bundle(model.bundle)

    def require_bundle(self, bundle: Bundle) -> None:
        """The bundle of the results so far, or the next one of a folder that is followed; else as `require`."""
        if self.follow is None:
            self._same(BUNDLE, bundle.fingerprint)
        else:
            self._next_of(self.follow, bundle.fingerprint)
        self.journal.remember(measures_key(bundle.fingerprint), bundle.measures)
        self.journal.remember(threshold_key(bundle.fingerprint), f"{bundle.foreground_threshold:g}")

    def _next_of(self, follow: Path, fingerprint: str) -> None:
        before = self.journal.recall(BUNDLE)
        if before is None or self.journal.recall(FOLLOWS) != str(follow):
            self._same(BUNDLE, fingerprint)
        elif before != fingerprint:
            self.journal.note(BUNDLE, f"{before} -> {fingerprint}")
            self.journal.remember(BUNDLE, fingerprint)
            logger.warning(
                "%s: bundle %s from now on; earlier rows keep what %s said (column bundle)",
                self.out, fingerprint, before,
            )  # fmt: skip
        self.journal.remember(FOLLOWS, str(follow))

    def _same(self, key: str, value: str) -> None:
        before = self.journal.recall(key)
        if before is not None and before != value:
            raise ConfigurationError(
                f"{self.out} holds results made with {_said(key, before)}, this run has {_said(key, value)}: "
                "choose another --out."
            )
        if before is None:
            self.journal.remember(key, value)
