"""Figures with their spread: intervals over groups, because images of one article resemble one another."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

RESAMPLES = 2000


@dataclass(frozen=True)
class Figure:
    """A statistic with its 95 % interval (bootstrap over groups), the number of images and of groups."""

    value: float
    low: float
    high: float
    n: int
    groups: int

    def __str__(self) -> str:
        return f"{self.value:.3f} [{self.low:.3f}, {self.high:.3f}] (n={self.n}, {self.groups} groups)"


def shown(figure: Mapping[str, float], digits: int = 3) -> str:
    """A `Figure` that has become JSON, for tables: `value [low, high]`."""
    return f"{figure['value']:.{digits}f} [{figure['low']:.{digits}f}, {figure['high']:.{digits}f}]"


def by_group(groups: Sequence[str], statistic: Callable[[np.ndarray], float]) -> Figure:
    """`statistic` of image indices (n,), and its interval when whole groups are drawn with replacement."""
    names, member = np.unique(np.asarray(groups), return_inverse=True)
    indices = [np.flatnonzero(member == number) for number in range(len(names))]
    rng = np.random.default_rng(0)
    draws = [
        statistic(np.concatenate([indices[number] for number in rng.integers(0, len(names), len(names))]))
        for _ in range(RESAMPLES)
    ]
    low, high = np.nanpercentile(draws, (2.5, 97.5))
    return Figure(statistic(np.arange(len(member))), float(low), float(high), len(member), len(names))


def mean_by_group(groups: Sequence[str], values: np.ndarray) -> Figure:
    """The mean of `values` (n,) with its interval."""
    return by_group(groups, lambda index: float(values[index].mean()))
