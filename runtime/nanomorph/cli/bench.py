"""How many micrographs a second does this machine do, and what holds it back?

Times the whole job, every stage alone and the model alone, on drawn 16-bit TIFFs or on micrographs of yours. Options
that take a list (512,1024) measure every combination. Nothing is kept but what --json writes.
"""

import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nanomorph.cli.main import INTERRUPTED
from nanomorph.cli.options import commas, option
from nanomorph.cli.run_options import check_graphs
from nanomorph.devices import DEVICES, PRECISIONS
from nanomorph.errors import ConfigurationError
from nanomorph.naming import printable

if TYPE_CHECKING:
    from nanomorph.bench.cases import Plan


@dataclass(frozen=True)
class Options:
    inputs: list[Path] | None = option(
        "micrographs of yours: files, folders (default: drawn ones)", default=None, type=Path, many=True
    )
    size: tuple[int, ...] | None = option(
        "sides of the drawn frames in px (default: 1024)", default=None, type=commas(int), metavar="PX,..."
    )
    images: int | None = option(
        "how many images a run (default: four for each in work at once, 8 at least)", default=None, type=int
    )
    repeats: int = option("runs of each case (default: 3)", default=3, type=int)
    bundle: Path | None = option("a bundle's folder (default: the embedded one)", default=None, type=Path)
    device: tuple[str, ...] = option(
        f"where to compute: {', '.join(DEVICES)}", default=("auto",), type=commas(str), metavar="DEVICE,..."
    )
    precision: tuple[str, ...] = option(
        f"of the backbone: {', '.join(PRECISIONS)}", default=("auto",), type=commas(str), metavar="PRECISION,..."
    )
    batch: tuple[int, ...] | None = option(
        "frames that the model gets at once (default: what suits the device)",
        default=None,
        type=commas(int),
        metavar="N,...",
    )
    workers: tuple[int, ...] | None = option(
        "images in work at once (default: one a core)", default=None, type=commas(int), metavar="N,..."
    )
    overlays: bool = option("write no overlay pictures", default=True)
    detail: str = option("as of `batch`: auto, whole, or N times finer", default="auto", type=str)
    cuda_graphs: bool = option("as of `batch`", default=False)
    json: Path | None = option(
        "file for the figures, machine and versions as JSON", default=None, type=Path, metavar="FILE"
    )

    def __post_init__(self) -> None:
        _check_choices("device", self.device, DEVICES)
        _check_choices("precision", self.precision, PRECISIONS)
        for name, least in (("size", 64), ("batch", 1), ("workers", 1)):
            for value in getattr(self, name) or ():
                if value < least:
                    raise ConfigurationError(f"--{name} {value}: give {least} or more.")
        if (self.images is not None and self.images < 1) or self.repeats < 1:
            raise ConfigurationError("--images and --repeats: give 1 or more.")
        if self.inputs and self.size:
            raise ConfigurationError("--size is the side of drawn frames: leave it out, or leave out --inputs.")
        for device in self.device:
            check_graphs(self.cuda_graphs, device)
        if self.json is not None:
            _check_file(self.json)


def run(options: Options) -> int:
    """Measure and print, case by case; 0 when done."""
    from nanomorph.bench.cases import Plan
    from nanomorph.host.cores import cores
    from nanomorph.inference.detail import Detail

    plan = Plan(
        inputs=tuple(options.inputs or ()),
        sizes=options.size or (1024,),
        images=options.images,
        repeats=options.repeats,
        devices=options.device,
        precisions=options.precision,
        batches=options.batch or (None,),
        workers=options.workers or (cores(),),
        overlays=options.overlays,
        detail=str(Detail.parse(options.detail)),
        cuda_graphs=options.cuda_graphs,
    )
    kept = "no case was finished"
    try:
        for finished in _shown(plan, options):
            where = "above" if options.json is None else f"above and in {options.json}"
            kept = f"what was measured of {finished} is {where}"
    except KeyboardInterrupt:
        print(f"nanomorph: interrupted; {kept}", file=sys.stderr)
        return INTERRUPTED
    return 0


def _shown(plan: "Plan", options: Options) -> Iterator[str]:
    """Print and keep what is found as it comes; yields what is finished."""
    from nanomorph.bench.cases import measure_all
    from nanomorph.bench.table import block, count, head, terminal_width

    width = terminal_width()
    for found in measure_all(plan, options.bundle, lambda words: print(printable(words), file=sys.stderr)):
        cases = found["cases"]
        print(block(cases[-1], width) if cases else head(found, width), flush=True)
        if cases and options.json is not None:
            _write(options.json, found)
        if cases:
            yield count(len(cases), "case")


def _write(path: Path, found: dict[str, Any]) -> None:
    from nanomorph.atomic import atomic_open
    from nanomorph.outages import writing_to

    with writing_to(path), atomic_open(path, "w") as file:
        file.write(json.dumps(found, indent=2, ensure_ascii=False) + "\n")


def _check_file(path: Path) -> None:
    """Before anything is measured: what cannot be written would be lost at the end."""
    from nanomorph.outages import writable

    folder = path.resolve().parent
    if path.is_dir():
        raise ConfigurationError(f"--json {path}: that is a folder, give the name of a file.")
    if not folder.is_dir():
        raise ConfigurationError(f"--json {path}: there is no folder {folder}.")
    if not writable([folder]):
        raise ConfigurationError(f"--json {path}: {folder} cannot be written to, choose another folder.")


def _check_choices(name: str, values: tuple[str, ...], choices: tuple[str, ...]) -> None:
    for value in values:
        if value not in choices:
            raise ConfigurationError(f"--{name} {value}: choose from {', '.join(choices)}.")
