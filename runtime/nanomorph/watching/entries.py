"""From a file that was sighted to what the pipeline takes, and back from an event to the file."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

from nanomorph.naming import readable
from nanomorph.readers import emi_beside, ser_beside, suffix_of
from nanomorph.sources import MEMBER_LIMIT, Item, Rejected, open_archive
from nanomorph.sources.entry import archive_of, is_archive, is_micrograph, not_an_image
from nanomorph.sources.folders import companion_beside, load_file, stamp_of
from nanomorph.watching.poller import Sighting


def entries_of(sighting: Sighting, provisional: bool) -> Iterator[Item | Rejected]:
    """The micrograph in a file, the members of an archive, or why there is none; as `sources.discover` has them."""
    name, path = sighting.name, sighting.path
    if sighting.rejected is not None or not (is_archive(name) or is_micrograph(name)):
        yield unread(sighting)
    elif is_archive(name):
        for entry in open_archive(path, name, MEMBER_LIMIT, stamp_of(path, sighting.mtime_ns)):
            yield replace(entry, provisional=provisional)
    else:
        yield item_of(sighting, provisional)


def item_of(sighting: Sighting, provisional: bool = False) -> Item:
    """The item of a micrograph's file; loading it fails unless it is still as it was sighted."""
    name, path, size, mtime_ns = sighting.name, sighting.path, sighting.size, sighting.mtime_ns
    return Item(
        name,
        size,
        path,
        lambda: load_file(path, MEMBER_LIMIT, size, mtime_ns),
        stamp_of(path, mtime_ns),
        companion_beside(path, name),
        provisional,
    )


def unread(sighting: Sighting) -> Rejected:
    """The rejection of what is no file, or no micrograph by its name."""
    return sighting.rejected or not_an_image(sighting.name)


def identity_of(sighting: Sighting) -> Item | Rejected | None:
    """What the journal may know this file as; None for an archive, whose members it knows."""
    if sighting.rejected is not None or not (is_archive(sighting.name) or is_micrograph(sighting.name)):
        return unread(sighting)
    return None if is_archive(sighting.name) else item_of(sighting)


def partner_of(sighting: Sighting) -> str | None:
    """The other file of a TIA pair, where it is there: what is true of one depends on both."""
    find = {".emi": ser_beside, ".ser": _emi}.get(suffix_of(sighting.name))
    partner = find(sighting.path) if find else None
    if partner is None:
        return None
    return sighting.name.removesuffix(readable(sighting.path.name)) + readable(partner.name)


def why_partner_is_late(sighting: Sighting, is_settling: Callable[[str], bool]) -> str | None:
    """Why a .ser must wait, though it stands still itself: its pixel size is in its .emi, which TIA writes last."""
    if suffix_of(sighting.name) == ".ser" and _emi(sighting.path) is None:
        return "companion-missing"
    partner = partner_of(sighting)
    return "changing" if partner and is_settling(partner) else None


def file_of(name: str) -> str:
    """The file that an entry lies in: itself, or its archive."""
    return archive_of(name) or name


def _emi(ser: Path) -> Path | None:
    found = emi_beside(ser)
    return found[0] if found else None
