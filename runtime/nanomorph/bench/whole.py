"""The whole job, through the very pipeline that `batch` runs."""

from __future__ import annotations

import itertools
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from nanomorph.bench.samples import percentiles
from nanomorph.errors import FatalError
from nanomorph.model import Model
from nanomorph.running.run import Run
from nanomorph.running.work import Settings
from nanomorph.sources import discover


@dataclass(frozen=True)
class WholeJob:
    """images: how many. seconds, cpu_seconds: until the last was durable. closing_seconds: tables and report.

    gaps: seconds from one finished micrograph to the next. steady_cores: busy on average while as many were in work as
    may be, from the first finished to the last begun; None where there were too few images.
    """

    images: int
    seconds: float
    cpu_seconds: float
    closing_seconds: float
    gaps: tuple[float, ...]
    steady_cores: float | None = None


def run_whole(model: Model, files: Sequence[Path], out: Path, settings: Settings) -> WholeJob:
    """Analyse `files` into the new folder `out`. Raises FatalError where one cannot be analysed."""
    begun, cpu = time.perf_counter(), time.process_time()
    times, spent = [begun], [cpu]
    with Run(out, model, settings, "nanomorph bench") as run:
        for event in run.process(discover(files)):
            if event.outcome != "done":
                why = f"{event.reason} {event.detail}".strip()
                raise FatalError(f"{event.name} is {event.outcome} ({why}): bench needs micrographs that can be used.")
            times.append(time.perf_counter())
            spent.append(time.process_time())
        all_spent, done = time.process_time() - cpu, time.perf_counter()
    closing, gaps = time.perf_counter() - done, tuple(b - a for a, b in itertools.pairwise(times))
    steady = steady_cores(times, spent, settings.workers)
    return WholeJob(len(gaps), done - begun, all_spent, closing, gaps, steady)


def steady_cores(times: Sequence[float], spent: Sequence[float], workers: int) -> float | None:
    """Cores busy without a run's beginning and its tail, where some have nothing to do yet or any more.

    times, spent: seconds of the wall clock and of the processor, at the start and after each image.
    """
    last = len(times) - workers
    if last - 1 < workers:
        return None
    return (spent[last] - spent[1]) / max(times[last] - times[1], 1e-9)


def whole_facts(runs: Sequence[WholeJob], megapixels: float) -> dict[str, Any]:
    """Medians over runs, the least and the most. megapixels: of an image, on average."""
    rates = [one.images / one.seconds for one in runs]
    rate = float(np.median(rates))
    return {
        "images_per_s": rate,
        "images_per_s_least": min(rates),
        "images_per_s_most": max(rates),
        "megapixels_per_s": rate * megapixels,
        "cpu_ms": 1000 * float(np.median([one.cpu_seconds / one.images for one in runs])),
        "cores_busy": float(np.median([one.steady_cores or one.cpu_seconds / one.seconds for one in runs])),
        "between_images": percentiles([gap for one in runs for gap in one.gaps]),
        "closing_s": float(np.median([one.closing_seconds for one in runs])),
        "n": len(runs),
    }
