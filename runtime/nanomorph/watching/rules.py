"""What a watcher goes by."""

from __future__ import annotations

import fnmatch
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Rules:
    """All times in seconds.

    settle: a file is read once its size and time have stood still for so long. poll: between two looks.
    idle_exit: stop when nothing new came for so long; None: never. tries: times that an unchanged file that
    looks unfinished is read before it is quarantined; the wait doubles from `settle` between them.
    include, exclude: patterns (`*.tif`, `grid 3/*`) of relative names, or of the last part where they have no
    slash; no include takes all.
    """

    settle: float = 5.0
    poll: float = 2.0
    idle_exit: float | None = None
    tries: int = 4
    include: Sequence[str] = ()
    exclude: Sequence[str] = ()

    def wanted(self, name: str) -> bool:
        """Whether a file of this name (relative, forward slashes) is looked at."""
        return (not self.include or _any(name, self.include)) and not _any(name, self.exclude)


def _any(name: str, patterns: Sequence[str]) -> bool:
    name = name.casefold()
    last = name.rpartition("/")[2]
    return any(fnmatch.fnmatchcase(name if "/" in one else last, one.casefold()) for one in patterns)
