"""Draw synthetic micrographs with exact masks, labels and the true geometry of every wire.

Writes into --out: images/*.tif (pixel size stored, ImageJ style), masks/*.png (255 foreground),
instances/*.tif (16 bit, number of the wire, of crossing wires the upper one), axes/*.npz (axis of every wire,
px), labels.csv (a row per image), wires.csv (a row per wire: width and length in px and nm, persistence
length) and repeat.txt (the command; the same options give the same files). `grid` and `texture` (two phases that fill
the field: spinodal, lamellae, pores, foams) teach a segmenter what mesh and phases are; a texture has one instance, and
no axis.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from nanomorph.cli.options import option
from nanomorph.errors import ConfigurationError
from nanomorph_training.kinds import CLASSES, DRAWN, LABELS
from nanomorph_training.ranges import ANY, require_ranges


@dataclass(frozen=True)
class Options:
    out: Path = option("folder for the images and tables", type=Path)
    count: int = option("images per class", default=100, type=int)
    size: int = option("side of an image in px", default=512, type=int)
    seed: int = option("of every random draw", default=0, type=int)
    classes: tuple[str, ...] = option(
        f"classes to draw, of {', '.join(LABELS)}; empty: film and dirt alone; foreign: plots, diffraction, text",
        default=CLASSES,
        type=str,
        choices=DRAWN,
        metavar="CLASS",
        many=True,
    )
    width_px: tuple[float, ...] = option(
        "typical width of the wires (diameter of particles) in px, or least and most (default: 3 to 30)",
        default=(),
        type=float,
        many=True,
    )
    bits: int = option("8 or 16 bits a pixel", default=8, type=int)
    workers: int = option("processes", default=1, type=int)


@dataclass(frozen=True)
class _Job:
    """One field to draw and write."""

    label: str
    number: int
    seed: int
    size: int
    width_px: tuple[float, float] | None
    bits: int
    out: Path


def run(options: Options, report: Callable[[str], None] = print) -> int:
    """Draw and write everything; 0 when done. Raises ConfigurationError before any work."""
    import pandas as pd

    from nanomorph_training.runs.run_folder import RunFolder, plain
    from nanomorph_training.synthesis.files import FOLDERS, LABEL_COLUMNS

    _check(options)
    for folder in FOLDERS:
        (options.out / folder).mkdir(parents=True, exist_ok=True)
    RunFolder(options.out).write_repeat("synthesize", plain(options))
    rows, wires = zip(*_drawn(options), strict=True)
    pd.concat(wires).to_csv(options.out / "wires.csv", index=False, float_format="%.4f")
    # Last, so that a list is there only when everything it names is.
    pd.DataFrame(rows, columns=list(LABEL_COLUMNS)).to_csv(options.out / "labels.csv", index=False)
    report(f"{len(rows)} images of {len(set(options.classes))} classes are in {options.out}")
    return 0


def _check(options: Options) -> None:
    if (options.out / "labels.csv").exists():
        raise ConfigurationError(f"{options.out} already holds labels.csv: give another --out")
    if options.bits not in (8, 16):
        raise ConfigurationError(f"--bits is 8 or 16, not {options.bits}")
    if len(options.width_px) > 2 or any(width <= 0 for width in options.width_px):
        raise ConfigurationError(f"--width-px takes one width or two above 0, not {options.width_px}")
    require_ranges(options, ("size", 96, 8192), ("count", 1, ANY), ("workers", 1, ANY), ("seed", 0, 2**32 - 1))
    unknown = sorted(set(options.classes) - set(DRAWN))
    if unknown:
        raise ConfigurationError(f"--classes: unknown {', '.join(unknown)}; there are {', '.join(DRAWN)}")


def _drawn(options: Options) -> Iterator[tuple[dict, object]]:
    """Rows of both tables, in order, with a progress bar on a terminal."""
    from rich.console import Console
    from rich.progress import track

    width = (min(options.width_px), max(options.width_px)) if options.width_px else None
    jobs = [
        _Job(label, number, options.seed * 1_000_003 + number, options.size, width, options.bits, options.out)
        for label in dict.fromkeys(options.classes)
        for number in range(options.count)
    ]
    console = Console(stderr=True)
    results = _results(jobs, options.workers)
    yield from track(results, "synthesizing", len(jobs), console=console, disable=not console.is_terminal)


def _results(jobs: list[_Job], workers: int) -> Iterator[tuple[dict, object]]:
    if workers == 1:
        yield from map(_draw_and_write, jobs)
        return
    from concurrent.futures import ProcessPoolExecutor
    from multiprocessing import get_context

    # spawn: OpenCV's threads do not survive a fork.
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn"), initializer=_one_thread) as pool:
        yield from pool.map(_draw_and_write, jobs, chunksize=4)


def _one_thread() -> None:
    import cv2

    cv2.setNumThreads(1)


def _draw_and_write(job: _Job) -> tuple[dict, object]:
    from nanomorph_training.synthesis import synthesize_field
    from nanomorph_training.synthesis.files import write_field

    field = synthesize_field(job.label, job.seed, job.size, width_px=job.width_px, bits=job.bits)
    row, wires = write_field(job.out, f"{job.label}_{job.number:05d}", field)
    # Every field is drawn by itself, so each is a group of its own.
    return row | {"seed": job.seed, "group": f"synthetic-{job.label}-{job.seed}"}, wires
