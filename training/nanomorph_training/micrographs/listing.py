"""From folders, archives and CSV lists to samples."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from nanomorph.errors import ConfigurationError
from nanomorph.pixel_size import given_pixel_size
from nanomorph.sources import MEMBER_LIMIT, Item, Rejected, open_archive
from nanomorph.sources.entry import is_archive
from nanomorph.sources.folders import folder_items
from nanomorph_training.kinds import ONE_FOREGROUND
from nanomorph_training.micrographs import paper_sets
from nanomorph_training.micrographs.csv_lists import Line, has_file_column, lines_of
from nanomorph_training.micrographs.samples import Sample

# Columns that may hold the same thing, the first present one counts.
GROUP_COLUMNS = ("group", "article_doi")
# What kind of thing a mask shows may be known where a label to learn from is not.
KIND_COLUMNS = ("label", "weak_label")
MASK_FOLDERS = ("instance_masks", "instances", "masks", "labels", "segmaps", "overlays")
MEMBER = "!/"


def samples_of(path: Path) -> list[Sample]:
    """The samples that a folder, archive, list or file stands for (see `data.collect`).

    Raises ConfigurationError where there is none of that name.
    """
    if path.is_dir():
        return _from_folder(path)
    if path.suffix.lower() == ".csv":
        return from_csv(path)
    if not path.is_file():
        raise ConfigurationError(f"{path} does not exist")
    return from_archive(path, str(path)) if is_archive(path.name) else [Sample(path, source=str(path.parent))]


def from_csv(path: Path) -> list[Sample]:
    """Rows of a list: `file` (or `archive.zip!/member`), and where present mask or instance_mask, label, nm_per_px,
    group or article_doi. Paths are relative to the list."""
    return [_sample(line) for line in lines_of(path)]


def _sample(line: Line) -> Sample:
    row = line.cells
    kind = _first(row, KIND_COLUMNS).rstrip("?")
    union, instances = row.get("mask", ""), _first(row, ("instances", "instance_mask"))
    by_instance = bool(instances) and kind not in ONE_FOREGROUND
    mask = instances if by_instance or not union else union
    file, _, member = row["file"].partition(MEMBER)
    nm_per_px = _nm_per_px(line)
    if member and nm_per_px:
        raise line.wrong("nm_per_px can be stated for files, not for members of archives")
    return Sample(
        path=line.existing(file),
        source=str(line.source),
        mask=line.existing(mask) if mask else None,
        by_instance=by_instance,
        label=row.get("label", ""),
        group=_first(row, GROUP_COLUMNS),
        member=member,
        nm_per_px=nm_per_px,
    )


def _nm_per_px(line: Line) -> float | None:
    text = line.cells.get("nm_per_px", "")
    if text.strip().lower() in ("", "nan"):
        return None
    try:
        value = float(text)
    except ValueError:
        raise line.wrong(f"nm_per_px is {text!r}, not a number (with a decimal point)") from None
    try:
        return given_pixel_size(value)[0]
    except ValueError as error:
        raise line.wrong(f"{error}; leave it empty where it is unknown") from None


def _first(row: dict[str, str], columns: Sequence[str]) -> str:
    return next((row[column] for column in columns if row.get(column)), "")


def from_archive(path: Path, source: str) -> list[Sample]:
    """The micrographs inside a .zip or .tar(.gz), by name; none is unpacked here."""
    return [Sample(path, source, member=name) for name in sorted(name for name, one in members(path) if _is_read(one))]


def members(archive: Path) -> Iterator[tuple[str, Item | Rejected]]:
    """What lies inside an archive, by its name there; an item is to be loaded before the next one is asked for."""
    for entry in open_archive(archive, "", MEMBER_LIMIT, ""):
        yield entry.name.removeprefix(MEMBER), entry


def _is_read(entry: Item | Rejected) -> bool:
    return isinstance(entry, Item) and entry.companion is None


def _from_folder(folder: Path) -> list[Sample]:
    lists = [path for path in sorted(folder.glob("*.csv")) if has_file_column(path)]
    if len(lists) > 1:
        raise ConfigurationError(
            f"{folder} holds several lists ({', '.join(p.name for p in lists)}): name the one meant"
        )
    if lists:
        return from_csv(lists[0])
    return paper_sets.recognise(folder) or _whatever_lies_in(folder)


def _whatever_lies_in(folder: Path) -> list[Sample]:
    """Every micrograph below a folder, and in the archives below it; masks where they lie as `_masks_beside` says."""
    archives: list[Path] = []

    def set_aside(path: Path, *_: object) -> Iterator[Item | Rejected]:
        archives.append(path)
        return iter(())

    found = [
        entry.path
        for entry in folder_items(folder, "", None, MEMBER_LIMIT, set_aside)
        if isinstance(entry, Item) and _is_read(entry) and entry.path is not None and not _is_mask(entry.path, folder)
    ]
    masks = _masks_beside(folder)
    samples = [Sample(path, source=str(folder), mask=masks.get(_key(path))) for path in sorted(found)]
    return samples + [sample for path in sorted(archives) for sample in from_archive(path, str(folder))]


def _is_mask(path: Path, folder: Path) -> bool:
    return bool(set(path.relative_to(folder).parts[:-1]) & set(MASK_FOLDERS))


def _masks_beside(folder: Path) -> dict[str, Path]:
    """Masks by key where `folder` has `images/` and a masks folder: `label_3.png` or `3_mask.png` to `image_3.png`."""
    if not (folder / "images").is_dir():
        return {}
    folders = [folder / name for name in MASK_FOLDERS[:-1] if (folder / name).is_dir()]
    return {_key(path): path for path in folders[0].iterdir()} if folders else {}


def _key(path: Path) -> str:
    kind = "(image|label|mask|instance|segmap)s?"
    return re.sub(f"^{kind}[_-]|[_-]{kind}$", "", path.stem)
