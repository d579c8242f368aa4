"""What a person must know of the labels that a head learns from, in sentences."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from nanomorph.errors import ConfigurationError
from nanomorph.majority import OTHER
from nanomorph.measure import DOMAIN_COLUMNS
from nanomorph_training.heads.head import STATE, load_head
from nanomorph_training.micrographs.samples import Sample

# Columns of domains.csv and labels.csv, and what their cells say beside the name of a class.
_TAKEN = frozenset({"micrograph", "task", "label", "bundle", *(column.name for column in DOMAIN_COLUMNS)})
_DECISIONS = frozenset({"accepted", "uncertain", "unknown"})


def check_task(name: str) -> None:
    """A task names files and columns. Raises ConfigurationError for what does not."""
    if not re.fullmatch(r"\w[\w.-]*", name, re.ASCII):
        raise ConfigurationError(
            f"--task {name!r}: letters, digits, `-`, `_` and `.` alone; it names files and columns"
        )
    if name.removesuffix("_confidence") in _TAKEN:
        raise ConfigurationError(f"--task {name}: domains.csv has a column of that name already, give another one")


def check_labels(names: Iterable[str]) -> None:
    """Raises ConfigurationError for a class that nobody could tell from a decision, or from another class."""
    names = set(names)
    spelt: dict[str, str] = {}
    for name in sorted(names):
        if (first := spelt.setdefault(name.casefold(), name)) != name:
            raise ConfigurationError(f"classes `{first}` and `{name}` differ by their case alone: choose one")
    taken = sorted(_DECISIONS.intersection(names))
    if taken:
        raise ConfigurationError(
            f"a class named `{taken[0]}` could not be told from what nanomorph says of what it does not know: "
            f"call fields that are none of your classes `{OTHER}`, or give the class another name"
        )


def check_place(out: Path, task: str, level: str) -> None:
    """Raises ConfigurationError where `out` holds a head of something else, which would be lost."""
    if not (out / STATE).is_file():
        return
    there = load_head(out)
    if (there.task, there.level) != (task, level):
        raise ConfigurationError(
            f"--out {out} holds the head of {there.task}, level {there.level}: give another folder for {task}, {level}"
        )


def on_samples(samples: Sequence[Sample], n_listed: int) -> Iterator[str]:
    """Of the micrographs that are learned from: what was left out, and whether there are groups."""
    if n_listed > len(samples):
        yield f"{n_listed - len(samples)} of {n_listed} micrographs have no label, or none that was asked for: left out"
    if not any(sample.group for sample in samples):
        yield (
            "no micrograph has a group: none is kept for the test. Where several show one specimen, name it in a "
            "column `group`: otherwise scores come out too good"
        )


def on_validation(samples: Sequence[Sample]) -> str:
    """Why nothing was judged out of fold, with the classes that are to blame."""
    groups: dict[str, set[str]] = {}
    for sample in samples:
        groups.setdefault(sample.label, set()).add(sample.group or sample.name)
    single = [label for label, of in groups.items() if len(of) < 2]
    few = f"{', '.join(sorted(single))} with a single group or micrograph" if single else "too few of each"
    return f"nothing was validated ({few}): no scores, an empty doubts.csv, and defaults for confidence and `uncertain`"
