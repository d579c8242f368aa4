"""TIA writes one acquisition into two files: pixels in `x_1.ser`, what they mean in `x.emi`."""

from __future__ import annotations

import os
import re
from collections.abc import Collection
from pathlib import Path

_SER = re.compile(r"(?P<stem>.+)_(?P<number>[0-9]+)\.ser", re.IGNORECASE)


def companion_of(name: str, siblings: Collection[str]) -> str | None:
    """The `.ser` in `siblings` that holds the pixels of the `.emi` called `name`, or None.

    With a companion the pair is one micrograph: list the `.ser`, skip the `.emi`.
    `siblings`: names in the same form as `name` (with or without folders); a set makes this fast.
    """
    stem, dot, suffix = name.rpartition(".")
    if not dot or suffix.lower() != "emi":
        return None
    for number in range(1, 10):
        for ending in ("ser", "SER", "Ser"):
            if (candidate := f"{stem}_{number}.{ending}") in siblings:
                return candidate
    return None


def ser_beside(emi: Path) -> Path | None:
    """The first `.ser` that belongs to an `.emi` on disk. Looks for it by name: a folder may hold 100,000 files."""
    for number in range(1, 10):
        for ending in ("ser", "SER", "Ser"):
            ser = emi.with_name(f"{emi.stem}_{number}.{ending}")
            if _is_file(ser):
                # Windows finds it in any spelling; tables need its own.
                return emi.with_name(ser.resolve().name) if os.name == "nt" else ser
    return None


def emi_beside(ser: Path) -> tuple[Path, int] | None:
    """The `.emi` that describes a `.ser` on disk, and which of its objects that is (0 = first)."""
    match = _SER.fullmatch(ser.name)
    if match is None:
        return None
    for ending in (".emi", ".EMI", ".Emi"):
        emi = ser.with_name(match["stem"] + ending)
        if _is_file(emi):
            return emi, int(match["number"]) - 1
    return None


def _is_file(path: Path) -> bool:
    """`Path.is_file` that never raises: a name may be too long by its ending, a share may be gone."""
    try:
        return path.is_file()
    except OSError:
        return False
