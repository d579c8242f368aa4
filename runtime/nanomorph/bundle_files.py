"""The files that a bundle names: each is what bundle.json says when it is loaded, and still when it is opened."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

from nanomorph.errors import BundleError

State = tuple[int, ...]


def state(file: Path) -> State:
    """Another one after every replacement; empty where there is no such file."""
    try:
        found = file.stat()
    except OSError:
        return ()
    return found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns


def verify(folder: Path, manifest: dict[str, Any]) -> dict[str, bytes]:
    """Check every file's sha256; the heads' bytes by name, read in the same breath: they may be replaced at any moment.

    Raises BundleError naming the file that is missing, unreadable, altered or another one.
    """
    expected: dict[str, str] = manifest["files"]
    kept = {head["file"] for head in manifest["heads"]}
    heads = {}
    for file, sha256 in expected.items():
        try:
            data = (folder / file).read_bytes()
        except OSError as error:
            raise BundleError(f"{folder / file} cannot be read ({error.strerror}); copy the bundle anew.") from error
        actual = hashlib.sha256(data).hexdigest()
        if actual != sha256:
            swapped = next((other for other, known in expected.items() if known == actual), None)
            why = "sha256 differs" if swapped is None else f"it is {swapped}"
            raise BundleError(
                f"{folder / file} is not the file this bundle was made with ({why}); copy the bundle anew."
            )
        if file in kept:
            heads[file] = data
    return heads


def read_again(folder: Path, file: str, sha256: str) -> bytes:
    """The bytes of a file that was verified before. Raises BundleError where they are others by now."""
    try:
        data = (folder / file).read_bytes()
    except OSError as error:
        raise _replaced(folder, file) from error
    if hashlib.sha256(data).hexdigest() != sha256:
        raise _replaced(folder, file)
    return data


def _replaced(folder: Path, file: str) -> BundleError:
    return BundleError(
        f"{folder} was changed while it was being opened ({file} is another file now): give the command again."
    )
