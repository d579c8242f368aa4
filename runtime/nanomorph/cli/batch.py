"""Label, segment and measure the micrographs of folders, files and archives.

Finishes what an interrupted run left. Writes to --out: labels.csv, fields.csv, domains.csv,
quarantine.csv, masks/, overlays/, report.html and journal.sqlite.
"""

import shlex
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from nanomorph.cli.options import argument, option
from nanomorph.errors import ConfigurationError

if TYPE_CHECKING:
    from nanomorph.run import Run

CHOICES_DEVICE = ("auto", "cpu", "cuda", "tensorrt")
CHOICES_EDGES = ("leave-out", "weight", "count")
CHOICES_PRECISION = ("auto", "fp32", "fp16", "int8")


@dataclass(frozen=True)
class Options:
    inputs: list[Path] = argument("inputs", "folders, files, .zip or .tar(.gz) archives", type=Path, many=True)
    out: Path = option("folder for the results", type=Path, metavar="DIR")
    bundle: Path | None = option("a bundle's folder (default: the embedded one)", default=None, type=Path)
    device: str = option("where to compute (default: auto)", default="auto", type=str, choices=CHOICES_DEVICE)
    precision: str = option(
        "of the backbone (default: the fastest there is)", default="auto", type=str, choices=CHOICES_PRECISION
    )
    nm_per_px: float | None = option("pixel size in nm; overrides the files' own", default=None, type=float)
    workers: int | None = option("threads that read and measure (default: one a core)", default=None, type=int)
    overlays: bool = option("write no overlay pictures", default=True)
    detail: str = option(
        "look again in tiles where structures are thin (auto), never (whole), or everywhere so many times finer",
        default="auto",
        type=str,
        metavar="auto|whole|N",
    )
    edges: str = option(
        "domains at the field's edge in size statistics: leave-out, weight (the others, Miles-Lantuejoul), count",
        default="leave-out",
        type=str,
        choices=CHOICES_EDGES,
    )
    json: bool = option("progress as JSON lines on stdout, for programs", default=False)

    def __post_init__(self) -> None:
        if self.nm_per_px is not None and not 0 < self.nm_per_px < float("inf"):
            raise ConfigurationError(f"--nm-per-px {self.nm_per_px}: a pixel size is a positive number of nm.")
        if self.workers is not None and self.workers < 1:
            raise ConfigurationError(f"--workers {self.workers}: give 1 or more, or leave it out.")


def run(options: Options) -> int:
    """Process every input; returns 0, or 1 where some were quarantined."""
    from nanomorph.bundle import load_bundle
    from nanomorph.cli.progress import progress
    from nanomorph.detail import Detail
    from nanomorph.model import Model, Ways
    from nanomorph.pipeline import Settings
    from nanomorph.run import Run
    from nanomorph.sources import count, discover

    try:
        discovered = discover(options.inputs, exclude=options.out)
        total = count(options.inputs, exclude=options.out)
    except FileNotFoundError as error:
        raise ConfigurationError(str(error)) from error
    ways = Ways(Detail.parse(options.detail), options.edges)
    model = Model(load_bundle(options.bundle), options.device, options.precision, ways=ways)
    print(f"bundle {model.bundle.name} on {model.engine.provider}, {model.engine.precision}", file=sys.stderr)
    settings = Settings(options.nm_per_px, options.workers or Settings().workers, options.overlays)
    with Run(options.out, model, settings, shlex.join(["nanomorph", *sys.argv[1:]])) as run_:
        with progress(total, options.json) as show:
            for event in run_.process(discovered):
                show(event)
        print(summary(run_), file=sys.stderr)
        return 1 if run_.journal.counts()["quarantined"] else 0


def summary(run_: "Run") -> str:
    """What a person reads when a run is done."""
    now, all_ = run_.counts, run_.journal.counts()
    rate = now["done"] / run_.seconds
    lines = [f"{now['done']} micrographs analysed in {run_.seconds:.1f} s ({rate:.2f} a second)"]
    if now["skipped"]:
        lines.append(f"{now['skipped']} were settled by an earlier run")
    if all_["alias"]:
        lines.append(f"{all_['alias']} belong to another file (see duplicate_of in fields.csv)")
    if all_["quarantined"]:
        lines.append(f"{all_['quarantined']} could not be used: {run_.out / 'quarantine.csv'} says why")
    lines.append(f"Read first: {run_.out / 'report.html'}")
    return "\n".join(lines)
