"""How long to train: a number of steps, fixed before the first one, from steps, epochs or minutes."""

from __future__ import annotations

import copy
import time
from collections.abc import Callable, Sequence

from torch import nn

from nanomorph.errors import ConfigurationError

TRIAL_STEPS = 4


def total_steps(
    steps: int, epochs: float, minutes: float, samples: int, batch: int, step_seconds: Callable[[], float]
) -> int:
    """By the first of steps, epochs and minutes that is not 0; `step_seconds` is measured only for minutes.

    Raises ConfigurationError where all are 0.
    """
    if steps:
        return steps
    if epochs:
        return max(1, round(epochs * samples / batch))
    if minutes:
        return max(1, int(minutes * 60 / step_seconds()))
    raise ConfigurationError("say how long to train: --steps, --epochs or --minutes")


def seconds_per_step(step: Callable[[int], object], modules: Sequence[nn.Module]) -> float:
    """Median time of a few steps, after one to warm up; the modules' weights are put back."""
    before = [copy.deepcopy(module.state_dict()) for module in modules]
    times = []
    for number in range(TRIAL_STEPS):
        start = time.perf_counter()
        step(number)
        times.append(time.perf_counter() - start)
    for module, state in zip(modules, before, strict=True):
        module.load_state_dict(state)
        module.zero_grad(set_to_none=True)
    return sorted(times[1:])[len(times[1:]) // 2]


def readable_time(seconds: float) -> str:
    """`42 s`, `12 min`, `3 h 20 min`."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60} min"
