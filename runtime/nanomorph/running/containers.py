"""Archives and folders that could not be opened and now can: they leave the quarantine, as nothing else says so."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from nanomorph.running.work import Discovered
from nanomorph.sources.entry import archive_of
from nanomorph.stages import FLUSH


def followed(discovered: Iterable[Discovered], absolve: Callable[[str], None]) -> Iterator[Discovered]:
    """Pass everything on; `absolve` gets the name of each archive or folder that was gone through to its end."""
    opened: str | None = None
    for entry in discovered:
        name = None if entry is FLUSH else entry.name
        inside = None if name is None else container(name)
        # An archive that is cut off is rejected by its own name, after the members before the cut.
        if opened is not None and opened not in (inside, name):
            absolve(opened)
        opened = inside
        yield entry
    if opened is not None:
        absolve(opened)


def container(name: str) -> str:
    """The archive that an input lies in, or its folder as tables name it: `a/x.zip`, `a/`, `./`."""
    if (archive := archive_of(name)) is not None:
        return archive
    folder = name.rstrip("/").rpartition("/")[0]
    return f"{folder}/" if folder else "./"
