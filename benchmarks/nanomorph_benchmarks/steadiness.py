"""Does the whole job get faster with cores, and does its memory stay flat? (Linux: it asks /proc.)

    python -m nanomorph_benchmarks.steadiness --out benchmarks/results/steadiness.json

Scaling: one worker on one core against as many as there are cores, in turns, each in a process of its own. Memory: of
`nanomorph batch` at its default settings while it goes through thousands of small images.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from nanomorph.bench.child import Job, measure_apart
from nanomorph.bench.frames import write_frames
from nanomorph.bundle import load_bundle
from nanomorph.cli.options import option
from nanomorph.machine import machine
from nanomorph_benchmarks.cases import named
from nanomorph_benchmarks.options import BundleOptions, main

MIB = 2**20


@dataclass(frozen=True, kw_only=True)
class Options(BundleOptions):
    side: int = option("of the frames that scaling is measured on, px", default=1024, type=int)
    images: int = option("of them", default=12, type=int)
    rounds: int = option("turns of one core and of all", default=3, type=int)
    many: int = option("small images that memory is watched on", default=3000, type=int)
    small: int = option("their side, px", default=128, type=int)
    every: int = option("look at memory after so many", default=250, type=int)


def scaling(options: Options, scratch: Path) -> dict[str, Any]:
    """Images a second on one core and on all, and their ratio turn by turn."""
    allowed = sorted(os.sched_getaffinity(0))
    files = write_frames(scratch / "scaling", options.side, options.images)
    rates: dict[int, list[float]] = {1: [], len(allowed): []}
    try:
        for _ in range(options.rounds):
            for cores in rates:
                os.sched_setaffinity(0, allowed[:cores])  # its children may use no others
                rates[cores].append(_rate(options, files, scratch, cores))
    finally:
        os.sched_setaffinity(0, allowed)
    ratios = np.array(rates[len(allowed)]) / np.array(rates[1])
    return {
        "images_per_s": {str(cores): values for cores, values in rates.items()},
        "cores": len(allowed),
        "times_median": float(np.median(ratios)),
        "times_least": float(ratios.min()),
        "times_most": float(ratios.max()),
        "n": options.rounds,
    }


def _rate(options: Options, files: list[Path], scratch: Path, workers: int) -> float:
    bundle = None if options.bundle is None else str(options.bundle.resolve())
    job = Job(tuple(map(str, files)), str(scratch), bundle, workers, device="cpu")
    return float(measure_apart(job)["whole"][0]["images_per_s"])


def memory(options: Options, scratch: Path) -> dict[str, Any]:
    """MiB that `batch` holds after every so many images, and at its peak."""
    write_frames(scratch / "many", options.small, options.many)
    command = [
        sys.executable,
        "-m",
        "nanomorph.cli.main",
        "batch",
        str(scratch / "many"),
        "--out",
        str(scratch / "out"),
    ]
    command += ["--device", "cpu", "--json", *(["--bundle", str(options.bundle)] if options.bundle else [])]
    held, peak, done = {}, 0.0, 0
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as batch:
        assert batch.stdout is not None
        for line in batch.stdout:
            done += json.loads(line)["outcome"] == "done"
            if done and done % options.every == 0:
                held[done], peak = _memory_of(batch.pid)
    assert batch.returncode == 0, batch.returncode
    return {"images": done, "side": options.small, "mib_after": held, "peak_mib": peak, "growth": growth(held)}


def _memory_of(process: int) -> tuple[float, float]:
    """Resident MiB now, and at most so far."""
    status = dict(line.split(":", 1) for line in Path(f"/proc/{process}/status").read_text().splitlines())
    now, peak = (int(status[key].split()[0]) * 1024 / MIB for key in ("VmRSS", "VmHWM"))
    return now, peak


def growth(held: dict[int, float]) -> float:
    """MiB a thousand images, by a straight line through the second half: the first fills caches."""
    half = sorted(held)[len(held) // 2 :]
    if len(half) < 2:
        return 0.0
    return 1000 * float(np.polyfit(half, [held[n] for n in half], 1)[0])


def as_markdown(result: dict[str, Any]) -> str:
    """For people."""
    one, all_ = result["scaling"], result["memory"]
    held = ", ".join(f"{mib:.0f} after {n}" for n, mib in all_["mib_after"].items())
    return "\n".join(
        [
            f"{one['cores']} cores do {one['times_median']:.2f} times "
            f"[{one['times_least']:.2f}, {one['times_most']:.2f}] "
            f"what one does (n = {one['n']} turns each).",
            "",
            f"`batch` on {all_['images']} images of {all_['side']} px: {held} MiB; peak {all_['peak_mib']:.0f} MiB, "
            f"growth {all_['growth']:.1f} MiB a thousand images over the second half.",
        ]
    )


def evaluate(options: Options) -> dict[str, Any]:
    """Both as one JSON value."""
    bundle = load_bundle(options.bundle)
    with tempfile.TemporaryDirectory(prefix="nanomorph-steadiness-") as scratch:
        return {
            "bundle": named(bundle),
            "made": machine(),
            "scaling": scaling(options, Path(scratch)),
            "memory": memory(options, Path(scratch)),
        }


if __name__ == "__main__":
    raise SystemExit(main(Options, __doc__, evaluate, as_markdown))
