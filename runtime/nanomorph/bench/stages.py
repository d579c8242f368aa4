"""Every stage by itself, one micrograph after the other: what it costs, before stages overlap."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from nanomorph.analysis import Analysis
from nanomorph.engines import Engine
from nanomorph.journal.rows import packed
from nanomorph.model import Model
from nanomorph.prepare import prepare
from nanomorph.readers import read_path
from nanomorph.results import rows_of, write_mask, write_overlay, write_wires

STAGES = ("read", "prepare", "infer", "measure", "write")
T = TypeVar("T")


@dataclass(frozen=True, eq=False)
class Samples:
    """Seconds of the wall clock and of the processor (all threads), one pair a micrograph (or a batch)."""

    wall: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)

    def timed(self, work: Callable[[], T]) -> T:
        wall, cpu = time.perf_counter(), time.process_time()
        result = work()
        self.cpu.append(time.process_time() - cpu)
        self.wall.append(time.perf_counter() - wall)
        return result

    def facts(self) -> dict[str, Any]:
        """Milliseconds: median, 5 and 95 %, and processor time; n."""
        low, median, high = np.percentile(self.wall, (5, 50, 95)) * 1000
        cpu = float(np.median(self.cpu)) * 1000
        return {"ms": median, "ms_5": low, "ms_95": high, "cpu_ms": cpu, "n": len(self.wall)}


def time_stages(model: Model, files: Sequence[Path], out: Path, repeats: int) -> dict[str, Samples]:
    """Each stage on each file, `repeats` times after one round that is not counted."""
    samples: dict[str, Samples] = defaultdict(Samples)
    for turn in range(repeats + 1):
        for file in files if turn else files[:1]:
            _through(model, file, out, defaultdict(Samples) if turn == 0 else samples)
    return dict(samples)


def _through(model: Model, file: Path, out: Path, samples: dict[str, Samples]) -> None:
    micrograph = samples["read"].timed(lambda: read_path(file))
    prepared = samples["prepare"].timed(lambda: prepare(micrograph, model.bundle.input))
    (seen,) = samples["infer"].timed(lambda: model.look([(micrograph, prepared)]))
    analysis = samples["measure"].timed(lambda: model.conclude(micrograph, "", seen))
    samples["write"].timed(lambda: _write(model, analysis, out))


def _write(model: Model, analysis: Analysis, out: Path) -> None:
    write_mask(out, analysis)
    write_wires(out, analysis)
    write_overlay(out, analysis, {head.task: head.labels for head in model.bundle.heads})
    packed(rows_of(analysis).domains)


def time_engine(engine: Engine, shape: tuple[int, int], batch: int, repeats: int) -> Samples:
    """The backbone alone on random frames uint8 (batch, 1, *shape), after one run that is not counted."""
    frames = np.random.default_rng(0).integers(0, 256, (batch, 1, *shape), dtype=np.uint8)
    samples = Samples()
    engine.run(frames)
    for _ in range(repeats):
        samples.timed(lambda: engine.run(frames))
    return samples
