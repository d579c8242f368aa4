"""Files that are whole or absent: temporary name in the same folder, flush, fsync, rename."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

TEMPORARY_SUFFIX = ".nanomorph-part"
# Seconds between tries: on Windows a virus scanner or an indexer holds a file for a moment.
_PAUSES = (0.05, 0.2, 0.5) if os.name == "nt" else ()


@contextmanager
def atomic_open(path: Path, mode: str = "wb") -> Iterator[IO]:
    """Open a temporary file beside `path`; on success it takes the name `path`, on error it vanishes."""
    path.parent.mkdir(parents=True, exist_ok=True)
    # A short name of its own: `path.name` plus a suffix may exceed the file system's 255 bytes.
    temporary = path.parent / f".{os.getpid()}-{abs(hash(path.name)) % 10**10}{TEMPORARY_SUFFIX}"
    encoding, newline = (None, None) if "b" in mode else ("utf-8", "")
    try:
        with open(temporary, mode, encoding=encoding, newline=newline) as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        rename(temporary, path)
    except BaseException as error:
        temporary.unlink(missing_ok=True)
        if isinstance(error, OSError) and error.filename == str(temporary):
            # The name that its reader knows.
            error.filename = str(path)
        raise
    sync_folder(path.parent)


def rename(temporary: Path, path: Path) -> None:
    """Rename a file or folder; on Windows tried again for a moment, while somebody has it open."""
    for pause in _PAUSES:
        try:
            temporary.replace(path)
            return
        except PermissionError:
            time.sleep(pause)
    temporary.replace(path)


def sync_folder(folder: Path) -> None:
    """Make a rename in `folder` durable. Windows has no such call and needs none."""
    if os.name == "nt":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def remove_leftovers(folder: Path) -> int:
    """Delete temporary files that a killed run left below `folder`; returns how many."""
    leftovers = list(folder.rglob(f".*{TEMPORARY_SUFFIX}"))
    for path in leftovers:
        path.unlink(missing_ok=True)
    return len(leftovers)
