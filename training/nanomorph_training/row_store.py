"""Rows of features on disk, computed once."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from nanomorph.atomic import atomic_open


@dataclass(frozen=True, eq=False)
class Row:
    """One micrograph: embedding (D,), and a table of descriptors (one row for a field, a row a domain)."""

    embedding: np.ndarray
    descriptors: pd.DataFrame


@dataclass(frozen=True)
class RowStore:
    """Rows under `folder`, keyed by the files they come from (their size and time) and whatever else decides them."""

    folder: Path

    def row(self, kind: str, files: Sequence[Path], identity: tuple[Any, ...], compute: Callable[[], Row]) -> Row:
        """The row stored under this key, computed and stored where there is none."""
        stats = [(str(file.resolve()), file.stat().st_size, file.stat().st_mtime_ns) for file in files]
        digest = hashlib.sha256(repr((kind, stats, *identity)).encode()).hexdigest()[:32]
        path = self.folder / f"{kind}-{digest}.npz"
        if not path.exists():
            _write(path, compute())
        with np.load(path, allow_pickle=False) as stored:
            return Row(stored["embedding"], _table(stored["values"], stored["columns"].tolist()))


def _write(path: Path, row: Row) -> None:
    numbers = row.descriptors.select_dtypes(include=["number", "bool"]).astype(float)
    columns = np.array(list(numbers), dtype=str)
    with atomic_open(path) as file:
        np.savez(file, embedding=row.embedding, values=numbers.to_numpy(), columns=columns)


def _table(values: np.ndarray, columns: list[str]) -> pd.DataFrame:
    return pd.DataFrame(values, columns=columns, index=range(len(values)))
