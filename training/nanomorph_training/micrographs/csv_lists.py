"""CSV lists as people and spreadsheets save them."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from nanomorph.errors import ConfigurationError

SEPARATORS = ",;\t"
FILE = "file"


@dataclass(frozen=True)
class Line:
    """A row of a list, `number` as an editor counts it; `cells` by column, without blanks around them."""

    source: Path
    number: int
    cells: dict[str, str]

    def wrong(self, what: str) -> ConfigurationError:
        """An error that says where."""
        return ConfigurationError(f"{self.source}, line {self.number}: {what}")

    def existing(self, name: str) -> Path:
        """A file that this row names, relative to the list; lists written on Windows have `\\`.

        Raises ConfigurationError where there is none.
        """
        path = self.source.parent / name
        if not path.exists() and "\\" in name:
            path = self.source.parent / name.replace("\\", "/")
        if not path.is_file():
            raise self.wrong(f"{name} {'is a folder, not a file' if path.is_dir() else 'does not exist'}")
        return path


def lines_of(path: Path) -> list[Line]:
    """All rows that name a file. Separators are commas, semicolons or tabs, whichever the header has most of.

    UTF-8, or UTF-16 with its mark. Raises ConfigurationError for other encodings, a list without a column `file`, and a
    row without a file.
    """
    try:
        rows = list(_rows(path, "strict"))
    except OSError as error:
        raise ConfigurationError(f"{path} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ConfigurationError(
            f"{path} is not encoded as UTF-8: save it as `CSV UTF-8`, as spreadsheets call it"
        ) from error
    if not rows:
        return []
    # Spreadsheets are typed by people: `Group` is `group`.
    header = [name.strip().casefold() for name in rows[0][1]]
    if FILE not in header:
        raise ConfigurationError(
            f"{path} has no column `{FILE}`; its first line, which names the columns, is {', '.join(header)}"
        )
    named = [(number, dict(zip(header, map(str.strip, cells), strict=False))) for number, cells in rows[1:]]
    lines = [Line(path, number, cells) for number, cells in named if any(cells.values())]
    for line in lines:
        if not line.cells.get(FILE):
            raise line.wrong("the column `file` is empty")
    return lines


def has_file_column(path: Path) -> bool:
    """Whether a CSV, in any encoding, is a list of files."""
    _, header = next(_rows(path, "replace"), (0, []))
    return FILE in [name.strip().casefold() for name in header]


def _rows(path: Path, errors: str) -> Iterator[tuple[int, list[str]]]:
    """Number of the line and cells of every row."""
    with open(path, "rb") as start:
        utf16 = start.read(2) in (b"\xff\xfe", b"\xfe\xff")
    with open(path, encoding="utf-16" if utf16 else "utf-8-sig", errors=errors, newline="") as stream:
        header = stream.readline()
        stream.seek(0)
        reader = csv.reader(stream, delimiter=max(SEPARATORS, key=header.count))
        for cells in reader:
            yield reader.line_num, cells
