"""How many micrographs a second does this machine do, and what holds it back?

Times the whole job, every stage alone and the model alone, on drawn 16-bit TIFFs or on micrographs of yours. Options
that take a list (512,1024) measure every combination. Nothing is kept but what --json writes.
"""

import sys
from dataclasses import dataclass
from pathlib import Path

from nanomorph.cli.options import commas, option
from nanomorph.cli.run_options import check_graphs
from nanomorph.devices import DEVICES, PRECISIONS
from nanomorph.errors import ConfigurationError


@dataclass(frozen=True)
class Options:
    inputs: list[Path] | None = option(
        "micrographs of yours: files, folders (default: drawn ones)", default=None, type=Path, many=True
    )
    size: tuple[int, ...] | None = option(
        "sides of the drawn frames in px (default: 1024)", default=None, type=commas(int), metavar="PX,..."
    )
    images: int = option("how many images a run (default: 8)", default=8, type=int)
    repeats: int = option("runs of each case (default: 3)", default=3, type=int)
    bundle: Path | None = option("a bundle's folder (default: the embedded one)", default=None, type=Path)
    device: tuple[str, ...] = option(
        f"where to compute: {', '.join(DEVICES)}", default=("auto",), type=commas(str), metavar="DEVICE,..."
    )
    precision: tuple[str, ...] = option(
        f"of the backbone: {', '.join(PRECISIONS)}", default=("auto",), type=commas(str), metavar="PRECISION,..."
    )
    batch: tuple[int, ...] | None = option(
        "frames a batch (default: what the device is fed well by)", default=None, type=commas(int), metavar="N,..."
    )
    workers: tuple[int, ...] | None = option(
        "images in work at once (default: one a core)", default=None, type=commas(int), metavar="N,..."
    )
    overlays: bool = option("write no overlay pictures", default=True)
    detail: str = option("as of `batch`: auto, whole, or N times finer", default="auto", type=str)
    cuda_graphs: bool = option("as of `batch`", default=False)
    json: Path | None = option("file for the figures, machine and versions as JSON", default=None, type=Path)

    def __post_init__(self) -> None:
        _check_choices("device", self.device, DEVICES)
        _check_choices("precision", self.precision, PRECISIONS)
        for name, least in (("size", 64), ("batch", 1), ("workers", 1)):
            for value in getattr(self, name) or ():
                if value < least:
                    raise ConfigurationError(f"--{name} {value}: give {least} or more.")
        if self.images < 1 or self.repeats < 1:
            raise ConfigurationError("--images and --repeats: give 1 or more.")
        if self.inputs and self.size:
            raise ConfigurationError("--size is the side of drawn frames: leave it out, or leave out --inputs.")
        for device in self.device:
            check_graphs(self.cuda_graphs, device)
        if self.json is not None and not self.json.resolve().parent.is_dir():
            raise ConfigurationError(f"--json {self.json}: there is no folder {self.json.resolve().parent}.")


def run(options: Options) -> int:
    """Measure and print; 0 when done."""
    from nanomorph.bench.cases import Plan, measure_all
    from nanomorph.bench.table import table
    from nanomorph.cores import cores
    from nanomorph.detail import Detail

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
    found = measure_all(plan, options.bundle, lambda words: print(words, file=sys.stderr))
    print(table(found))
    if options.json is not None:
        import json

        options.json.write_text(json.dumps(found, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    return 0


def _check_choices(name: str, values: tuple[str, ...], choices: tuple[str, ...]) -> None:
    for value in values:
        if value not in choices:
            raise ConfigurationError(f"--{name} {value}: choose from {', '.join(choices)}.")
