"""How fast the backbone alone runs, beside what else could run it; all in one process, taking turns.

    python -m nanomorph_benchmarks.engines --out benchmarks/results/engines.json

torch eager and OpenVINO get the same network. Times are of one machine at one moment: read the ratios.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from nanomorph.bundle import Bundle, load_bundle
from nanomorph.cli.options import option

Run = Callable[[np.ndarray], Any]
BASELINE = "torch eager fp32"


@dataclass(frozen=True)
class Options:
    bundle: Path | None = option("the bundle to time (default: the embedded one)", default=None, type=Path)
    threads: int = option("CPU threads for every contestant", default=2, type=int)
    rounds: int = option("turns of each", default=15, type=int)
    sides: list[int] | None = option("sides of the frames in px", default=None, type=int, many=True)
    out: Path | None = option("file for the figures as JSON", default=None, type=Path)


def contestants(bundle: Bundle, threads: int) -> dict[str, Run]:
    """By name: what takes a batch. Ours are the engines of the bundle; a package that is missing is left out."""
    from nanomorph.engines import open_engine

    runs = {BASELINE: _torch(bundle, threads)}
    for precision in bundle.backbones:
        if precision != "fp16":  # for GPUs: a CPU computes it in fp32
            runs[f"nanomorph {precision}"] = open_engine(bundle, "cpu", precision, threads).run
    for precision, file in bundle.backbones.items():
        compiled = _openvino(file, threads)
        if compiled is not None and precision != "fp16":
            runs[f"OpenVINO {precision}"] = compiled
    return runs


def _torch(bundle: Bundle, threads: int) -> Run:
    import torch

    from nanomorph_benchmarks.reference_network import torch_engine

    torch.set_num_threads(threads)
    return torch_engine(bundle.backbones["fp32"]).run


def _openvino(file: Path, threads: int) -> Run | None:
    try:
        import openvino
    except ImportError:
        return None
    settings = {"INFERENCE_NUM_THREADS": threads, "INFERENCE_PRECISION_HINT": "f32", "PERFORMANCE_HINT": "LATENCY"}
    compiled = openvino.Core().compile_model(str(file), "CPU", settings)
    return lambda batch: compiled({"image": batch})


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
    from nanomorph.machine import machine

    bundle = load_bundle(options.bundle)
    runs = contestants(bundle, options.threads)
    tables = {}
    for side in options.sides or [bundle.input.max_side]:
        for frames in (1, 4):
            batch = np.random.default_rng(0).integers(0, 256, (frames, 1, side, side), dtype=np.uint8)
            tables[f"{frames} x {side} px"] = summary(time_all(runs, batch, options.rounds), frames)
    named = {"name": bundle.name, "fingerprint": bundle.fingerprint}
    return {"bundle": named, "made": machine(), "threads": options.threads, "tables": tables}


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
    return "\n".join(lines)


def main() -> int:
    """Time, print, write the JSON."""
    from nanomorph_benchmarks.options import parse_as, save

    options = parse_as(Options, "engines", __doc__)
    result = evaluate(options)
    print(as_markdown(result))
    save(result, options.out)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
