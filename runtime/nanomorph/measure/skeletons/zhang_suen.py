"""The thinning of Zhang and Suen (1984) of many masks at once, 64 pixels a step: a pixel is a bit of a word.

The result is that of scikit-image's `skeletonize` (BSD-3-Clause), whose rule differs from the paper's for 25
neighbourhoods.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from itertools import product

import numpy as np

from nanomorph.measure.pieces import few_true

# The neighbours of a pixel as the paper numbers them, clockwise.
_NEIGHBOURS = ("N", "NE", "E", "SE", "S", "SW", "W", "NW")
# Neighbourhoods in which scikit-image removes what the paper keeps, or keeps what it removes, in each half of a round.
_OTHERWISE = (
    "N+E N+E+NW E+SE E+S SE+S E+SE+S S+SW W+NW N+W N+NE+W S+W S+W+NW SW+W N+SW+W N+NE+SW+W S+SW+W",
    "N+NW N+NE N+E NE+E N+NE+E N+E+SE E+S SE+S E+S+SW NE+E+S+SW W+NW N+W N+W+NW S+W SE+S+W",
)
# In which order neighbours are asked: these lead to the fewest operations.
_ORDERS = (("NW", "E", "SE", "W", "SW", "NE", "N", "S"), ("N", "NE", "W", "SW", "SE", "E", "NW", "S"))

_WORD = np.dtype("<u8")  # its lowest bit is the leftmost of its 64 pixels
_NONE, _ALL = np.zeros(1, _WORD), ~np.zeros(1, _WORD)
_AT_ONCE = 16384  # words whose neighbours and what is made of them stay in a core's cache
_Table = tuple[bool, ...]


@dataclass(frozen=True, eq=False)
class Skeletons:
    """Pixels left of all masks, by mask and then as raveled: row and column in their mask, and the mask, int (n,) each.

    place: int (n,), ascending; a pixel's neighbour to the right is one on, the one below `stride` (n,) on.
    """

    row: np.ndarray
    column: np.ndarray
    mask: np.ndarray
    place: np.ndarray
    stride: np.ndarray


def skeletons(masks: Sequence[np.ndarray]) -> Skeletons:
    """Thin every one of `masks`, bool (H, W); beyond them all is background."""
    words = np.array([-(-mask.shape[1] // 64) + 1 for mask in masks])  # the last of a row is empty
    rows = np.array([mask.shape[0] + 2 for mask in masks])  # so are the first and the last
    begins = np.concatenate([[0], np.cumsum(words * rows)]) + 1
    bits = np.zeros(begins[-1], _WORD)
    for mask, n, begin, end in zip(masks, words, begins[:-1], begins[1:], strict=True):
        packed = np.packbits(mask, axis=1, bitorder="little")
        bits[begin:end].view(np.uint8).reshape(-1, 8 * n)[1:-1, : packed.shape[1]] = packed
    _thin(bits, np.repeat(np.append(1, words), np.append(1, words * rows)))
    return _pixels(bits, begins, words)


def _pixels(bits: np.ndarray, begins: np.ndarray, words: np.ndarray) -> Skeletons:
    left = np.flatnonzero(bits)
    pixel = few_true(np.unpackbits(bits[left].view(np.uint8), bitorder="little").view(bool))
    word, bit = left[pixel // 64], pixel % 64
    mask = np.searchsorted(begins, word, side="right") - 1
    row, column = np.divmod(word - begins[mask], words[mask])
    return Skeletons(row - 1, 64 * column + bit, mask, 64 * word + bit, 64 * words[mask])


def _thin(bits: np.ndarray, stride: np.ndarray) -> None:
    """Thin in place. stride: int (n,), how many words on the one below each is."""
    half, near = 0, [np.ones(len(bits), bool), np.ones(len(bits), bool)]
    while near[0].any() or near[1].any():
        # What neither half has changed anything beside since it was last asked is as it was.
        asked = np.flatnonzero((near[0] | near[1]) & (bits != 0))
        gone = np.concatenate([_removable(bits, part, stride[part], half) for part in _parts(asked)] or [_NONE[:0]])
        bits[asked] ^= gone
        near[half] = _around(asked[gone != 0], stride)
        half = 1 - half


def _parts(words: np.ndarray) -> list[np.ndarray]:
    return [words[first : first + _AT_ONCE] for first in range(0, len(words), _AT_ONCE)]


def _around(words: np.ndarray, stride: np.ndarray) -> np.ndarray:
    """Which words are one of these or beside it, bool (n,)."""
    column = np.zeros(len(stride), bool)
    for down in (-1, 0, 1):
        column[words + down * stride[words]] = True
    found = column.copy()
    found[1:] |= column[:-1]
    found[:-1] |= column[1:]
    return found


def _removable(bits: np.ndarray, words: np.ndarray, stride: np.ndarray, half: int) -> np.ndarray:
    """The bits of `words` that one half of a round removes."""
    present = {}
    for side, row in (("N", words - stride), ("", words), ("S", words + stride)):
        here = bits[row]
        present[side] = here
        present[f"{side}W"] = (here << np.uint64(1)) | (bits[row - 1] >> np.uint64(63))
        present[f"{side}E"] = (here >> np.uint64(1)) | (bits[row + 1] << np.uint64(63))
    lacking = {neighbour: ~present[neighbour] for neighbour in _NEIGHBOURS}
    values = [_NONE, _ALL]
    for neighbour, without, given in _gates(half):
        values.append(_chosen(present[neighbour], lacking[neighbour], values[without], values[given]))
    return values[-1] & present[""]


def _chosen(present: np.ndarray, lacking: np.ndarray, without: np.ndarray, given: np.ndarray) -> np.ndarray:
    """Bit by bit: `given` where a neighbour is present, `without` where it is lacking."""
    if without is _NONE:
        return present if given is _ALL else present & given
    if given is _NONE:
        return lacking if without is _ALL else lacking & without
    if given is _ALL:
        return present | without
    if without is _ALL:
        return lacking | given
    chosen = without ^ given
    chosen &= present
    chosen ^= without
    return chosen


@cache
def _gates(half: int) -> tuple[tuple[str, int, int], ...]:
    """Steps to what one half of a round removes: a neighbour, and which earlier values to take without and given it.

    Values 0 and 1 are none and all. They are the rule's decision diagram (Bryant 1986), from its leaves up.
    """
    order = _ORDERS[half]
    table = tuple(
        _removes(half, frozenset(n for n, is_there in zip(order, there, strict=True) if is_there))
        for there in product((False, True), repeat=len(order))
    )
    number: dict[_Table, int] = {}
    gates: list[tuple[str, int, int]] = []

    def build(table: _Table) -> int:
        if len(set(table)) == 1:
            return int(table[0])
        without, given = table[: len(table) // 2], table[len(table) // 2 :]
        if without == given:
            return build(without)
        if table not in number:
            gates.append((order[-(len(table).bit_length() - 1)], build(without), build(given)))
            number[table] = len(gates) + 1
        return number[table]

    build(table)
    return tuple(gates)


def _removes(half: int, there: frozenset[str]) -> bool:
    """Whether a pixel is removed that has these neighbours."""
    ring = [n in there for n in _NEIGHBOURS]
    begins = sum(not a and b for a, b in zip(ring, ring[1:] + ring[:1], strict=True))
    sides = ({"N", "E", "S"}, {"E", "S", "W"}) if half == 0 else ({"N", "E", "W"}, {"N", "S", "W"})
    as_published = begins == 1 and 2 <= len(there) <= 6 and not any(side <= there for side in sides)
    return as_published != (there in {frozenset(one.split("+")) for one in _OTHERWISE[half].split()})
