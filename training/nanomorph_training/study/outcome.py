"""What a study found, however it is shown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from nanomorph_training.study.statistics import Difference


@dataclass(frozen=True)
class Line:
    """One line of the table: its name, and scores by size of the labelled part, one a draw and seed."""

    name: str
    scores: Mapping[int, Sequence[float]]


@dataclass(frozen=True)
class Compared:
    """`a` minus `b` at one size."""

    a: str
    b: str
    size: int
    difference: Difference


@dataclass(frozen=True)
class Study:
    """Everything that is shown. measure: what a score is. size_name: what a size counts. notes: said below."""

    title: str
    measure: str
    size_name: str
    rows: Sequence[Mapping[str, Any]]
    lines: Sequence[Line]
    compared: Sequence[Compared]
    notes: Sequence[str]
