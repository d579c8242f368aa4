"""Where a micrograph's result files lie: its own name, made safe for every file system."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

# What Windows refuses (also on a share that Linux writes), and what hides or confuses elsewhere.
_ILLEGAL = re.compile(r'[<>:"|?*\\\x00-\x1f\x7f]')
# Windows' devices, whatever follows a dot, and spaces before it (learn.microsoft.com, "Naming Files").
_RESERVED = re.compile(r"(con|prn|aux|nul|conin\$|conout\$|(com|lpt)[0-9¹²³]) *(\..*)?", re.IGNORECASE)
_BYTES_MAX = 255
_SUFFIXES = {"masks": ".tif", "overlays": ".png", "wires": ".csv"}


def result_path(out: Path, kind: str, name: str, suffix: str, apart: bool = False) -> Path:
    """`out/kind/name + suffix`; a part of the name that no file system takes is replaced and hashed.

    Different names get different paths: the suffix is added to the whole name (a.tif and a.png stay apart),
    and a replaced part carries a hash of what it was.
    apart: another micrograph's name differs by case alone, which many file systems do not tell (`twins`).
    """
    *folders, last = name.split("/")
    parts = [_safe(folder, folder.casefold().endswith(suffix)) for folder in folders]
    return Path(out, kind, *parts, _safe(last, False, suffix, of=name if apart else None))


def remove_results(out: Path, name: str, apart: bool = False) -> None:
    """Delete the mask, overlay and wires of a micrograph that is superseded by one that cannot be used."""
    for kind, suffix in _SUFFIXES.items():
        result_path(out, kind, name, suffix, apart).unlink(missing_ok=True)


def _safe(part: str, clashes: bool, suffix: str = "", of: str | None = None) -> str:
    """One part of a path. `clashes`: a folder that is named as the result file of another may be.

    of: the whole name, where all of it must be told apart: `Run/a.tif` has the last part of `run/a.tif`.
    """
    clean = _ILLEGAL.sub("_", part)
    full = clean + suffix
    strange = clean != part or part in ("", ".", "..") or full[-1:] in ". " or _RESERVED.fullmatch(part)
    if not (strange or clashes or of or len(full.encode()) > _BYTES_MAX):
        return full
    mark = "-" + hashlib.sha256((of or part).encode("utf-8", "surrogateescape")).hexdigest()[:10] + suffix
    kept = clean.encode("utf-8", "replace")[: _BYTES_MAX - len(mark)].decode("utf-8", "ignore")
    return kept.strip(". ") + mark
