"""A micrograph's rows of domains.csv for other heads: what was measured as numbers, what heads say behind it."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import chain, compress

import numpy as np

from nanomorph.journal import Measured
from nanomorph.journal.rows import packed
from nanomorph.results.cells import line, number, quoted, text, truth


@dataclass(frozen=True, eq=False)
class JudgedDomains:
    """columns: of domains.csv; lines: a CSV line a domain, without its end."""

    columns: tuple[str, ...]
    lines: list[str]

    @classmethod
    def of(cls, measured: Measured, stale: Iterable[str]) -> JudgedDomains:
        """What was measured, without what heads of the tasks `stale` said."""
        recorded, content = measured.domain_columns, measured.domains
        said = {name for task in stale for name in (task, f"{task}_confidence")}
        kept = [name not in said for name in recorded]
        columns = tuple(compress(recorded, kept))
        if '"' in content or recorded[: len(columns)] != columns:
            rows = csv.reader(io.StringIO(content, newline=""))
            return cls(columns, [line(compress(row, kept)).removesuffix("\n") for row in rows])
        # As in nearly every run: no cell is quoted and heads speak last, so that a line need not be taken apart.
        lines, n_stale = content.split("\n")[:-1], len(recorded) - len(columns)
        return cls(columns, [one.rsplit(",", n_stale)[0] for one in lines] if n_stale else lines)

    def judged(self, task: str, labels: np.ndarray, confidences: np.ndarray) -> JudgedDomains:
        """With the columns of one more task: labels (N,), confidences (N,)."""
        said = labels.tolist()
        cells = {label: quoted(text(label)) for label in set(said)}
        shown = zip(self.lines, said, map(number, confidences.tolist()), strict=True)
        lines = [f"{one},{cells[label]},{confidence}" for one, label, confidence in shown]
        return JudgedDomains((*self.columns, task, f"{task}_confidence"), lines)

    def packed(self) -> bytes:
        """Its CSV lines as the journal stores them."""
        return packed("".join([f"{one}\n" for one in self.lines]))


def numbers_and_truths(
    tables: Sequence[JudgedDomains], numbers: Sequence[str], truths: str
) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Of each of several micrographs: float32 (N, K) of K columns, NaN where a cell is empty, and bool (N,) of one.

    They have the same columns; one call for many takes a third of the time of calls for each.
    """
    counts = [len(table.lines) for table in tables]
    if not any(counts):
        return [np.empty((0, len(numbers)), np.float32) for _ in tables], [np.empty(0, bool) for _ in tables]
    import pandas as pd

    frame = pd.read_csv(
        io.StringIO("\n".join(chain.from_iterable(table.lines for table in tables))),
        names=list(tables[0].columns),
        usecols=[*numbers, truths],
        # Six digits are read to the last bit (a whole number divided by a power of ten), which `float` would do.
        dtype={truths: str} | dict.fromkeys(numbers, np.float64),
    )
    ends = np.cumsum(counts)[:-1]
    descriptors, at_edge = frame[list(numbers)].to_numpy(np.float32), (frame[truths] == truth(1.0)).to_numpy(bool)
    return np.split(descriptors, ends), np.split(at_edge, ends)
