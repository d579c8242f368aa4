"""Values as the text of a CSV cell, the same on every machine."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from typing import Any

import numpy as np

# A spreadsheet would run these as a formula; an apostrophe in front makes them text.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")

_SPECIAL = re.compile('[,"\\r\\n]')


def text(value: object) -> str:
    """A text cell that no spreadsheet takes for a formula."""
    cell = "" if value is None else str(value)
    return f"'{cell}" if cell.startswith(_FORMULA) else cell


def number(value: float | None) -> str:
    """Six significant digits, whole numbers in full, empty for unknown (None, NaN, infinite)."""
    if value is None or not math.isfinite(value):
        return ""
    value = float(value)
    return str(int(value)) if value.is_integer() and abs(value) < 1e15 else f"{value:.6g}"


def truth(value: float | None) -> str:
    """`true`, `false`, or empty for unknown."""
    if value is None or math.isnan(value):
        return ""
    return "true" if value else "false"


def cell(value: Any) -> str:
    """Any value by its type."""
    if isinstance(value, bool | np.bool_):
        return truth(bool(value))
    if isinstance(value, int | float | np.number):
        return number(float(value)) if not isinstance(value, int | np.integer) else str(int(value))
    return text(value)


def column(values: np.ndarray) -> list[str]:
    """The cells of one column."""
    return [cell(value) for value in values.tolist()]


def line(cells: Iterable[str]) -> str:
    """A CSV line (RFC 4180, ended by a newline); the csv module leaves a lone carriage return unquoted."""
    cells = list(cells)
    plain = ",".join(cells)
    # Tables have millions of cells and nearly none is special: one search a line, not one a cell.
    if plain.count(",") < len(cells) and not _SPECIAL.search(plain.replace(",", "")):
        return plain + "\n"
    return ",".join(quoted(one) for one in cells) + "\n"


def quoted(one: str) -> str:
    """A cell as it stands in a CSV line: with quotes where it needs them."""
    return '"' + one.replace('"', '""') + '"' if _SPECIAL.search(one) else one
