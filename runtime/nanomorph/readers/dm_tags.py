"""How much rosettasciio would have to read one by one in the tags of a DM3 or DM4 file; refused where that is absurd.

It believes the counts in the tags: an array of two billion empty structures takes it hours and all memory, a
structure of a million fields time in the square of that, a negative size sends it back for ever. This
goes through the tags as it does, adds up and reads nothing. What else is wrong with them rosettasciio says.
Layout: "DigitalMicrograph 3 file format" (G. Jefferis, C. Boothroyd); the pixels are not counted, it skips them.
"""

from __future__ import annotations

import struct

from nanomorph.micrograph import ReadError

MOST_VALUES = 4_000_000
MOST_FIELDS = 1000
MOST_CHARACTERS = 100_000
_GROUP, _DATA = 20, 21
_STRUCT, _STRING, _ARRAY = 15, 18, 20
_BYTES = {2: 2, 3: 4, 4: 2, 5: 4, 6: 4, 7: 8, 8: 1, 9: 1, 10: 1, 11: 8, 12: 8}
"""Bytes a value by its type."""


def check_tags(name: str, data: bytes) -> None:
    """Raise ReadError `unreadable` where the tags hold more values, fields or characters than any program writes."""
    try:
        _Tags(name, data).walk()
    except struct.error:
        return  # it ends, or leaves what is known, here; rosettasciio comes no further


class _Tags:
    def __init__(self, name: str, data: bytes) -> None:
        self._name, self._data = name, data
        self._is_4 = int.from_bytes(data[:4], "big") == 4
        self._at = 16 if self._is_4 else 12
        self._values = 0

    def walk(self) -> None:
        """Go through all groups; a stack, not recursion: garbage may be nested as deep as it likes."""
        self._at += 2
        groups = [("", self._count())]
        while groups:
            group, left = groups.pop()
            if left <= 0:
                continue
            groups.append((group, left - 1))
            kind, length = self._take(">Bh")
            length = max(0, length)
            name = self._data[self._at : self._at + length].decode("latin-1").replace(".", "")
            self._at += length
            self._add(1 + length)
            if kind == _GROUP:
                self._at += 10 if self._is_4 else 2
                groups.append((name, self._count()))
            elif kind == _DATA:
                self._at += 12 if self._is_4 else 4
                self._value(pixels=(group, name) == ("ImageData", "Data"))
            else:
                raise struct.error

    def _value(self, pixels: bool) -> None:
        words = self._count()
        if words < 1:
            raise struct.error
        kind = self._count()
        if words == 1:
            self._skip(self._size_of(kind))
        elif words == 2:
            self._skip(self._string(self._count()))
        elif words == 3:
            kind, n = self._count(), self._count()
            self._repeat(n, self._size_of(kind), 1, pixels)
        elif kind == _STRUCT:
            self._skip(self._structure()[0])
        else:
            self._array_of_complex(pixels)

    def _array_of_complex(self, pixels: bool) -> None:
        kind = self._count()
        if kind == _STRUCT:
            size, n_values = self._structure()
        elif kind == _STRING:
            size = n_values = self._string(self._count())
        elif kind == _ARRAY:
            inner, n_values = self._count(), self._count()
            size = max(0, n_values) * self._size_of(inner)
        else:
            raise struct.error
        self._repeat(self._count(), size, max(1, n_values), pixels)

    def _structure(self) -> tuple[int, int]:
        """Bytes and number of its fields."""
        self._count()
        n = self._count()
        if n > MOST_FIELDS:
            raise self._absurd(f"a structure of {n} fields")
        self._add(max(0, n))
        kinds = [(self._count(), self._count())[1] for _ in range(n)]
        return sum(map(self._size_of, kinds)), max(0, n)

    def _string(self, length: int) -> int:
        if length > MOST_CHARACTERS:
            raise self._absurd(f"a text of {length} characters")
        self._add(max(0, length))
        return length

    def _repeat(self, n: int, size: int, n_values: int, pixels: bool) -> None:
        """`n` elements of `size` bytes and `n_values` values; of pixels only their place is read."""
        if pixels and n < 0:
            raise self._absurd(f"{n} pixels")
        if not pixels:
            # It stops at the end of the file, wherever the count wants to go.
            there = n if size == 0 else min(n, (len(self._data) - self._at) // size + 1)
            self._add(max(0, there) * n_values)
            n = max(0, n)
        self._skip(n * size)

    def _skip(self, n: int) -> None:
        # A call, because `self._at += self._count()` would add to where it was before counting.
        self._at += n

    def _size_of(self, kind: int) -> int:
        if kind not in _BYTES:
            raise struct.error
        return _BYTES[kind]

    def _count(self) -> int:
        return int(self._take(">q" if self._is_4 else ">i")[0])

    def _take(self, layout: str) -> tuple[int, ...]:
        if not 0 <= self._at <= len(self._data):
            raise struct.error
        values = struct.unpack_from(layout, self._data, self._at)
        self._at += struct.calcsize(layout)
        return values

    def _add(self, n: int) -> None:
        self._values += n
        if self._values > MOST_VALUES:
            raise self._absurd(f"more than {MOST_VALUES} values beside its pixels")

    def _absurd(self, what: str) -> ReadError:
        return ReadError("unreadable", f"{self._name} claims {what}: damaged?")
