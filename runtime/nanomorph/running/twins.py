"""Names that differ by case alone: Windows, macOS and most shares take `A.png` and `a.png` for one file.

Both may be inputs all the same, in an archive or a folder on Linux, and results travel. So the result files of the one
that came later bear a mark, as those of other names do that no file system takes (`results.paths`).
"""

from __future__ import annotations

from nanomorph.journal import Journal

# More than are ever on their way at one time; all others are in the journal.
_REMEMBERED = 4096


class Twins:
    """Gives the mark, for one thread."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._unmarked: dict[str, str] = {}

    def admit(self, name: str) -> None:
        """Take note of a name before anything is written for it."""
        if self._journal.is_apart(name):
            return
        folded = name.casefold()
        first = self._unmarked.setdefault(folded, name)
        twin = self._journal.twin_of(name) if first == name else first
        if twin is not None:
            self._unmarked[folded] = twin
            self._journal.set_apart(name, twin)
        if len(self._unmarked) > _REMEMBERED:
            del self._unmarked[next(iter(self._unmarked))]
