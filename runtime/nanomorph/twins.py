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
        self._latest: dict[str, str] = {}

    def admit(self, name: str) -> None:
        """Take note of a name before anything is written for it."""
        folded = name.casefold()
        twin = self._latest.setdefault(folded, name)
        if twin == name:
            twin = self._journal.twin_of(name) or name
        if twin != name and not self._journal.is_apart(name):
            self._journal.set_apart(name, twin)
        if len(self._latest) > _REMEMBERED:
            del self._latest[next(iter(self._latest))]
