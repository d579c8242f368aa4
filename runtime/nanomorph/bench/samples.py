"""Times of the wall clock and of the processor, and how they are summed up."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

import numpy as np

T = TypeVar("T")


@dataclass(frozen=True, eq=False)
class Samples:
    """Seconds of the wall clock and of the processor (all threads of this process), one pair a piece of work."""

    wall: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)

    def timed(self, work: Callable[[], T]) -> T:
        """What `work` returns."""
        wall, cpu = time.perf_counter(), time.process_time()
        result = work()
        self.cpu.append(time.process_time() - cpu)
        self.wall.append(time.perf_counter() - wall)
        return result

    def facts(self) -> dict[str, Any]:
        """`percentiles` of the wall clock, mean processor time as `cpu_ms` (its clock is coarse, and it adds up)."""
        return percentiles(self.wall) | {"cpu_ms": 1000 * float(np.mean(self.cpu))}


def percentiles(seconds: Sequence[float]) -> dict[str, Any]:
    """Milliseconds: median as `ms`, then `ms_5`, `ms_95`, `ms_99`; n."""
    median, low, high, highest = (np.percentile(seconds, (50, 5, 95, 99)) * 1000).tolist()
    return {"ms": median, "ms_5": low, "ms_95": high, "ms_99": highest, "n": len(seconds)}
