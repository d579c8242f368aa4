"""The model alone: batches of grain, as many at once as the pipeline has workers."""

from __future__ import annotations

import threading
import time
from typing import Any

import numpy as np

from nanomorph.bench.samples import percentiles
from nanomorph.engine import Engine


def time_model(engine: Engine, shape: tuple[int, ...], batch: int, workers: int, repeats: int) -> dict[str, Any]:
    """Batches uint8 (batch, 1, *shape), `repeats` in each of `workers` threads, after one that is not counted."""
    frames = np.random.default_rng(0).integers(0, 256, (batch, 1, *shape), dtype=np.uint8)
    engine.run(frames)
    wall: list[float] = []

    def work() -> None:
        for _ in range(repeats):
            begun = time.perf_counter()
            engine.run(frames)
            wall.append(time.perf_counter() - begun)

    threads = [threading.Thread(target=work) for _ in range(workers)]
    begun, cpu = time.perf_counter(), time.process_time()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    seconds, count = time.perf_counter() - begun, batch * len(wall)
    return {
        "batch": batch,
        **percentiles(wall),
        "cpu_ms": 1000 * (time.process_time() - cpu) / count,
        "frames_per_s": count / seconds,
        "megapixels_per_s": count * shape[0] * shape[1] / 1e6 / seconds,
    }
