"""The list that labels are written to: `file,label,group`, whole after every answer."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from nanomorph.atomic import atomic_open
from nanomorph.errors import OutputError
from nanomorph_training.micrographs.csv_lists import FILE, lines_of
from nanomorph_training.micrographs.listing import GROUP_COLUMNS, MEMBER, from_csv
from nanomorph_training.micrographs.samples import Sample

LABEL, GROUP = "label", "group"


class Sheet:
    """Labels of micrographs by `Sample.name`, in a CSV list that is written anew at every change.

    Rows that were there before, and columns of any name, are kept.
    """

    def __init__(self, path: Path) -> None:
        """Raises ConfigurationError for a file that is no list of micrographs."""
        self.path = path
        self._rows: dict[tuple[Path, str], dict[str, str]] = {}
        if path.exists():
            listed = zip(from_csv(path), lines_of(path), strict=True)
            self._rows = {_key(sample): dict(line.cells) for sample, line in listed}

    def label_of(self, sample: Sample) -> str:
        """The label that a micrograph has; "" where it has none."""
        return self._rows.get(_key(sample), {}).get(LABEL, "")

    def classes(self) -> list[str]:
        """All labels, in the order in which they first come."""
        return list(dict.fromkeys(self.counts()))

    def counts(self) -> Counter[str]:
        """How many micrographs have each label."""
        return Counter(row[LABEL] for row in self._rows.values() if row.get(LABEL))

    def give(self, sample: Sample, label: str, group: str) -> None:
        """Label a micrograph; "" takes its label back. Raises OutputError where the list cannot be written."""
        row = self._rows.setdefault(_key(sample), {FILE: self._written(sample)})
        row[LABEL] = label
        if not any(row.get(column) for column in GROUP_COLUMNS):
            row[GROUP] = group
        if not label and set(row) == {FILE, LABEL, GROUP}:
            del self._rows[_key(sample)]
        self._write()

    def _written(self, sample: Sample) -> str:
        """How the list names a micrograph: below its own folder relative, so that both can move; else in full."""
        path, folder = sample.path.resolve(), self.path.parent.resolve()
        name = path.relative_to(folder).as_posix() if path.is_relative_to(folder) else str(path)
        return f"{name}{MEMBER}{sample.member}" if sample.member else name

    def _write(self) -> None:
        columns = dict.fromkeys([FILE, LABEL, GROUP, *(column for row in self._rows.values() for column in row)])
        try:
            with atomic_open(self.path, "w") as file:
                writer = csv.DictWriter(file, list(columns), restval="")
                writer.writeheader()
                writer.writerows(self._rows.values())
        except OSError as error:
            raise OutputError(f"{self.path} cannot be written ({error.strerror}); is it open elsewhere?") from error


def groups_of(samples: Sequence[Sample], by_folder: bool) -> list[str]:
    """What must not be split (a specimen, an article) of each micrograph: as listed; else its folder, or nothing.

    A micrograph inside an archive belongs to the archive and the folder in it.
    """
    return [sample.group or (_folder(sample) if by_folder else "") for sample in samples]


def _folder(sample: Sample) -> str:
    source = Path(sample.source)
    source = source.parent if source.is_file() else source
    inside = sample.path.relative_to(source) if sample.path.is_relative_to(source) else Path(sample.path.name)
    if sample.member:
        return f"{inside.as_posix()}{MEMBER}{sample.member}".rpartition("/")[0]
    return inside.parent.as_posix() if inside.parent != Path() else source.name


def _key(sample: Sample) -> tuple[Path, str]:
    return sample.path.resolve(), sample.member
