"""Where a run's journal lies: in its output folder, or on a local disk that the output folder points to.

An output folder on a share can be reached by several machines, a journal on a local disk only by one. The tables are
views of one journal, so a second one on the same output folder would wipe the first one's rows, at once or later.
Hence the pointer names the journal by an identity that no other has, and where and by whom it was last written; it is
no lock that could go stale: whoever has that journal may go on, whoever has not is refused.
"""

from __future__ import annotations

import os
import platform
from dataclasses import dataclass
from pathlib import Path

from nanomorph.atomic import atomic_open
from nanomorph.errors import ConfigurationError, OutputError
from nanomorph.journal.filesystems import network_filesystem
from nanomorph.journal.schema import JOURNAL_NAME, JournalError, identity_of

POINTER = "journal.path"


@dataclass(frozen=True)
class Owner:
    """What a pointer says: where the journal is, its identity, and the machine and process that wrote last."""

    journal: Path
    identity: str = ""
    host: str = ""
    process: str = ""

    @classmethod
    def of(cls, out: Path) -> Owner | None:
        """Of an output folder whose journal is elsewhere. Raises ConfigurationError for a file."""
        require_folder(out)
        try:
            first, *others = (out / POINTER).read_text(encoding="utf-8").splitlines()
        except (FileNotFoundError, ValueError):
            return None
        known = dict(line.partition(" ")[::2] for line in others)
        return cls(Path(first.strip()), known.get("identity", ""), known.get("host", ""), known.get("process", ""))

    def __str__(self) -> str:
        return "\n".join(
            (str(self.journal), f"identity {self.identity}", f"host {self.host}", f"process {self.process}", "")
        )


def require_folder(out: Path) -> None:
    """Refuse a file that was named in place of its folder, such as results/report.html, or anything in a file."""
    for path in (out, *out.parents):
        if path.is_file():
            there = any((path.parent / name).is_file() for name in (JOURNAL_NAME, POINTER))
            raise ConfigurationError(f"{path} is a file: give the folder{f', {path.parent}' if there else ''}.")


def is_output(folder: Path) -> bool:
    """A folder with a journal, or with what points to one, is a run's output."""
    return _is_there(folder / JOURNAL_NAME) or _is_there(folder / POINTER)


def _is_there(path: Path) -> bool:
    """`Path.exists` raises below a locked folder."""
    try:
        path.stat()
    except OSError:
        return False
    return True


def require_in_place(out: Path) -> None:
    """Raises OutputError where a run's output folder is away: what stands in its place may be a bare mount point."""
    if not is_output(out):
        raise OutputError(f"{out} is gone, or its share is: no journal is there, nor what points to one.")


def locate(out: Path) -> Path:
    """The journal of an output folder, which may not exist yet."""
    owner = Owner.of(out)
    return owner.journal if owner else out / JOURNAL_NAME


def locate_existing(out: Path) -> Path:
    """The journal of a run. Raises JournalError where there is none, or none that can be reached from here."""
    path, owner = locate(out), Owner.of(out)
    if not path.is_file():
        there = f" on {owner.host}, where it was written" if owner and owner.host else ""
        advice = f": it lies{there}" if there else "; give the --out of a batch or watch"
        raise JournalError(f"{out} holds no run: there is no {path}{advice}.")
    return path


def place(out: Path, wanted: Path | None) -> Path:
    """Settle where the journal of `out` lies: `wanted` (from --journal), or where it lies already.

    SQLite's write-ahead log is unsafe on network filesystems (sqlite.org/wal.html), so one there is refused.
    Raises ConfigurationError: on a network filesystem, or where the results come from another journal.
    """
    known = locate(out)
    if wanted is None:
        path = known
    else:
        path = wanted.absolute()
        path = path / JOURNAL_NAME if path.is_dir() else path
        if known.exists() and known.absolute() != path:
            raise ConfigurationError(f"--journal {path}: {out} has its journal at {known}; leave --journal out.")
    if kind := network_filesystem(path):
        raise ConfigurationError(
            f"{path} lies on a network filesystem ({kind}), where a journal can be damaged: "
            "give a place on a local disk with --journal PATH; the results may stay on the network."
        )
    _require_same(out, Owner.of(out), identity_of(path))
    return path


def point(out: Path, path: Path, identity: str) -> None:
    """Say in `out` that the journal at `path`, if it is elsewhere, made the results, and that this process writes it.

    Raises ConfigurationError where another machine has said so first.
    """
    if path.absolute() == (out / JOURNAL_NAME).absolute():
        return
    own = Owner(path.absolute(), identity, platform.node(), str(os.getpid()))
    if not _create(out / POINTER, str(own)):
        _require_same(out, Owner.of(out), identity)
        with atomic_open(out / POINTER, "w") as file:
            file.write(str(own))


def _create(path: Path, content: str) -> bool:
    """Write a file that must not be there yet: of two machines that begin at the same moment one succeeds."""
    try:
        with open(path, "x", encoding="utf-8", newline="") as file:
            file.write(content)
    except FileExistsError:
        return False
    return True


def _require_same(out: Path, owner: Owner | None, identity: str) -> None:
    if owner is None or not owner.identity or owner.identity == identity:
        return
    raise ConfigurationError(
        f"{out} belongs to {owner.host}, process {owner.process}, whose journal is {owner.journal} there: choose "
        "another --out. If that machine is gone for good, bring its journal here and name it with --journal."
    )
