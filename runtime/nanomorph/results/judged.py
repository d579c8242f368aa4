"""A micrograph's rows of domains.csv for other heads: what was measured as numbers, what heads say behind it."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import compress

import numpy as np

from nanomorph.journal import Measured
from nanomorph.journal.rows import packed
from nanomorph.results.cells import is_plain, line, number, text, truth


@dataclass(frozen=True, eq=False)
class JudgedDomains:
    """columns: of domains.csv; rows: the cells of every domain. plain: no cell needs quotes, as in nearly every run."""

    columns: tuple[str, ...]
    rows: list[list[str]]
    plain: bool

    @classmethod
    def of(cls, measured: Measured, stale: Iterable[str]) -> JudgedDomains:
        """What was measured, without what heads of the tasks `stale` said."""
        lines = measured.domains
        plain = '"' not in lines
        # The csv module takes three times as long as a split, which finds the same cells where none is quoted.
        rows = [one.split(",") for one in lines.split("\n")[:-1]] if plain else _parsed(lines)
        said = {name for task in stale for name in (task, f"{task}_confidence")}
        kept = [name not in said for name in measured.domain_columns]
        rows = [list(compress(row, kept)) for row in rows]
        return cls(tuple(compress(measured.domain_columns, kept)), rows, plain)

    def numbers(self, names: Sequence[str]) -> np.ndarray:
        """Float32 (N, K) of K columns; NaN where a cell is empty."""
        wanted = [self.columns.index(name) for name in names]
        values = [[float(row[n] or "nan") for n in wanted] for row in self.rows]
        return np.array(values, np.float32).reshape(len(values), len(wanted))

    def truths(self, name: str) -> np.ndarray:
        """Bool (N,) of a column of `true` and `false`."""
        at = self.columns.index(name)
        return np.array([row[at] == truth(1.0) for row in self.rows], bool)

    def judged(self, task: str, labels: np.ndarray, confidences: np.ndarray) -> JudgedDomains:
        """With the columns of one more task: labels (N,), confidences (N,)."""
        said = zip(map(text, labels.tolist()), map(number, confidences.tolist()), strict=True)
        rows = [[*row, *cells] for row, cells in zip(self.rows, said, strict=True)]
        columns = (*self.columns, task, f"{task}_confidence")
        return JudgedDomains(columns, rows, self.plain and all(map(is_plain, set(labels.tolist()))))

    def packed(self) -> bytes:
        """Its CSV lines as the journal stores them."""
        if self.plain:
            return packed("".join([",".join(row) + "\n" for row in self.rows]))
        return packed("".join(map(line, self.rows)))


def _parsed(lines: str) -> list[list[str]]:
    return list(csv.reader(io.StringIO(lines, newline="")))
