"""Which micrographs a training run sees: folders and CSV lists, groups, and the articles kept out.

A sample is a file with, where known, its mask, label and group. Images of one group (an article, a specimen,
a movie) resemble one another: splits go by group, never by image.
"""

from __future__ import annotations

import csv
import hashlib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from nanomorph.errors import ConfigurationError

# Columns that may hold the same thing, the first present one counts.
GROUP_COLUMNS = ("group", "article_doi")
# What kind of thing a mask shows may be known where a label to learn from is not.
KIND_COLUMNS = ("label", "weak_label")
MASK_FOLDERS = ("instance_masks", "instances", "masks", "labels", "segmaps", "overlays")
IMAGE_SUFFIXES = frozenset(
    [".tif", ".tiff", ".png", ".jpg", ".jpeg", ".bmp", ".dm3", ".dm4", ".mrc", ".mrcs", ".emd", ".ser", ".emi", ".h5"]
)
# Masks of wires are one foreground however many wires cross in it; particles are told apart.
WIRE_LABELS = frozenset({"singular", "dispersed", "network", "bundle"})
SYNTHETIC = "synthetic"


@dataclass(frozen=True)
class Sample:
    """One micrograph of a training pool.

    mask: an image whose values > 0 are foreground; `by_instance`: its values are particle numbers.
    group: what must not be split, "" where nothing is known. source: the list or folder it came from.
    """

    path: Path
    source: str
    mask: Path | None = None
    by_instance: bool = False
    label: str = ""
    group: str = ""

    @property
    def is_synthetic(self) -> bool:
        return self.group.startswith(SYNTHETIC)


def is_held_out(group: str) -> bool:
    """True for the quarter of all articles that no stage of training may see.

    The rule: md5 of the group's name, as a number, is divisible by 4. It needs no list, so pretraining,
    segmenter and heads agree on it, and an article added later falls on the same side everywhere.
    Nothing is held out where the group is unknown ("") or synthetic (a name starting with `synthetic`).
    """
    if not group or group.startswith(SYNTHETIC):
        return False
    return int(hashlib.md5(group.encode(), usedforsecurity=False).hexdigest(), 16) % 4 == 0


def collect(paths: Iterable[Path]) -> list[Sample]:
    """All samples of folders, CSV lists and single files, each file once, in a stable order.

    A folder stands for the one CSV with a column `file` in it, for its `images/` and masks folder, or for
    every micrograph below it. Raises ConfigurationError where a path gives nothing.
    """
    found: dict[Path, Sample] = {}
    for path in paths:
        samples = _samples(Path(path))
        if not samples:
            raise ConfigurationError(f"{path} holds no micrograph; name a folder, a file or a CSV with a column `file`")
        for sample in samples:
            found.setdefault(sample.path.resolve(), sample)
    return list(found.values())


def _samples(path: Path) -> list[Sample]:
    if path.is_dir():
        return _from_folder(path)
    if path.suffix.lower() == ".csv":
        return from_csv(path)
    if path.is_file():
        return [Sample(path, source=str(path.parent))]
    raise ConfigurationError(f"{path} does not exist")


def from_csv(path: Path) -> list[Sample]:
    """Rows of a list: `file`, and where present mask or instance_mask, label, group or article_doi."""
    try:
        with open(path, encoding="utf-8-sig", newline="") as lines:
            rows = list(csv.DictReader(lines))
    except OSError as error:
        raise ConfigurationError(f"{path} cannot be read: {error.strerror}") from error
    if rows and "file" not in rows[0]:
        raise ConfigurationError(f"{path} has no column `file`; it has {', '.join(rows[0])}")
    return [_from_row(row, path) for row in rows]


def _from_row(row: dict[str, str], path: Path) -> Sample:
    kind = _first(row, KIND_COLUMNS).rstrip("?")
    union, instances = row.get("mask") or "", _first(row, ("instances", "instance_mask"))
    by_instance = bool(instances) and kind not in WIRE_LABELS
    mask = instances if by_instance or not union else union
    return Sample(
        path=path.parent / row["file"],
        source=str(path),
        mask=path.parent / mask if mask else None,
        by_instance=by_instance,
        label=(row.get("label") or "").strip(),
        group=_first(row, GROUP_COLUMNS),
    )


