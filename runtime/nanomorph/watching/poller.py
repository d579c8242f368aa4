"""Looks at a folder tree again and again, cheaply, and says what is new or has changed.

Ours, because file events fail where microscopes write: on network shares (watchdog #1065, #648, #654). A look
costs one stat per folder: a new name changes its folder's time, so only such folders are listed, and only new
names looked at. A file rewritten in place does not, nor do all file systems keep folder times: a deep look
stats every file, and the caller makes one as often as it can afford. No time is compared with our clock.
"""

from __future__ import annotations

import logging
import os
import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from nanomorph.journal.location import is_output
from nanomorph.naming import natural_key
from nanomorph.sources import Rejected
from nanomorph.sources.folders import Identity, classify, identity, visible

logger = logging.getLogger(__name__)

_Mark = tuple[int, int, str]
"""What tells whether a file has changed: size, time in ns, reason it cannot even be looked at."""


class FolderLostError(Exception):
    """The watched folder cannot be listed: its share is gone, for now."""


@dataclass(frozen=True)
class Sighting:
    """A file that is new or has changed. `rejected`: it cannot even be looked at."""

    name: str
    path: Path
    size: int
    mtime_ns: int
    rejected: Rejected | None = None

    @property
    def mark(self) -> _Mark:
        """Equal while the file is the same."""
        return self.size, self.mtime_ns, self.rejected.reason if self.rejected else ""


@dataclass
class _Folder:
    """What a folder held at the last look. steady: listed once more after its time had stopped changing."""

    path: Path
    prefix: str
    ancestors: tuple[Identity, ...] = ()
    mtime_ns: int = -1
    steady: bool = False
    troubled: bool = False
    files: dict[str, _Mark] = field(default_factory=dict)
    folders: dict[str, _Folder] = field(default_factory=dict)


class Poller:
    """Remembers a tree. wanted: takes a name relative to the root; exclude: a folder to leave out."""

    def __init__(self, root: Path, wanted: Callable[[str], bool] = lambda _: True, exclude: Path | None = None) -> None:
        self._wanted, self._exclude = wanted, exclude
        self._root = _Folder(root, "")
        self.n_files = 0

    def look(self, deep: bool) -> Iterator[Sighting]:
        """New and changed files, each folder's in natural order.

        Raises FolderLostError where the root cannot be listed. Anything below it that fails is logged once and
        looked at again next time.
        """
        excluded = identity(self._exclude) if self._exclude is not None else None
        n_files, stack = 0, [self._root]
        while stack:
            folder = stack.pop()
            try:
                found = self._look_at(folder, deep, excluded)
                folder.troubled = False
            except OSError as error:
                if folder is self._root:
                    raise FolderLostError(f"{folder.path}: {error.strerror or error}") from error
                self._complain(folder, error)
                continue
            yield from sorted(found, key=lambda one: natural_key(one.name))
            n_files += len(folder.files)
            stack += folder.folders.values()
        self.n_files = n_files

    def forget(self, name: str) -> None:
        """Report this file at the next look, as if it were new."""
        folder = self._root
        *parents, last = name.split("/")
        for parent in parents:
            if parent not in folder.folders:
                return
            folder = folder.folders[parent]
        folder.files.pop(last, None)
        folder.mtime_ns = -1

    def _look_at(self, folder: _Folder, deep: bool, excluded: Identity) -> list[Sighting]:
        found = folder.path.stat()
        unchanged = found.st_mtime_ns == folder.mtime_ns
        if unchanged and folder.steady and not deep:
            return []
        entries = self._entries(folder)
        # Times may tick as coarsely as 2 s: what came within the tick shows only when the folder is listed again.
        folder.mtime_ns, folder.steady = found.st_mtime_ns, unchanged
        ancestors = (*folder.ancestors, (found.st_dev, found.st_ino))
        files: dict[str, _Mark] = {}
        folders: dict[str, _Folder] = {}
        sightings = []
        for name, entry in entries:
            if not deep and name in folder.files:
                files[name] = folder.files[name]
            elif not deep and name in folder.folders:
                folders[name] = folder.folders[name]
            elif isinstance(new := _look_closely(entry, folder.prefix + name, ancestors), Sighting):
                if self._wanted(new.name):
                    files[name] = new.mark
                    sightings += [new] if folder.files.get(name) != new.mark else []
            elif identity(new.path) != excluded or excluded is None:
                folders[name] = folder.folders.get(name, new)
        folder.files, folder.folders = files, folders
        return sightings

    def _entries(self, folder: _Folder) -> list[tuple[str, os.DirEntry[str]]]:
        if folder is not self._root and is_output(folder.path):
            return []  # the results of some run: its overlays are no input
        return visible(folder.path)

    def _complain(self, folder: _Folder, error: OSError) -> None:
        if not folder.troubled:
            logger.warning("%s: cannot be listed (%s); trying again", folder.path, error.strerror or error)
        folder.troubled = True


def _look_closely(entry: os.DirEntry[str], name: str, ancestors: tuple[Identity, ...]) -> Sighting | _Folder:
    path = Path(entry.path)
    found = classify(entry, name)
    if isinstance(found, Rejected):
        return Sighting(name, path, 0, 0, found)
    if not stat.S_ISDIR(found.st_mode):
        return Sighting(name, path, found.st_size, found.st_mtime_ns)
    if identity(path) in ancestors:
        return Sighting(name, path, 0, 0, Rejected(name, "symlink-loop", "a link to a folder that contains it"))
    return _Folder(path, f"{name}/", ancestors)
