"""Errors of the place that results are written to, told apart from errors of what is written."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from nanomorph.errors import OutputError

# A disk that is full or read-only: no later micrograph would fare better.
HOPELESS = {errno.ENOSPC, errno.EDQUOT, errno.EROFS}


@contextmanager
def writing_to(out: Path) -> Iterator[None]:
    """An OSError in here means that results cannot be written; raised as OutputError."""
    try:
        yield
    except OSError as error:
        if error.errno in HOPELESS:
            hint = "Free space or choose another --out, then run the same command."
            raise OutputError(f"{out}: {error.strerror}. {hint}") from error
        raise OutputError(f"{error.filename or out}: cannot be written ({error.strerror or error}).") from error
