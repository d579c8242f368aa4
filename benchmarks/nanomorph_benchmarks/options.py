"""Options that every benchmark has."""

from argparse import RawDescriptionHelpFormatter
from dataclasses import dataclass
from pathlib import Path

from nanomorph.cli.options import option


@dataclass(frozen=True)
class Options:
    data: Path = option("the folder of real micrographs", type=Path)
    bundle: Path | None = option("the bundle to judge (default: the embedded one)", default=None, type=Path)
    out: Path | None = option("file for the figures as JSON", default=None, type=Path)


def parse(name: str, description: str | None) -> Options:
    """From the command line of `python -m nanomorph_benchmarks.NAME`."""
    from argparse_dataclass import ArgumentParser

    parser = ArgumentParser(
        Options,
        prog=f"nanomorph_benchmarks.{name}",
        description=description,
        formatter_class=RawDescriptionHelpFormatter,
    )
    return parser.parse_args()
