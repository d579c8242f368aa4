"""Judge a finished run anew from what its journal holds: no image is read, nothing is measured again.

Field heads need embeddings and field descriptors, domain heads the rows of domains.csv (six digits a number, as
written there). labels.csv then says which bundle judged each row; what was measured keeps the bundle that measured it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from nanomorph import __version__
from nanomorph.analysis import Judgement
from nanomorph.bundle import Bundle
from nanomorph.errors import ConfigurationError
from nanomorph.journal import Journal, Measured, Verdict, locate_existing, now
from nanomorph.judge import Head, Judge, judge_field, judge_rows
from nanomorph.report import write_report
from nanomorph.results import export_tables
from nanomorph.results.cells import text
from nanomorph.results.judged import JudgedDomains
from nanomorph.results.tables import label_cells
from nanomorph.run import measures_key


@dataclass(frozen=True)
class Relabelled:
    """How many micrographs were judged anew, and by task how many have another label than before."""

    micrographs: int
    changed: dict[str, int] = field(default_factory=dict)


def relabel(out: Path, bundle: Bundle) -> Relabelled:
    """Judge every micrograph of a run's folder with the heads of `bundle`, all or none, and rewrite tables and report.

    Raises ConfigurationError where there is no run, another process writes it, or it was measured by another backbone.
    """
    with Journal.open(locate_existing(out)) as journal:
        _require_same_measures(journal, bundle)
        judge = Judge(bundle)
        stale = {*journal.tasks(), *(head.spec.task for head in judge.heads)}
        changed: dict[str, int] = {}
        verdicts = _verdicts(journal, judge, stale, bundle.fingerprint, changed)
        count = journal.rejudge({head.task: head.labels for head in bundle.heads}, verdicts)
        journal.remember("bundle", bundle.fingerprint)
        journal.remember(measures_key(bundle.fingerprint), bundle.measures)
        export_tables(journal, out)
        about = {"Relabelled with": f"{bundle.name} ({bundle.fingerprint})", "nanomorph": __version__}
        write_report(journal, out, about)
    return Relabelled(count, changed)


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
    for measured in journal.measured(domains=True, vectors=True):
        if not measured.embedding:
            continue  # another name of a file that has a row of its own
        judgements, columns, domains = _judge(measured, judge, stale)
        before = {cells["task"]: cells["label"] for cells in measured.labels}
        for judgement in judgements:
            was_other = before.get(text(judgement.task)) != text(judgement.label)
            changed[judgement.task] = changed.get(judgement.task, 0) + was_other
        yield Verdict(measured.name, [label_cells(one) | judged_by for one in judgements], columns, domains)


def _judge(measured: Measured, judge: Judge, stale: set[str]) -> tuple[list[Judgement], tuple[str, ...], bytes]:
    embedding = np.frombuffer(measured.embedding, "<f4")
    table = JudgedDomains.of(measured, stale) if any(head.spec.level == "domain" for head in judge.heads) else None
    judgements = []
    for head in judge.heads:
        _require_measured(head, measured, table)
        if table is None or head.spec.level == "field":
            judgements.append(judge_field(head, embedding, measured.descriptors))
        else:
            descriptors = table.numbers(head.spec.descriptors)
            verdict, labels, confidences = judge_rows(head, embedding, descriptors, table.truths("touches_edge"))
            judgements.append(verdict)
            table = table.judged(head.spec.task, labels, confidences)
    if table is None:
        return judgements, measured.domain_columns, measured.packed_domains
    return judgements, table.columns, table.packed()


def _require_measured(head: Head, measured: Measured, table: JudgedDomains | None) -> None:
    known = measured.descriptors if head.spec.level == "field" or table is None else table.columns
    missing = [name for name in head.spec.descriptors if name not in known]
    if missing:
        raise ConfigurationError(
            f"{measured.name} was not measured for head {head.spec.task}: {', '.join(missing)} is missing; "
            "run `nanomorph batch` on the images with this bundle."
        )