def _first(row: dict[str, str], columns: Sequence[str]) -> str:
    return next((row[column].strip() for column in columns if row.get(column)), "")


def _from_folder(folder: Path) -> list[Sample]:
    lists = [path for path in sorted(folder.glob("*.csv")) if _has_file_column(path)]
    if len(lists) > 1:
        raise ConfigurationError(
            f"{folder} holds several lists ({', '.join(p.name for p in lists)}): name the one meant"
        )
    if lists:
        return from_csv(lists[0])
    masks = _masks_beside(folder)
    return [
        Sample(path, source=str(folder), mask=masks.get(_key(path)), by_instance=False)
        for path in sorted(folder.rglob("*"))
        if path.suffix.lower() in IMAGE_SUFFIXES and not set(path.relative_to(folder).parts[:-1]) & set(MASK_FOLDERS)
    ]


def _has_file_column(path: Path) -> bool:
    with open(path, encoding="utf-8-sig", newline="") as lines:
        return "file" in next(csv.reader(lines), [])


def _masks_beside(folder: Path) -> dict[str, Path]:
    """Masks by key where `folder` has `images/` and a masks folder: `label_3.png` belongs to `image_3.png`."""
    if not (folder / "images").is_dir():
        return {}
    folders = [folder / name for name in MASK_FOLDERS[:-1] if (folder / name).is_dir()]
    return {_key(path): path for path in folders[0].iterdir()} if folders else {}


def _key(path: Path) -> str:
    return re.sub(r"^(image|label|mask|instance|segmap)s?[_-]", "", path.stem)


def group_split(groups: Sequence[str], fraction: float, salt: str = "") -> np.ndarray:
    """Boolean (n,): which samples go to the smaller part. All of a group go the same way; needs no seed.

    A group's side depends on its name and `salt` alone. At least one group lies on each side where there
    are two or more.
    """
    unique = sorted(set(groups), key=lambda group: hashlib.sha256(f"{salt}/{group}".encode()).digest())
    taken = min(max(1, round(fraction * len(unique))), len(unique) - 1) if fraction > 0 else 0
    return np.isin(np.asarray(groups, dtype=object), unique[:taken])


def without_held_out(samples: Sequence[Sample]) -> list[Sample]:
    """The samples that training may see."""
    return [sample for sample in samples if not is_held_out(sample.group)]


def fingerprint(samples: Sequence[Sample]) -> str:
    """Twelve hex digits that change when a file of the pool is added, removed or replaced by one of another size."""
    digest = hashlib.sha256()
    for sample in sorted(samples, key=lambda sample: str(sample.path)):
        digest.update(f"{sample.path.name} {sample.path.stat().st_size} {sample.group}\n".encode())
    return digest.hexdigest()[:12]


def shares(sources: Sequence[str], synthetic: Sequence[bool] = (), most_synthetic: float = 1.0) -> np.ndarray:
    """Float64 (n,), sum 1: how often each sample is drawn; a source's share grows with the root of its number.

    So 2,000 synthetic fields do not drown 20 real ones, and 20 are not repeated a hundred times. Synthetic
    samples together get at most `most_synthetic`, where there are others.
    """
    _, index, counts = np.unique(np.asarray(sources, dtype=str), return_inverse=True, return_counts=True)
    weight = (1 / np.sqrt(counts))[index]
    weight /= weight.sum()
    drawn = np.array(synthetic, dtype=bool) if len(synthetic) else np.zeros(len(weight), dtype=bool)
    total = weight[drawn].sum()
    if drawn.any() and not drawn.all() and total > most_synthetic:
        weight = np.where(drawn, weight * most_synthetic / total, weight * (1 - most_synthetic) / (1 - total))
    return weight


def draw(shares: np.ndarray, size: int, rng: np.random.Generator) -> np.ndarray:
    """`size` different samples (if there are so many), each by its share."""
    return rng.choice(len(shares), size=size, replace=size > len(shares), p=shares)
