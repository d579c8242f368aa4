"""Where a new bundle goes: what may be there before, and how it takes that place whole."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable
from pathlib import Path

from nanomorph.atomic import TEMPORARY_SUFFIX, rename
from nanomorph.bundle import MANIFEST
from nanomorph.errors import ConfigurationError, FatalError

# Beginning of the folder beside a bundle in which its successor is made.
DRAFTS = ".bundle-"
DAY = 86_400.0
SHOWN = 3


def require_room(folder: Path) -> None:
    """Raises ConfigurationError where `folder` holds anything but one bundle and notes (*.md): it would be gone."""
    if not folder.exists():
        _require_folder_above(folder)
    elif not folder.is_dir() or (any(folder.iterdir()) and not (folder / MANIFEST).is_file()):
        raise ConfigurationError(f"--out {folder} is there and no bundle: give a new folder, or that of a bundle")
    elif found := _foreign(folder):
        shown = ", ".join(found[:SHOWN]) + ", ..." * (len(found) > SHOWN)
        raise ConfigurationError(
            f"--out {folder} holds what is no part of a bundle and would be gone ({shown}): move it away, or give a "
            "new folder"
        )


def require_file_place(file: Path) -> None:
    """Raises ConfigurationError where no file can be written at `file`."""
    if file.is_dir():
        raise ConfigurationError(f"--out {file} is a folder: --standalone writes one file, name it (as in x.onnx)")
    _require_folder_above(file)


def put(draft: Path, folder: Path) -> None:
    """Two renames: at every moment either the old bundle or the new one can be found, beside its name at worst.

    Notes (*.md) of the old one stay. Raises FatalError, naming a copy of the draft, where the place is not given free:
    Windows moves no folder that a program has open.
    """
    try:
        _swap(draft, folder)
    except OSError as error:
        kept = _free_name(folder)
        shutil.copytree(draft, kept)
        raise FatalError(
            f"{folder} cannot be replaced ({error.strerror or error}): is it open in another program? The new bundle "
            f"is in {kept}: rename it, or use it there."
        ) from error


def clear_leftovers(parent: Path, report: Callable[[str], None]) -> None:
    """Remove drafts that killed exports left in `parent` more than a day ago; name those that hold an older bundle."""
    for folder in sorted(parent.glob(f"{DRAFTS}*")):
        names = {path.name for path in folder.iterdir()} if folder.is_dir() and not folder.is_symlink() else {""}
        if not names <= {"bundle", "old"} or time.time() - folder.stat().st_mtime < DAY:
            continue
        if "old" in names:
            report(f"{folder / 'old'} is a bundle that a killed export was about to replace: move or remove it")
        else:
            shutil.rmtree(folder, ignore_errors=True)


def _swap(draft: Path, folder: Path) -> None:
    if not folder.exists():
        rename(draft, folder)
        return
    for path in folder.glob("*.md"):
        shutil.copy2(path, draft / path.name)
    old = draft.parent / "old"
    rename(folder, old)
    try:
        rename(draft, folder)
    except BaseException:
        _restore(old, folder)
        raise


def _restore(old: Path, folder: Path) -> None:
    try:
        rename(old, folder)
    except OSError:
        # What is left in the folder of drafts is removed with it.
        shutil.copytree(old, folder)


def _free_name(folder: Path) -> Path:
    names = [folder.with_name(f"{folder.name}.new{n or ''}") for n in range(1000)]
    return next(name for name in names if not name.exists())


def _foreign(folder: Path) -> list[str]:
    """What lies in a bundle's folder and is no part of one, relative to it."""
    listed = _listed(folder)
    paths = [path for path in sorted(folder.rglob("*")) if path.is_symlink() or not path.is_dir()]
    names = [path.relative_to(folder) for path in paths]
    return [name.as_posix() for name in names if not _is_of_bundle(name, listed)]


def _is_of_bundle(name: Path, listed: frozenset[str]) -> bool:
    # Heads that were replaced while somebody had them open (Windows) are named by no manifest any more.
    replaced = name.parts[0] == "heads" and name.suffix == ".onnx"
    made_here = name.parts[0] == "engines" or name.name.endswith(TEMPORARY_SUFFIX)
    note = len(name.parts) == 1 and name.suffix == ".md"
    return name.as_posix() in listed or replaced or made_here or note


def _listed(folder: Path) -> frozenset[str]:
    try:
        return frozenset({MANIFEST, *json.loads((folder / MANIFEST).read_text(encoding="utf-8"))["files"]})
    except (OSError, ValueError, KeyError, TypeError):
        return frozenset({MANIFEST})


def _require_folder_above(path: Path) -> None:
    above = next(one for one in path.resolve().parents if one.exists())
    if not above.is_dir():
        raise ConfigurationError(f"--out {path} cannot be made: {above} is a file")
