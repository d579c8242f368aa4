"""Info bars: strips of one gray along the upper or lower edge, with text in them, as SEMs and cameras add them."""

from __future__ import annotations

import numpy as np

# Gray levels by which a strip strays from its gray.
STRAY = 4
# Share of a row that has the strip's gray: of any row (one full of text has less than half), and of all together; less
# is enough where the gray is black or white, as tables full of small letters have it.
ROW, STRIP, PURE_STRIP = 0.3, 0.6, 0.45
# Gray levels from black or white.
PURE = 6
# Share of the frame's height that rows without the strip's gray may have together: a frame, a rule, a line of text.
GAP = 0.02
# Share of the columns that have the strip's gray in ROW of its rows: boxes with text beside one another are no strip.
WHOLE = 0.8
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
    # A frame or a rule may come first: then the commonest gray farther in is the strip's.
    of_strip = (int(np.median(gray[:least])), int(np.bincount(gray[: most // 2].ravel()).argmax()))
    return max(_rows_of(gray[: most + FALL_ROWS + 1], one, least, most) for one in of_strip)


def _rows_of(gray: np.ndarray, of_strip: int, least: int, most: int) -> int:
    has_it = np.abs(gray.astype(np.int16) - of_strip) <= STRAY
    share = has_it.mean(axis=1)
    rows = _end(share >= ROW, max(1, round(GAP / HIGHEST * most)))
    if not least <= rows <= most or (has_it[:rows].mean(axis=0) >= ROW).mean() < WHOLE:
        return 0
    pure = min(of_strip, 255 - of_strip) <= PURE
    fall = share[max(0, rows - FALL_ROWS) : rows].max() - share[rows : rows + FALL_ROWS].min()
    return rows if share[:rows].mean() >= (PURE_STRIP if pure else STRIP) and fall >= FALL else 0


def _end(of_strip: np.ndarray, gap: int) -> int:
    """One more than the last row that is of the strip, bool (n,), before more than `gap` rows that are not."""
    rows = np.concatenate([[-1], np.flatnonzero(of_strip), [len(of_strip) + gap]])
    return int(rows[np.argmax(np.diff(rows) > gap + 1)]) + 1
