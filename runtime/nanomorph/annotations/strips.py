"""Info bars: strips of one gray along the upper or lower edge, with text in them, as SEMs and cameras add them."""

from __future__ import annotations

import numpy as np

# Gray levels by which a strip strays from its gray.
STRAY = 4
# Share of a row that has the strip's gray: of any row (one full of text has less than half), and of all together.
ROW, STRIP = 0.3, 0.6
# Shares of the frame's height, at least and at most.
LOWEST, HIGHEST = 0.02, 0.25
# By how much that share falls within so many rows where the micrograph begins: a drawn edge is straight.
FALL, FALL_ROWS = 0.4, 4


def strips(gray: np.ndarray) -> np.ndarray | None:
    """Bool (H, W), True on info bars of `gray` (uint8 (H, W)); None where there are none."""
    top, bottom = _rows(gray), _rows(gray[::-1])
    if not top and not bottom:
        return None
    found = np.zeros(gray.shape, bool)
    found[:top] = found[len(gray) - bottom :] = True
    return found


def _rows(gray: np.ndarray) -> int:
    """Rows of a strip that begins with the first one; 0 where there is none."""
    least, most = max(4, int(LOWEST * len(gray))), int(HIGHEST * len(gray))
    of_strip = int(np.median(gray[:least]))
    share = (np.abs(gray[: most + FALL_ROWS + 1].astype(np.int16) - of_strip) <= STRAY).mean(axis=1)
    sparse = np.flatnonzero(share < ROW)
    rows = int(sparse[0]) if len(sparse) else len(share)
    if not least <= rows <= most or share[:rows].mean() < STRIP:
        return 0
    fall = share[max(0, rows - FALL_ROWS) : rows].max() - share[rows : rows + FALL_ROWS].min()
    return rows if fall >= FALL else 0
