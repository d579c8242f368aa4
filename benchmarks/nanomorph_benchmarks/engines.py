"""How fast the backbone alone runs, beside what else could run it; all in one process, taking turns.

    python -m nanomorph_benchmarks.engines --out benchmarks/results/engines.json

torch eager gets the same network. Times are of one machine at one moment: read the ratios. With
`--try-int8 ../shared/data` a bundle that ships no int8 gets rows for one made on the spot (`tried_int8`).
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from nanomorph.bundle import Bundle, load_bundle
from nanomorph.cli.options import option
from nanomorph.machine import machine
from nanomorph_benchmarks.cases import named
from nanomorph_benchmarks.options import BundleOptions, main
from nanomorph_benchmarks.other_engines import in_both
from nanomorph_benchmarks.tried_int8 import TriedInt8, files_of, make

Run = Callable[[np.ndarray], Any]
BASELINE = "torch eager fp32"
OURS = {"onnxruntime": "nanomorph", "OpenVINO": "nanomorph on OpenVINO"}


@dataclass(frozen=True, kw_only=True)
class Options(BundleOptions):
    threads: int = option("CPU threads for every contestant", default=2, type=int)
    rounds: int = option("turns of each", default=15, type=int)
    sides: list[int] | None = option("sides of the frames in px", default=None, type=int, many=True)
    try_int8: Path | None = option(
        "time an int8 file too where the bundle ships none, made from this folder of real micrographs",
        default=None,
        type=Path,
        metavar="DATA",
    )


def contestants(bundle: Bundle, threads: int, tried: TriedInt8 | None = None) -> dict[str, Run]:
    """By name: what takes a batch. Ours are graphs of the bundle and, where there is one, the int8 file that was tried.

    In onnxruntime and, where that is installed, in OpenVINO.
    """
    files = [row for row in files_of(bundle, tried) if row[1] != "fp16"]  # those are for GPUs: a CPU computes fp32
    ours = {f"{OURS[kind]} {name}": engine.run for kind, name, engine in in_both(bundle, files, threads)}
    return {BASELINE: _torch(bundle, threads)} | ours


def _torch(bundle: Bundle, threads: int) -> Run:
    import torch

    from nanomorph_benchmarks.reference_network import torch_engine

    torch.set_num_threads(threads)
    return torch_engine(bundle.backbones["fp32"]).run


def time_all(runs: dict[str, Run], batch: np.ndarray, rounds: int) -> dict[str, np.ndarray]:
    """Seconds (rounds,) of each; every round gives each one turn, the first (warm-up) is not counted."""
    seconds: dict[str, list[float]] = {name: [] for name in runs}
    for _ in range(rounds + 1):
        for name, run in runs.items():
            begun = time.perf_counter()
            run(batch)
            seconds[name].append(time.perf_counter() - begun)
    return {name: np.array(values[1:]) for name, values in seconds.items()}


def summary(seconds: dict[str, np.ndarray], frames: int) -> dict[str, dict[str, float]]:
    """Frames a second from the median, quartiles of the time, and the median of the ratios round by round."""
    return {
        name: {
            "frames_per_s": frames / float(np.median(values)),
            "ms_quartiles": [round(1000 * q / frames, 2) for q in np.percentile(values, (25, 50, 75))],  # type: ignore[dict-item]
            "times_torch": float(np.median(seconds[BASELINE] / values)),
            "n": len(values),
        }
        for name, values in seconds.items()
    }


def evaluate(options: Options) -> dict[str, Any]:
    """Every contestant on every shape of batch."""
    bundle = load_bundle(options.bundle)
    with tempfile.TemporaryDirectory(prefix="nanomorph-engines-") as folder:
        data = options.try_int8 if "int8" not in bundle.backbones else None
        tried = None if data is None else make(bundle, data, Path(folder))
        tables = _tables(contestants(bundle, options.threads, tried), options, bundle.input.max_side)
    return {
        "bundle": named(bundle),
        "made": machine(),
        "threads": options.threads,
        "tables": tables,
        "tried": None if tried is None else str(tried),
    }


def _tables(runs: dict[str, Run], options: Options, side_of_model: int) -> dict[str, Any]:
    tables = {}
    for side in options.sides or [side_of_model]:
        for frames in (1, 4):
            batch = np.random.default_rng(0).integers(0, 256, (frames, 1, side, side), dtype=np.uint8)
            tables[f"{frames} x {side} px"] = summary(time_all(runs, batch, options.rounds), frames)
    return tables


def as_markdown(result: dict[str, Any]) -> str:
    """The tables for people."""
    lines = []
    for shape, rows in result["tables"].items():
        lines += [f"Batches of {shape}, {result['threads']} threads, n = {rows[BASELINE]['n']} turns each:", ""]
        lines += ["| | frames a second | ms a frame, quartiles | times torch |", "|---|---|---|---|"]
        for name, row in rows.items():
            quartiles = " / ".join(f"{q:.1f}" for q in row["ms_quartiles"])
            lines.append(f"| {name} | {row['frames_per_s']:.2f} | {quartiles} | {row['times_torch']:.2f} |")
        lines.append("")
    return "\n".join([*lines, result["tried"]] if result.get("tried") else lines)


if __name__ == "__main__":
    raise SystemExit(main(Options, __doc__, evaluate, as_markdown))
