"""Where micrographs come from: folders, files and archives become one lazy sequence of items."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from nanomorph.naming import readable
from nanomorph.sources.entry import Item, Rejected, is_archive
from nanomorph.sources.folders import OpenArchive, file_item, folder_items, reachable, stamp_of
from nanomorph.sources.members import MEMBER_LIMIT
from nanomorph.sources.tars import tar_members
from nanomorph.sources.zips import zip_members

__all__ = ["MEMBER_LIMIT", "Item", "Rejected", "count", "discover", "open_archive"]


def discover(
    inputs: Sequence[Path], exclude: Path | None = None, limit: int = MEMBER_LIMIT
) -> Iterator[Item | Rejected]:
    """Micrographs of folders (recursive), files, .zip and .tar(.gz, .bz2, .xz), found as they are asked for.

    inputs: at least one existing path; FileNotFoundError (at the call) names one that is not there.
    exclude: the output folder, which may lie in an input. limit: bytes that one image may hold or unpack to.

    Members of archives are read in place: call an item's `load` in the thread that iterates, before the
    next item is asked for (items with a `path` may be loaded whenever and wherever).
    """
    for path in inputs:
        if not reachable(path):
            raise FileNotFoundError(
                f"{path}: there is no such file or folder, or it may not be read (a name with blanks needs quotes)"
            )
    unique = list({path.resolve(): path for path in inputs})
    return _discover(unique, exclude, limit, open_archive)


def count(inputs: Sequence[Path], exclude: Path | None = None) -> int | None:
    """How many entries `discover` will give; None where a tar would have to be unpacked to know."""
    unique = list({path.resolve(): path for path in inputs})
    try:
        return sum(1 for _ in _discover(unique, exclude, MEMBER_LIMIT, _open_unless_tar))
    except _UnknownLengthError:
        return None


def _discover(
    inputs: Sequence[Path], exclude: Path | None, limit: int, open_archive: OpenArchive
) -> Iterator[Item | Rejected]:
    for path, name in zip(inputs, unique_names(inputs), strict=True):
        if path.is_dir():
            prefix = f"{name}/" if len(inputs) > 1 else ""
            yield from folder_items(path, prefix, exclude, limit, open_archive)
        elif is_archive(path.name):
            yield from open_archive(path, name, limit, stamp_of(path, path.stat().st_mtime_ns))
        else:
            yield file_item(path, name, limit, path.stat())


def open_archive(path: Path, name: str, limit: int, stamp: str) -> Iterator[Item | Rejected]:
    """Members of the archive at `path`, called `name!/member`; load each before asking for the next."""
    members = zip_members if path.name.casefold().endswith(".zip") else tar_members
    try:
        yield from members(path, name, limit, stamp)
    except OSError as error:
        yield Rejected(name, "no-access", f"the archive cannot be read: {error.strerror or error}", stamp)


class _UnknownLengthError(Exception):
    """A tar: it has no list of its members."""


def _open_unless_tar(path: Path, name: str, limit: int, stamp: str) -> Iterator[Item | Rejected]:
    if not path.name.casefold().endswith(".zip"):
        raise _UnknownLengthError
    yield from open_archive(path, name, limit, stamp)


def unique_names(inputs: Sequence[Path]) -> list[str]:
    """The last parts of the resolved paths, as many as tell all inputs apart: `a/run`, `b/run`.

    Apart, too, from what lies in the others: `run` and `run/b.png` would both have a `run/b.png`.
    """
    parts = [[readable(part) for part in path.parts] for path in inputs]
    names = ["/".join(one[-1:]) for one in parts]
    depth = 1
    while any(clash := _clashes(names)) and depth < max(map(len, parts)):
        depth += 1
        longer = ["/".join(one[-depth:]) for one in parts]
        names = [new if alike else old for old, new, alike in zip(names, longer, clash, strict=True)]
    return names


def _clashes(names: Sequence[str]) -> list[bool]:
    """Whether a name is another's, too, or lies in another, or another in it."""
    often = Counter(names)
    above = {"/".join(name.split("/")[:n]) for name in often for n in range(1, name.count("/") + 1)}
    inside = [any("/".join(name.split("/")[:n]) in often for n in range(1, name.count("/") + 1)) for name in names]
    return [often[name] > 1 or name in above or within for name, within in zip(names, inside, strict=True)]
