"""Where a run's journal lies: in its output folder, or on a local disk that the output folder points to."""

from __future__ import annotations

from pathlib import Path

from nanomorph.atomic import atomic_open
from nanomorph.errors import ConfigurationError
from nanomorph.journal.filesystems import network_filesystem
from nanomorph.journal.schema import JOURNAL_NAME

POINTER = "journal.path"


def locate(out: Path) -> Path:
    """The journal of an output folder, which may not exist yet."""
    try:
        pointed = (out / POINTER).read_text(encoding="utf-8").strip()
    except FileNotFoundError:
        return out / JOURNAL_NAME
    return Path(pointed)


def place(out: Path, wanted: Path | None) -> Path:
    """Settle where the journal of `out` lies: `wanted` (from --journal), or where it lies already.

    SQLite's write-ahead log is unsafe on network filesystems (sqlite.org/wal.html), so one there is refused.
    Raises ConfigurationError: on a network filesystem, or elsewhere than the results already have theirs.
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
    if path.absolute() != (out / JOURNAL_NAME).absolute() and not (out / POINTER).exists():
        with atomic_open(out / POINTER, "w") as file:
            file.write(f"{path}\n")
    return path
