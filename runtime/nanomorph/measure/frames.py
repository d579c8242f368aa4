"""The thin layer between arrays and tables: the documented columns, also without a row; DataFrames on demand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from nanomorph.measure.columns.table import Descriptor
from nanomorph.measure.wires.wires import Columns

if TYPE_CHECKING:
    import pandas as pd

_WHOLE = (
    "domain",
    "wire",
    "n_holes",
    "n_branch_points",
    "n_end_points",
    "n_branches",
    "n_wires",
    "n_crossings",
    "n_tips",
)
_DTYPES = dict.fromkeys(_WHOLE, np.int32) | {"touches_edge": np.bool_, "area_px": np.int64}


def empty(columns: Sequence[Descriptor]) -> Columns:
    """No row."""
    return {c.name: np.zeros(0, _DTYPES.get(c.name, np.float64)) for c in columns}


def documented(columns: Columns, described: Sequence[Descriptor]) -> Columns:
    """The columns `described`, in their order and of their types."""
    return {c.name: np.asarray(columns[c.name], _DTYPES.get(c.name, np.float64)) for c in described}


def frame(columns: Mapping[str, np.ndarray]) -> pd.DataFrame:
    """For people: a run writes its tables without, as loading pandas takes longer than measuring an image."""
    import pandas as pd

    return pd.DataFrame(columns)
