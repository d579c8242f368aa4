"""Options that every benchmark has, and where its figures go."""

import json
import sys
from argparse import RawDescriptionHelpFormatter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from argparse_dataclass import ArgumentParser

from nanomorph.cli.options import option

# Precisions that a CPU computes.
ON_CPU = ("fp32", "int8")
# Lists of real micrographs under `--data` that name a group for each.
LISTS = ("nanoparticles/nanoparticles.csv", "unlabeled/unlabeled.csv")


@dataclass(frozen=True, kw_only=True)
class BundleOptions:
    bundle: Path | None = option("the bundle to judge (default: the embedded one)", default=None, type=Path)
    out: Path | None = option("file for the figures as JSON", default=None, type=Path)


@dataclass(frozen=True, kw_only=True)
class Options(BundleOptions):
    data: Path = option("the folder of real micrographs", type=Path)


@dataclass(frozen=True, kw_only=True)
class PrecisionOptions(Options):
    precision: str = option("of the backbone (default: fp32)", default="fp32", choices=ON_CPU)


T = TypeVar("T")


def parse(options: type[T], description: str | None) -> T:
    """From the command line of `python -m nanomorph_benchmarks.NAME`."""
    parser = ArgumentParser(
        options,
        prog=f"nanomorph_benchmarks.{Path(sys.argv[0]).stem}",
        description=description,
        formatter_class=RawDescriptionHelpFormatter,
    )
    return parser.parse_args()  # type: ignore[no-any-return]


def main(
    options: type[T],
    description: str | None,
    evaluate: Callable[[T], dict[str, Any]],
    as_markdown: Callable[[dict[str, Any]], str],
) -> int:
    """What a benchmark does when called: parse, evaluate, print the tables, write the JSON."""
    given = parse(options, description)
    result = evaluate(given)
    print(as_markdown(result))
    save(result, given.out)  # type: ignore[attr-defined]
    return 0


def save(result: Any, out: Path | None) -> None:
    """Write the figures as JSON, where a file is named."""
    if out is not None:
        out.parent.mkdir(parents=True, exist_ok=True)
        out.write_text(json.dumps(result, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
