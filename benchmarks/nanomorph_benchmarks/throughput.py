"""How many micrographs a second, beside what a user would run instead; all in one process, taking turns.

    python -m nanomorph_benchmarks.throughput --out benchmarks/results/throughput.json

Everybody does the whole job (read, label, mask, table of domains) with the same network on the same frames, and
everybody's masks and embeddings are held against the baseline's before anybody is timed.
"""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nanomorph.bench.frames import write_frames
from nanomorph.bundle import load_bundle
from nanomorph.cli.options import commas, option
from nanomorph.machine import machine
from nanomorph_benchmarks.cases import named
from nanomorph_benchmarks.contestants import BASELINE, Bench
from nanomorph_benchmarks.options import BundleOptions, main
from nanomorph_benchmarks.races import agreement, race


@dataclass(frozen=True, kw_only=True)
class Options(BundleOptions):
    size: tuple[int, ...] = option(
        "sides of the frames in px", default=(1024, 4096), type=commas(int), metavar="PX,..."
    )
    images: tuple[int, ...] = option("frames a turn, by size", default=(24, 2), type=commas(int), metavar="N,...")
    rounds: tuple[int, ...] = option("turns of each, by size", default=(3, 2), type=commas(int), metavar="N,...")
    workers: int = option("cores that everybody may use", default=2, type=int)

    def __post_init__(self) -> None:
        if not len(self.size) == len(self.images) == len(self.rounds):
            raise SystemExit("--size, --images and --rounds: give one of each for every size.")


def evaluate(options: Options) -> dict[str, Any]:
    """Every contestant on every size."""
    bundle = load_bundle(options.bundle)
    precisions = [precision for precision in bundle.backbones if precision != "fp16"]  # fp16 files are for GPUs
    bench = Bench(bundle, options.workers)
    tables = {}
    with tempfile.TemporaryDirectory(prefix="nanomorph-throughput-") as scratch:
        for side, images, rounds in zip(options.size, options.images, options.rounds, strict=True):
            files = write_frames(Path(scratch) / str(side), side, images)
            jobs = bench.jobs(precisions)
            agreed = agreement(jobs, files, Path(scratch), BASELINE)
            bare = {f"the model alone, {one}": bench.bare(one, files) for one in precisions}
            tables[f"{side} px"] = {"agreement": agreed, "race": race(jobs, bare, files, Path(scratch), rounds)}
    return {"bundle": named(bundle), "made": machine(), "workers": options.workers, "tables": tables}


def as_markdown(result: dict[str, Any]) -> str:
    """The tables for people."""
    lines = []
    for size, table in result["tables"].items():
        rows = table["race"]
        n, images = rows[BASELINE]["n"], rows[BASELINE]["images"]
        lines += [f"Frames of {size}, 16-bit TIFF, {images} a turn, {n} turns each, {result['workers']} cores:", ""]
        lines += ["| | images/s [least, most] | times (a) | CPU s an image | times the model's | mask Dice with (a) |"]
        lines += ["|---|---|---|---|---|---|"]
        for name, row in rows.items():
            dice = table["agreement"].get(name, {}).get("dice")
            times = f"{row['times_baseline']:.2f} [{row['times_least']:.2f}, {row['times_most']:.2f}]"
            lines.append(
                f"| {name} | {row['images_per_s']:.2f} [{row['least']:.2f}, {row['most']:.2f}] | {times} | "
                f"{row['cpu_s']:.3f} | {row['times_bare']:.2f} | {'' if dice is None else f'{dice:.4f}'} |"
            )
        lines.append("")
    return "\n".join(lines)


if __name__ == "__main__":
    raise SystemExit(main(Options, __doc__, evaluate, as_markdown))
