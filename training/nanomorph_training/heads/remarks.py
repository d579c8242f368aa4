"""What a person must know of the labels that a head learns from, in sentences."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from nanomorph.errors import ConfigurationError
from nanomorph_training.samples import Sample


def check_task(name: str) -> None:
    """A task names files and columns. Raises ConfigurationError for what does not."""
    if not re.fullmatch(r"\w[\w.-]*", name, re.ASCII):
        raise ConfigurationError(
            f"--task {name!r}: letters, digits, `-`, `_` and `.` alone; it names files and columns"
        )


def on_samples(samples: Sequence[Sample], n_listed: int) -> Iterator[str]:
    """Of the micrographs that are learned from: what was left out, and whether there are groups."""
    if n_listed > len(samples):
        yield f"{n_listed - len(samples)} of {n_listed} micrographs have no label, or none that was asked for: left out"
    if not any(sample.group for sample in samples):
        yield "no micrograph has a group: none is kept for the test, and frames of one specimen make scores too good"


def on_validation(samples: Sequence[Sample]) -> str:
    """Why nothing was judged out of fold, with the classes that are to blame."""
    groups: dict[str, set[str]] = {}
    for sample in samples:
        groups.setdefault(sample.label, set()).add(sample.group or sample.name)
    single = [label for label, of in groups.items() if len(of) < 2]
    few = f"{', '.join(sorted(single))} with a single group or micrograph" if single else "too few of each"
    return f"nothing was validated ({few}): no scores, an empty doubts.csv, and defaults for confidence and `uncertain`"
