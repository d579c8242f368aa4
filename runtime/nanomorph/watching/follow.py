"""A bundle that changes on disk is loaded between two images; a broken one is refused and the old one kept."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path

import numpy as np

from nanomorph.bundle import MANIFEST, Bundle, load_bundle
from nanomorph.model import Model, analyze

logger = logging.getLogger(__name__)

_Signature = tuple[tuple[str, int, int], ...]


class BundleFollower:
    """Watches one bundle's folder. open_model: makes a model of a verified bundle."""

    def __init__(self, folder: Path, fingerprint: str, open_model: Callable[[Bundle], Model]) -> None:
        self._folder, self._open = folder, open_model
        self._fingerprint = fingerprint
        # Empty, so that the first check compares once more: the bundle may have changed while it was opened.
        self._seen: _Signature = ()
        self._refused: _Signature = ()
        self._reason = ""

    def check(self) -> Model | None:
        """The new model where the bundle has changed and is sound, else None. Costs one stat when nothing has.

        `bundle.json` is the last file that `export` writes. While a bundle is refused all its files are looked
        at, because a plain copy may write them in any order.
        """
        seen = _signature([self._folder / MANIFEST])
        if seen == self._seen and not self._refused:
            return None
        everything = _signature(_below(self._folder)) if self._refused else ()
        if seen == self._seen and everything == self._refused:
            return None
        if seen != self._seen:
            self._seen, self._reason = seen, ""  # what is wrong with another manifest is said, the same thing or not
        return self._load()

    def _load(self) -> Model | None:
        try:
            bundle = load_bundle(self._folder)
            if bundle.fingerprint == self._fingerprint:
                self._refused = ()
                return None
            model = self._open(bundle)
            try:
                _rehearse(model)
            except BaseException:
                model.engine.close()
                raise
        except Exception as error:  # noqa: BLE001 (whatever is wrong with it, the old one goes on)
            self._refused = _signature(_below(self._folder))
            self._say(str(error) or type(error).__name__)
            return None
        self._fingerprint, self._refused = bundle.fingerprint, ()
        return model

    def _say(self, reason: str) -> None:
        """Once for each manifest: while a copy goes on, other files change at every check and the fault is the same."""
        if reason != self._reason:
            logger.error("bundle refused, %s goes on: %s", self._fingerprint, reason)
        self._reason = reason


def _rehearse(model: Model) -> None:
    """Everything that would fail on every micrograph, such as a head that wants an unknown descriptor."""
    pixels = np.full((96, 96), 200, np.uint8)
    pixels[30:60, 20:80] = 40
    analyze(pixels, model, nm_per_px=1.0)


def _below(folder: Path) -> list[Path]:
    """What lies in a folder; nothing where it cannot be listed, as on a share that is away."""
    try:
        return sorted(folder.rglob("*"))
    except OSError:
        return []


def _signature(files: list[Path]) -> _Signature:
    found = []
    for file in files:
        try:
            state = file.stat()
        except OSError:
            continue
        found.append((str(file), state.st_size, state.st_mtime_ns))
    return tuple(found)
