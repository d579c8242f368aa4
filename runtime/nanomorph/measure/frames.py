"""The thin layer between arrays and tables: DataFrames of exactly the documented columns, also without a row."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from nanomorph.measure.table import DOMAIN_COLUMNS, WIRE_COLUMNS, Descriptor
from nanomorph.measure.wires import Columns

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


def domain_frame(columns: Columns) -> pd.DataFrame:
    """DOMAIN_COLUMNS, one row a domain."""
    return _frame(columns, DOMAIN_COLUMNS)


def wire_frame(columns: Columns) -> pd.DataFrame:
    """WIRE_COLUMNS, one row a wire."""
    return _frame(columns, WIRE_COLUMNS)


def _frame(columns: Columns, documented: Sequence[Descriptor]) -> pd.DataFrame:
    return pd.DataFrame({c.name: np.asarray(columns[c.name], _DTYPES.get(c.name, np.float64)) for c in documented})
