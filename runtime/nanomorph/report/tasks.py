"""The report's section of each task: micrographs by label, and the sizes of their domains."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape

from nanomorph import majority
from nanomorph.report.findings import Findings, Sizes, Task
from nanomorph.report.sizes import QUANTITY_WORDS, sizes_in
from nanomorph.report.strip import Link, points_of, strip
from nanomorph.report.words import count, title
from nanomorph.results.colours import UNKNOWN


def task_sections(findings: Findings, colours: Mapping[str, str], links: Link) -> str:
    """Per task: micrographs by label, and the sizes of their domains; links: to the pictures of micrographs."""
    return "".join(_task(name, task, findings, colours, links) for name, task in findings.tasks.items())


def _task(name: str, task: Task, findings: Findings, colours: Mapping[str, str], links: Link) -> str:
    heading = f"<h2>{escape(title(name))}</h2>"
    if not task.judged:
        words = "None of the micrographs resembles what this task was trained on, so none has a label."
        return f"<section>{heading}<p class='quiet'>{words}</p></section>"
    total = task.judged + task.unknown
    what = "by the label of most of their domains" if task.by_domain else "by label"
    intro = f"<p class='quiet'>{count(total, 'micrograph')} {what}.</p>"
    body = _bars(task, total, colours) + _sizes(name, task, findings, colours, links)
    return f"<section>{heading}{intro}{body}</section>"


def _bars(task: Task, total: int, colours: Mapping[str, str]) -> str:
    rows = [_bar(label, task.accepted[label], task.uncertain[label], total, colours[label]) for label in task.labels]
    if task.unknown:
        rows.append(_bar("unknown", task.unknown, 0, total, UNKNOWN))
    key = "<p class='key'><i></i>accepted<i class='hatched'></i>uncertain</p>" if task.uncertain else ""
    head = "<tr class='hidden'><th>label</th><th>share</th><th>micrographs</th><th>of these uncertain</th></tr>"
    return f"<table class='bars'>{head}{''.join(rows)}</table>{key}"


def _bar(label: str, accepted: int, uncertain: int, total: int, colour: str) -> str:
    n = accepted + uncertain
    doubt = f"{uncertain:,} uncertain" if uncertain else ""
    pieces = ((accepted, ""), (uncertain, " class='hatched'"))
    track = "".join(f"<i{kind} style='width:{100 * part / total:.2f}%'></i>" for part, kind in pieces if part)
    return (
        f"<tr style='--c:{colour}'><th scope='row'>{escape(label)}</th>"
        f"<td class='track' aria-hidden='true'>{track}</td>"
        f"<td class='n'>{n:,}<small>{100 * n / total:.0f} %</small></td><td class='doubt'>{doubt}</td></tr>"
    )


def _sizes(name: str, task: Task, findings: Findings, colours: Mapping[str, str], links: Link) -> str:
    quantity = "ecd" if task.by_domain else "width_median"
    colours = {majority.UNKNOWN: UNKNOWN, **colours}
    nm, px = (_groups(name, task, findings, unit) for unit in ("nm", "px"))

    def block(unit: str, groups: Mapping[str, Sizes]) -> str:
        points = [
            point
            for label, sizes in groups.items()
            for point in points_of(label, sizes.sample(quantity), findings.names)
        ]
        axis = f"median {QUANTITY_WORDS[quantity]}, {unit}"
        return sizes_in(unit, quantity, groups, colours) + strip(points, list(groups), colours, links, axis)

    in_nm = f"<h3>Sizes of domains, nm</h3>{block('nm', nm)}" if nm else ""
    if not px:
        return in_nm
    if not nm:
        return f"<h3>Sizes of domains, px (no pixel size)</h3>{block('px', px)}"
    words = "Sizes of domains in micrographs without a pixel size, px"
    return f"{in_nm}<details class='more'><summary>{words}</summary>{block('px', px)}</details>"


def _groups(name: str, task: Task, findings: Findings, unit: str) -> dict[str, Sizes]:
    found = {label: findings.sizes.get((name, unit, label)) for label in (*task.labels, majority.UNKNOWN)}
    return {label: sizes for label, sizes in found.items() if sizes is not None and sizes.micrographs}
