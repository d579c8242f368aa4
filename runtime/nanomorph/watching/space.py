"""Is there room to write results?"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

from nanomorph.sources.members import human

MIB = 1024**2
RESERVE = 256 * MIB
RESERVE_SHARE = 0.02


def shortage(folders: Sequence[Path]) -> str | None:
    """What to tell about the first folder whose disk is nearly full; None where all have room.

    Nearly full: less than 256 MiB free, or 2 % where the disk is that small.
    """
    for folder in folders:
        try:
            usage = shutil.disk_usage(folder)
        except OSError as error:
            return f"{folder}: {error.strerror or error}"
        if usage.free < min(RESERVE, RESERVE_SHARE * usage.total):
            return f"{folder}: only {human(usage.free)} free on a disk of {human(usage.total)}"
    return None
