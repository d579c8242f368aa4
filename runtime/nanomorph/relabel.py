"""Judge a finished run anew from what its journal holds: no image is read, nothing is measured again.

Field heads need embeddings and field descriptors, domain heads the rows of domains.csv (six digits a number, as
written there). labels.csv then says which bundle judged each row; what was measured keeps the bundle that measured it.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from nanomorph import __version__
from nanomorph.analysis import Judgement
from nanomorph.bundle import Bundle
from nanomorph.errors import ConfigurationError, FatalError, OutputError
from nanomorph.inference.judge import Head, Judge, judge_fields, judge_rows
from nanomorph.journal import Journal, Measured, Verdict, locate_existing, now
from nanomorph.journal.kept import measures_key
from nanomorph.outages import writing_to
from nanomorph.report import write_report
from nanomorph.results import export_tables
from nanomorph.results.cells import text
from nanomorph.results.judged import JudgedDomains, numbers_and_truths
from nanomorph.results.tables import label_cells

# Micrographs that are judged in one call of each head, and their packed domains together (1 MiB: some 4,000 domains).
PAGE, PAGE_BYTES = 64, 2**20


@dataclass(frozen=True)
class Relabelled:
    """How many micrographs were judged anew, and by task how many have another label than before.

    new: tasks that the run had no labels of. gone: those that it had, and of which the bundle has no head.
    """

    micrographs: int
    changed: dict[str, int] = field(default_factory=dict)
    new: frozenset[str] = frozenset()
    gone: frozenset[str] = frozenset()


def relabel(out: Path, bundle: Bundle, keep_tasks: bool = False) -> Relabelled:
    """Judge every micrograph of a run's folder with the heads of `bundle`, all or none, and rewrite tables and report.

    keep_tasks: refuse where the bundle has no head for a task whose labels would be gone.
    Raises ConfigurationError where there is no run, another process writes it, or it was measured by another backbone.
    """
    with Journal.open(locate_existing(out)) as journal:
        _require_same_measures(journal, bundle)
        judge = Judge(bundle)
        before, tasks = frozenset(journal.tasks()), frozenset(head.spec.task for head in judge.heads)
        if keep_tasks and (gone := before - tasks):
            raise ConfigurationError(
                f"{out} has labels of {', '.join(sorted(gone))}, which would be gone, as bundle {bundle.name} "
                f"({bundle.fingerprint}) has no head for that: name the bundle that is meant (--bundle)."
            )
        changed: dict[str, int] = {}
        verdicts = _verdicts(journal, judge, {*before, *tasks}, bundle.fingerprint, changed)
        count = journal.rejudge({head.task: head.labels for head in bundle.heads}, verdicts)
        journal.remember("bundle", bundle.fingerprint)
        journal.remember(measures_key(bundle.fingerprint), bundle.measures)
        about = {"Relabelled with": f"{bundle.name} ({bundle.fingerprint})", "nanomorph": __version__}
        try:
            with writing_to(out):
                export_tables(journal, out)
                write_report(journal, out, about)
        except OutputError as error:
            raise FatalError(f"{error} The journal has the new labels: the same command writes the tables.") from error
    return Relabelled(count, changed, tasks - before, before - tasks)


def _require_same_measures(journal: Journal, bundle: Bundle) -> None:
    """An embedding means nothing to a head that was fitted on another encoder."""
    known = {one: journal.recall(measures_key(one)) for one in journal.bundles()}
    others = [one for one, measures in known.items() if measures != bundle.measures]
    if others:
        raise ConfigurationError(
            f"{journal.path.parent} was measured by {', '.join(others)}, whose backbone or input is not that of bundle "
            f"{bundle.name} ({bundle.fingerprint}): run `nanomorph batch` on the images with it."
        )


def _verdicts(
    journal: Journal, judge: Judge, stale: set[str], bundle: str, changed: dict[str, int]
) -> Iterator[Verdict]:
    judged_by = {"bundle": text(bundle), "processed_at": now()}
    # An alias is another name of a file that has a row of its own.
    originals = (one for one in journal.measured(domains=True, vectors=True) if one.embedding)
    for page in _pages(originals):
        for one in _judge(page, judge, stale):
            before = {cells["task"]: cells["label"] for cells in one.measured.labels}
            for judgement in one.judgements:
                was_other = before.get(text(judgement.task)) != text(judgement.label)
                changed[judgement.task] = changed.get(judgement.task, 0) + was_other
            labels = [label_cells(judgement) | judged_by for judgement in one.judgements]
            yield Verdict(one.measured.name, labels, one.columns, one.packed_domains)


def _pages(found: Iterable[Measured]) -> Iterator[list[Measured]]:
    """Micrographs that are judged together: their domains were recorded under the same columns."""
    page: list[Measured] = []
    weight = 0
    for one in found:
        weight += len(one.packed_domains)
        full = len(page) == PAGE or weight > PAGE_BYTES
        if page and (full or one.domain_columns != page[0].domain_columns):
            yield page
            page, weight = [], len(one.packed_domains)
        page.append(one)
    if page:
        yield page


@dataclass(frozen=True, eq=False)
class _Judged:
    """What the heads say of a micrograph, and its domains with it as `Verdict` has them."""

    measured: Measured
    judgements: list[Judgement]
    columns: tuple[str, ...]
    packed_domains: bytes


def _judge(page: Sequence[Measured], judge: Judge, stale: set[str]) -> list[_Judged]:
    embeddings = np.stack([np.frombuffer(one.embedding, "<f4") for one in page])
    # Opened too where domains hold what a head said that is gone.
    opened = any(head.spec.level == "domain" for head in judge.heads) or not stale.isdisjoint(page[0].domain_columns)
    tables = [JudgedDomains.of(one, stale) for one in page] if opened else []
    said: list[list[Judgement]] = []
    for head in judge.heads:
        if head.spec.level == "field":
            said.append(_judge_fields(head, embeddings, page))
        else:
            judgements, tables = _judge_domains(head, embeddings, page, tables)
            said.append(judgements)
    if opened:
        rows = [(table.columns, table.packed()) for table in tables]
    else:
        rows = [(one.domain_columns, one.packed_domains) for one in page]
    return [_Judged(one, [of[n] for of in said], *rows[n]) for n, one in enumerate(page)]


def _judge_fields(head: Head, embeddings: np.ndarray, page: Sequence[Measured]) -> list[Judgement]:
    for one in page:
        _require_measured(head, one.name, one.descriptors)
    return judge_fields(head, embeddings, [one.descriptors for one in page])


def _judge_domains(
    head: Head, embeddings: np.ndarray, page: Sequence[Measured], tables: Sequence[JudgedDomains]
) -> tuple[list[Judgement], list[JudgedDomains]]:
    _require_measured(head, page[0].name, tables[0].columns)  # all of a page have the same columns
    descriptors, at_edge = numbers_and_truths(tables, head.spec.descriptors, "touches_edge")
    found = judge_rows(head, embeddings, descriptors, at_edge)
    judged = [table.judged(head.spec.task, *cells) for table, (_, *cells) in zip(tables, found, strict=True)]
    return [judgement for judgement, *_ in found], judged


def _require_measured(head: Head, name: str, known: Container[str]) -> None:
    missing = [one for one in head.spec.descriptors if one not in known]
    if missing:
        raise ConfigurationError(
            f"{name} was not measured for head {head.spec.task}: {', '.join(missing)} is missing; "
            "run `nanomorph batch` on the images with this bundle."
        )
