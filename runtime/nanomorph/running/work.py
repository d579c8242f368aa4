"""What travels between the stages of the pipeline, and what comes out of it."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from typing import Self

from nanomorph.host.cores import cores
from nanomorph.host.memory import default_limit
from nanomorph.micrograph import Micrograph
from nanomorph.prepare import Prepared
from nanomorph.sources import Item, Rejected
from nanomorph.stages import Flush

logger = logging.getLogger(__name__)

Discovered = Item | Rejected | Flush


@dataclass(frozen=True)
class Settings:
    """What a user may change about a run.

    nm_per_px, one or x and y, overrides metadata. workers: threads that read, that infer and that measure (so many of
    each: they share the cores). copies: a second name of a content is measured, too (a data set's rows are
    independent) instead of listed as an alias (a live folder's are not).
    scale_bars: read burnt-in scale bars where nothing else gives a pixel size (extra `scalebar`).
    memory: bytes that frames being read and measured may take together; one that needs more is refused.
    batch: frames that a model is given at once; None leaves it to the engine.
    """

    nm_per_px: float | tuple[float, float] | None = None
    workers: int = field(default_factory=cores)
    overlays: bool = True
    copies: bool = True
    scale_bars: bool = False
    memory: int = field(default_factory=default_limit)
    batch: int | None = None


# The reason of a `done`: another content of that name was done before.
REPLACED = "replaced"


@dataclass(frozen=True)
class Event:
    """What became of one input.

    outcome: `done`, `quarantined`, `alias`, `touched` (a new time, the same content), `skipped` (settled by an
    earlier run), `held` (not ready, see `Item.provisional`) or `released` (an alias whose original has changed).
    """

    name: str
    outcome: str
    reason: str = ""
    detail: str = ""


@dataclass(frozen=True, eq=False)
class Loaded:
    """data: its content, or None where a reading thread is to load it."""

    item: Item
    data: bytes | None


@dataclass(frozen=True, eq=False)
class Read:
    """A decoded micrograph on its way through the model."""

    item: Item
    sha256: str
    micrograph: Micrograph

    @property
    def pixels(self) -> int:
        """Recorded pixels."""
        return int(self.micrograph.pixels.size)

    @property
    def held(self) -> int:
        """Bytes that it takes while it waits: its pixels, and where annotation lies (a byte each at most)."""
        return int(self.micrograph.pixels.nbytes) + self.pixels


Ready = tuple[Read, Prepared]


@dataclass(frozen=True, eq=False)
class Copy:
    """An item with the content of the done micrograph `original`, which may be its own former self."""

    item: Item
    sha256: str
    original: str


@dataclass(frozen=True, eq=False)
class Failed:
    """An input that cannot be used, or not yet."""

    entry: Item | Rejected
    reason: str
    detail: str

    @classmethod
    def unexpectedly(cls, item: Item, error: Exception) -> Self:
        """A defect of ours, not of the file: kept with its type, and the traceback logged."""
        logger.error("%s: unexpected failure", item.name, exc_info=error)
        return cls(item, "internal-error", f"{type(error).__name__}: {error}; please report it")
