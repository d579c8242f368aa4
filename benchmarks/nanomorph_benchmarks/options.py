"""Options that every benchmark has, and where its figures go."""

import json
from argparse import RawDescriptionHelpFormatter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from nanomorph.cli.options import option


@dataclass(frozen=True)
class Options:
    data: Path = option("the folder of real micrographs", type=Path)
    bundle: Path | None = option("the bundle to judge (default: the embedded one)", default=None, type=Path)
    out: Path | None = option("file for the figures as JSON", default=None, type=Path)


# Precisions that a CPU computes.
ON_CPU = ("fp32", "int8")


@dataclass(frozen=True)
class PrecisionOptions(Options):
    precision: str = option("of the backbone (default: fp32)", default="fp32", choices=ON_CPU)


T = TypeVar("T")


def parse(name: str, description: str | None) -> Options:
    """From the command line of `python -m nanomorph_benchmarks.NAME`."""
    return parse_as(Options, name, description)


def parse_as(options: type[T], name: str, description: str | None) -> T:
    """As `parse`, of a benchmark with options of its own."""
    from argparse_dataclass import ArgumentParser

    parser = ArgumentParser(
        options,
        prog=f"nanomorph_benchmarks.{name}",
        description=description,
        formatter_class=RawDescriptionHelpFormatter,
    )
    return parser.parse_args()  # type: ignore[no-any-return]


def run(
    options: type[T],
    name: str,
    description: str | None,
    evaluate: Callable[[T], dict[str, Any]],
    as_markdown: Callable[[dict[str, Any]], str],
) -> int:
    """What a benchmark does when called: parse, evaluate, print the tables, write the JSON."""
    given = parse_as(options, name, description)
    result = evaluate(given)
    print(as_markdown(result))
    save(result, given.out)  # type: ignore[attr-defined]
    return 0


def save(result: Any, out: Path | None) -> None:
    """Write the figures as JSON, where a file is named."""
    if out is not None:
        out.parent.mkdir(parents=True, exist_ok=True)
        out.write_text(json.dumps(result, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
