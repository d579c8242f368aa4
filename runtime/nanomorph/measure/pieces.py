"""Connected pieces of a mask by its runs, stretches of equal pixels along rows: a tenth of the cost of label images.

A frame of a million pixels has a few thousand runs. Where they meet makes a small graph, and what is asked of pieces
(area, box, greatest value) is asked of their runs.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components

from nanomorph.measure.ragged import spread


@dataclass(frozen=True, eq=False)
class Pieces:
    """The pieces of True in a mask of `shape`, from 0 in the order in which OpenCV numbers 8-connected ones.

    bounds: int (n + 1,), where runs of either value begin in the raveled mask, and its size. inside: int (k,), the runs
    of True; piece: int (k,), whose they are.
    """

    shape: tuple[int, int]
    bounds: np.ndarray
    inside: np.ndarray
    piece: np.ndarray

    def __len__(self) -> int:
        return int(self.piece.max(initial=-1)) + 1

    @property
    def area(self) -> np.ndarray:
        """Pixels of every piece, int (m,)."""
        lengths = np.diff(self.bounds)[self.inside]
        return np.bincount(self.piece, lengths, minlength=len(self)).astype(int)

    @cached_property
    def boxes(self) -> np.ndarray:
        """First row and column, last row and column (outside) of every piece, int (m, 4)."""
        return boxes_of(self.piece, self.bounds[self.inside], self.bounds[self.inside + 1], self.shape[1], len(self))

    @property
    def touches_edge(self) -> np.ndarray:
        """Whether a piece reaches the first or last row or column, bool (m,)."""
        return np.asarray((self.boxes[:, :2] == 0).any(axis=1) | (self.boxes[:, 2:] == self.shape).any(axis=1))

    def greatest(self, values: np.ndarray) -> np.ndarray:
        """The greatest of `values` (H, W), none negative, in every piece, (m,)."""
        found = np.zeros(len(self), values.dtype)
        if len(self):
            np.maximum.at(found, self.piece, np.maximum.reduceat(values.ravel(), self.bounds[:-1])[self.inside])
        return found

    def painted(self, values: np.ndarray) -> np.ndarray:
        """Each piece in its own of `values` (m,), 0 elsewhere: (H, W)."""
        runs = np.zeros(len(self.bounds) - 1, values.dtype)
        runs[self.inside] = values[self.piece]
        return np.repeat(runs, np.diff(self.bounds)).reshape(self.shape)

    def only(self, number: int) -> np.ndarray:
        """Where one piece lies, bool (H, W)."""
        return self.painted(np.arange(len(self)) == number)

    def at(self, places: np.ndarray) -> np.ndarray:
        """The piece that each of `places` (n,) lies in, pixels of the raveled mask that are all True; int (n,)."""
        run = np.searchsorted(self.bounds, places, side="right") - 1
        return self.piece[np.searchsorted(self.inside, run)]

    def owner(self, parts: Pieces) -> np.ndarray:
        """The piece that each of `parts` lies in, int (n,)."""
        first = np.zeros(len(parts), int)
        first[parts.piece] = parts.bounds[parts.inside]
        return self.at(first)

    @cached_property
    def labels(self) -> np.ndarray:
        """Label image int32 (H, W): 0 outside, pieces from 1."""
        return self.painted(np.arange(1, len(self) + 1, dtype=np.int32))


def greatest_of(labels: np.ndarray, values: np.ndarray) -> np.ndarray:
    """The greatest of `values` (H, W), none negative, under every label of an image (int (H, W)) up to its greatest."""
    first = runs_of(labels)
    owner = labels.ravel()[first]
    found = np.zeros(int(owner.max()) + 1, values.dtype)
    np.maximum.at(found, owner, np.maximum.reduceat(values.ravel(), first))
    return found


def runs_of(image: np.ndarray) -> np.ndarray:
    """Where runs of equal pixels begin along the rows of an image (H, W), int (n,), indices of it raveled."""
    flat = image.ravel()
    begins = np.empty(flat.size, bool)
    np.not_equal(flat[1:], flat[:-1], out=begins[1:])
    begins[:: image.shape[1]] = True
    return few_true(begins)


def few_true(mask: np.ndarray) -> np.ndarray:
    """`np.flatnonzero` of a mask (n,) with little in it, for half of its time: eight pixels are looked at at once."""
    whole = mask.size // 8 * 8
    words = mask[:whole].view(np.uint64)
    word = np.flatnonzero(words != 0)
    found = np.flatnonzero(words[word].view(bool))
    return np.concatenate([8 * word[found // 8] + found % 8, whole + np.flatnonzero(mask[whole:])])


def boxes_of(owner: np.ndarray, start: np.ndarray, stop: np.ndarray, width: int, n: int) -> np.ndarray:
    """First row and column, last row and column (outside) of the runs of each of n owners, int (n, 4).

    owner: int (k,) of every run; start, stop: (k,), where it begins and ends in the raveled image of so many columns.
    """
    row, left = np.divmod(start, width)
    boxes = np.zeros((4, n), int)
    boxes[:2] = np.iinfo(int).max
    # Four sequences are gone through many times as fast as one of four columns.
    for k, (further, edge) in enumerate(
        ((np.minimum, row), (np.minimum, left), (np.maximum, row + 1), (np.maximum, stop - row * width))
    ):
        further.at(boxes[k], owner, edge)
    return boxes.T


def pieces_of(mask: np.ndarray, connectivity: int) -> Pieces:
    """The 4- or 8-connected pieces of a mask, bool (H, W)."""
    starts = runs_of(mask)
    bounds = np.append(starts, mask.size)
    inside = np.flatnonzero(mask.ravel()[starts])
    below, count = _meeting(starts[inside], bounds[inside + 1], mask.shape[1], connectivity == 8)
    # The rows of a sparse matrix, as it keeps them.
    rows = np.append(0, np.cumsum(count))
    graph = csr_array((np.ones(rows[-1]), spread(below, count)[0], rows), shape=(len(inside), len(inside)))
    n, piece = connected_components(graph, directed=False)
    # OpenCV meets them in blocks of 2 x 2 px, which never belong to two.
    row, left = np.divmod(starts[inside], mask.shape[1])
    block = np.full(n, mask.size)
    np.minimum.at(block, piece, row // 2 * mask.shape[1] + left // 2)
    number = np.empty(n, int)
    number[np.argsort(block, kind="stable")] = np.arange(n)
    return Pieces(mask.shape, bounds, inside, number[piece])


def _meeting(start: np.ndarray, stop: np.ndarray, width: int, diagonally: bool) -> tuple[np.ndarray, np.ndarray]:
    """Of each run: the first that it touches in the row below, and how many."""
    below = (start // width + 1) * width
    low = np.searchsorted(stop, np.maximum(start + width - diagonally, below), side="right")
    high = np.searchsorted(start, np.minimum(stop + width + diagonally, below + width), side="left")
    return low, np.maximum(high - low, 0)
