"""Runs of the program, what they are fed with and what they leave."""

import csv
from pathlib import Path

from nanomorph.cli.main import main
from nanomorph.sources import Item


def item(name: str = "a.tif", size: int = 10, stamp: str = "1") -> Item:
    """An input of no content."""
    return Item(name, size, None, bytes, stamp)


def batch(bundle: Path, *arguments: object) -> int:
    """The exit code of `nanomorph batch` with this bundle on the CPU."""
    return main(["batch", *map(str, arguments), "--bundle", str(bundle), "--device", "cpu"])


def rows(out: Path, table: str) -> list[dict[str, str]]:
    """A table of results by row."""
    with open(out / f"{table}.csv", encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))
