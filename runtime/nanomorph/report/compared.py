"""Runs that are compared, each under a name of its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from nanomorph import __version__
from nanomorph.journal import JournalReader, locate
from nanomorph.report.collect import collect
from nanomorph.report.findings import Findings, Sizes
from nanomorph.report.methods import methods, settings_of
from nanomorph.sources import unique_names


@dataclass(frozen=True, eq=False)
class ComparedRun:
    """One run, a sample in the page: its name, folder of results, content, and all its domains by unit.

    methods: what a methods section has to say of it.
    """

    name: str
    out: Path
    findings: Findings
    sizes: Mapping[str, Sizes]
    methods: str


def open_runs(outs: Sequence[Path]) -> list[ComparedRun]:
    """From folders of results; names are the folders' own, with as many above them as tell them apart."""
    names = unique_names([out.resolve() for out in outs])
    return [_opened(name, out) for name, out in zip(names, outs, strict=True)]


def _opened(name: str, out: Path) -> ComparedRun:
    with JournalReader.open(locate(out)) as journal:
        findings = collect(journal, out)
        said = methods(findings, settings_of(journal), __version__)
    sizes: dict[str, Sizes] = {}
    for (unit, _), part in findings.folders.items():
        sizes.setdefault(unit, Sizes()).add(part)
    return ComparedRun(name, out, findings, sizes, said)
