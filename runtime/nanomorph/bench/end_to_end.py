"""The whole job, through the very pipeline that `batch` runs."""

from __future__ import annotations

import itertools
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from nanomorph.errors import FatalError
from nanomorph.model import Model
from nanomorph.run import Run
from nanomorph.sources import discover
from nanomorph.work import Settings


@dataclass(frozen=True)
class EndToEnd:
    """images: how many. seconds: until the last one was durable; closing: the tables and the report at the end."""

    images: int
    seconds: float
    cpu_seconds: float
    closing_seconds: float
    gaps: tuple[float, ...]


def run_whole(model: Model, files: Sequence[Path], out: Path, settings: Settings) -> EndToEnd:
    """Analyse `files` into the new folder `out`. Raises FatalError where one could not be analysed.

    gaps: seconds from one finished micrograph to the next.
    """
    begun, cpu = time.perf_counter(), time.process_time()
    times = [begun]
    with Run(out, model, settings, "nanomorph bench") as run:
        for event in run.process(discover(files)):
            if event.outcome != "done":
                raise FatalError(f"{event.name} is {event.outcome} ({event.reason}): give bench micrographs that work")
            times.append(time.perf_counter())
        spent, done = time.process_time() - cpu, time.perf_counter()
    gaps = tuple(b - a for a, b in itertools.pairwise(times))
    return EndToEnd(len(times) - 1, done - begun, spent, time.perf_counter() - done, gaps)


def peak_memory() -> int | None:
    """Bytes that this process held at most so far; None where the system does not say (Windows)."""
    try:
        import resource
    except ImportError:
        return None
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most if sys.platform == "darwin" else most * 1024
