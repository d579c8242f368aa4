"""How many images a second does this machine do, and what holds it back?

Times every stage alone, the model alone and the whole job, on drawn 16-bit TIFFs (--size) or on micrographs of yours.
Nothing is kept but what --json prints.
"""

import os
import sys
from dataclasses import dataclass
from pathlib import Path

from nanomorph.cli.options import option
from nanomorph.cli.run_options import CHOICES_DEVICE, CHOICES_PRECISION
from nanomorph.errors import ConfigurationError


@dataclass(frozen=True)
class Options:
    inputs: list[Path] | None = option(
        "micrographs of yours: files, folders (default: drawn ones)", default=None, type=Path, many=True
    )
    size: list[int] | None = option(
        "sides of the drawn frames in px (default: 1024)", default=None, type=int, many=True
    )
    images: int = option("how many images a run (default: 8)", default=8, type=int)
    repeats: int = option("runs of each case (default: 3)", default=3, type=int)
    bundle: Path | None = option("a bundle's folder (default: the embedded one)", default=None, type=Path)
    device: list[str] | None = option(
        "where to compute (default: auto)", default=None, type=str, choices=CHOICES_DEVICE, many=True
    )
    precision: list[str] | None = option(
        "of the backbone (default: the fastest there is)", default=None, type=str, choices=CHOICES_PRECISION, many=True
    )
    batch: list[int] | None = option("batches for the model alone (default: 1 4)", default=None, type=int, many=True)
    workers: list[int] | None = option(
        "threads that read and measure (default: one a core)", default=None, type=int, many=True
    )
    overlays: bool = option("write no overlay pictures", default=True)
    json: bool = option("print JSON for programs", default=False, type=bool)

    def __post_init__(self) -> None:
        for name in ("size", "batch", "workers"):
            for value in getattr(self, name) or ():
                if value < (32 if name == "size" else 1):
                    raise ConfigurationError(f"--{name} {value}: too small to time.")
        if self.images < 1 or self.repeats < 1:
            raise ConfigurationError("--images and --repeats: give 1 or more.")
        if self.inputs and self.size:
            raise ConfigurationError("--size is the side of drawn frames: leave it out, or leave out --inputs.")


def run(options: Options) -> int:
    """Measure and print; 0 when done."""
    from nanomorph.bench.cases import Plan, measure_all
    from nanomorph.bench.table import table

    plan = Plan(
        inputs=tuple(options.inputs or ()),
        sizes=tuple(options.size or (1024,)),
        images=options.images,
        repeats=options.repeats,
        devices=tuple(options.device or ("auto",)),
        precisions=tuple(options.precision or ("auto",)),
        batches=tuple(options.batch or (1, 4)),
        workers=tuple(options.workers or (max(1, os.cpu_count() or 1),)),
        overlays=options.overlays,
    )
    found = measure_all(plan, options.bundle, lambda words: print(words, file=sys.stderr))
    if options.json:
        import json

        print(json.dumps(found, indent=2))
    else:
        print(table(found))
    return 0
