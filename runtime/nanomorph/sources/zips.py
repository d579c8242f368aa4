"""Micrographs inside a .zip, read in place."""

from __future__ import annotations

import stat
import zipfile
from collections.abc import Iterator
from pathlib import Path

from nanomorph.micrograph import ReadError
from nanomorph.naming import natural_key
from nanomorph.readers import companion_of, suffix_of
from nanomorph.sources.entry import Item, Rejected
from nanomorph.sources.members import DAMAGE, Budget, bomb, first_of_name, plain_name, read_counted, unwanted


def zip_members(path: Path, name: str, limit: int, stamp: str) -> Iterator[Item | Rejected]:
    """Items of the zip at `path` in natural order, called `name!/member`; `limit` in bytes per member."""
    size = path.stat().st_size
    try:
        archive = zipfile.ZipFile(path)
    except PermissionError:
        raise
    except (*DAMAGE, NotImplementedError) as error:
        yield Rejected(name, "corrupt-archive", f"cannot be opened as a zip: {error}", stamp, size)
        return
    with archive:
        # `is_dir` fails on a member without a name (Python 3.11), which is refused below.
        infos = [info for info in archive.infolist() if not info.filename or not info.is_dir()]
        infos.sort(key=lambda info: natural_key(info.filename.encode("utf-8", "backslashreplace").decode()))
        siblings = {plain for info in infos if (plain := plain_name(info.filename))}
        seen: dict[str, int] = {}
        budget = Budget.of(limit, size)
        for info in infos:
            entry = _entry(archive, info, name, budget, siblings)
            if entry is not None:
                yield first_of_name(entry, seen)


def _entry(
    archive: zipfile.ZipFile, info: zipfile.ZipInfo, name: str, budget: Budget, siblings: set[str]
) -> Item | Rejected | None:
    stamp = f"{info.CRC:08x} {info.date_time}"
    verdict = unwanted(name, info.filename, info.file_size, stamp, budget.member)
    if verdict is True:
        return None
    if isinstance(verdict, Rejected):
        return verdict
    full = f"{name}!/{plain_name(info.filename)}"
    companion = _companion(full, name, siblings)
    item = Item(full, info.file_size, None, lambda: _load(archive, info, budget), stamp, companion)
    return _refusal(info, full, stamp) or item


def _refusal(info: zipfile.ZipInfo, name: str, stamp: str) -> Rejected | None:
    if stat.S_ISLNK(info.external_attr >> 16):
        return Rejected(name, "link", "a link inside an archive is not followed", stamp, info.file_size)
    if info.flag_bits & 1:
        return Rejected(name, "encrypted", "the member is protected by a password", stamp, info.file_size)
    return None


def _companion(full: str, archive: str, siblings: set[str]) -> str | None:
    if suffix_of(full) != ".emi":
        return None
    found = companion_of(full.removeprefix(f"{archive}!/"), siblings)
    return f"{archive}!/{found}" if found else None


def _load(archive: zipfile.ZipFile, info: zipfile.ZipInfo, budget: Budget) -> bytes:
    if budget.spent + info.file_size > budget.total:
        raise bomb(budget.total)
    try:
        with archive.open(info) as stream:
            data = read_counted(stream, budget.member)
    except NotImplementedError as error:
        raise ReadError("unsupported-compression", str(error)) from error
    except RuntimeError as error:  # zipfile's only sign that a member wants a password after all
        raise ReadError("encrypted", str(error)) from error
    except DAMAGE as error:
        raise ReadError("corrupt-member", f"cannot be unpacked: {error}") from error
    budget.spend(len(data))
    return data
