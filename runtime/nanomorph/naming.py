"""Names of micrographs: their order and their plain spelling."""

from __future__ import annotations

import os
import re

_DIGITS = re.compile(r"(\d+)", re.ASCII)


def natural_key(name: str) -> str:
    """A text that sorts names as people do: `img2` before `img10`, a folder's content together.

    A run of digits becomes its length and itself, so that plain text comparison (SQLite's too) compares
    numbers; the separator of folders sorts first of all.
    """
    parts = _DIGITS.split(name.casefold().replace("/", "\x01"))
    return "".join(_number(part) if odd % 2 else part for odd, part in enumerate(parts)) + "\x02" + name


def _number(digits: str) -> str:
    bare = digits.lstrip("0") or "0"
    return f"{len(bare):03d}{bare}"


def printable(name: str) -> str:
    """A file's name is foreign text: it must not break the line or the terminal."""
    return "".join(character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in name)


def readable(name: str) -> str:
    r"""A file name as UTF-8 text: bytes that are no UTF-8 become `\xff`, so that tables take it."""
    return os.fsencode(name).decode("utf-8", "backslashreplace")
