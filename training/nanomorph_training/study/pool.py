"""The labelled micrographs that all entrants of a classification study share."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from nanomorph_training.data import Sample, is_held_out
from nanomorph_training.features import Table, gather
from nanomorph_training.row_store import Row


@dataclass(frozen=True, eq=False)
class Pool:
    """The labelled micrographs of a study. y: class numbers (n,). cache: folder of features and decoded images."""

    samples: Sequence[Sample]
    y: np.ndarray
    classes: Sequence[str]
    cache: Path
    say: Callable[[str], None]

    @property
    def groups(self) -> list[str]:
        """A micrograph without a group is one of its own."""
        return [sample.group or sample.name for sample in self.samples]

    @property
    def held_out(self) -> list[bool]:
        """Of the groups that no training sees; one without a group is never kept out."""
        return [is_held_out(sample.group) for sample in self.samples]

    def table(self, rows: Callable[[Sample], Row]) -> Table:
        """Features of all samples, by what makes the rows of one."""
        return gather(self.samples, rows, self.say)
