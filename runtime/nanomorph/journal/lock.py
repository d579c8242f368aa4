"""One process per output folder, however it died before: a lock that the operating system takes back."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import IO

# The locked byte lies far behind the text: on Windows a locked byte cannot even be read.
_LOCKED_BYTE = 1 << 20


class Busy(Exception):
    """Another process holds the lock; `holder` is what it wrote about itself."""

    def __init__(self, holder: str) -> None:
        super().__init__(holder)
        self.holder = holder


class ProcessLock:
    """An exclusive lock on `path`, held until `release` or the end of the process, kill -9 included.

    The file stays when the lock goes: deleting it would race with the next process to open it.
    """

    def __init__(self, path: Path) -> None:
        """Take the lock or raise Busy with the holder's process id."""
        self._file: IO[bytes] = open(path, "r+b" if path.exists() else "w+b")  # noqa: SIM115
        try:
            _lock(self._file)
        except OSError as error:
            holder = self._file.read(200).decode("utf-8", "replace").strip()
            self._file.close()
            raise Busy(holder or "unknown process") from error
        self._file.truncate(0)
        self._file.write(f"process {os.getpid()}\n".encode())
        self._file.flush()

    def release(self) -> None:
        """Let the next process in."""
        self._file.close()


def holder_of(path: Path) -> str | None:
    """What the process that holds the lock wrote about itself; None where nobody does. Changes nothing."""
    try:
        file = open(path, "r+b")  # noqa: SIM115
    except OSError:
        return None
    with file:
        try:
            _lock(file)
        except OSError:
            return file.read(200).decode("utf-8", "replace").strip() or "unknown process"
    return None


def _lock(file: IO[bytes]) -> None:
    if sys.platform == "win32":
        import msvcrt

        file.seek(_LOCKED_BYTE)
        try:
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        finally:
            file.seek(0)
    else:
        import fcntl

        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
