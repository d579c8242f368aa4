"""Errors of the place that results are written to, told apart from errors of what is written."""

from __future__ import annotations

import errno
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from nanomorph.atomic import TEMPORARY_SUFFIX, atomic_open
from nanomorph.errors import BlockedError, OutputError

# A disk that is full or read-only: no later micrograph would fare better.
HOPELESS = {errno.ENOSPC, errno.EDQUOT, errno.EROFS}
# What a single file may answer while others beside it can be written: Windows replaces none that a program has open.
_BLOCKED = {errno.EACCES, errno.EPERM, errno.EBUSY, errno.EISDIR}
_WINDOWS_TOO_LONG = 206
_PROBE = b"\0" * 1024**2


@contextmanager
def writing_to(out: Path) -> Iterator[None]:
    """An OSError in here means that results cannot be written; raised as OutputError, of one file as BlockedError."""
    try:
        yield
    except OSError as error:
        if error.errno in HOPELESS:
            hint = "Free space or choose another --out, then run the same command."
            raise OutputError(f"{out}: {error.strerror}. {hint}") from error
        # Of a renaming the second is the one that people know.
        path = Path(error.filename2 or error.filename or out)
        if error.errno == errno.ENAMETOOLONG or getattr(error, "winerror", None) == _WINDOWS_TOO_LONG:
            raise BlockedError(f"{path}: its path is too long: choose an --out nearer to the root.") from error
        if error.errno in _BLOCKED and writable([path.parent]):
            hint = "Is it open in another program, or protected?"
            raise BlockedError(f"{path}: cannot be replaced ({error.strerror or error}). {hint}") from error
        raise OutputError(f"{path}: cannot be written ({error.strerror or error}).") from error


def writable(folders: Sequence[Path]) -> bool:
    """Whether a MiB can be written to each folder, which is what a full disk refuses whatever it reports."""
    try:
        for folder in folders:
            # Never made: where a share was mounted lies another disk.
            if not folder.is_dir():
                return False
            # Of a thread's own: several may ask at once.
            probe = folder / f".room-{threading.get_ident()}{TEMPORARY_SUFFIX}"
            with atomic_open(probe) as file:
                file.write(_PROBE)
            probe.unlink()
    except OSError:
        return False
    return True
