"""The report's section of each task: micrographs by label, and the sizes of their domains."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape

import numpy as np

from nanomorph.report.charts import size_charts
from nanomorph.report.collect import Findings, Sizes, Task
from nanomorph.report.statistics import Summary, summarize
from nanomorph.report.words import count, three_digits, title
from nanomorph.results.colours import UNKNOWN

# A distribution of fewer domains is a list of accidents.
MIN_CHARTED = 12
_QUANTITY_WORDS = {"width_median": "width", "ecd": "equivalent diameter", "length": "length"}


def task_sections(findings: Findings, colours: Mapping[str, str]) -> str:
    """Per task: micrographs by label, and the sizes of their domains."""
    return "".join(_task(name, task, findings, colours) for name, task in findings.tasks.items())


def _task(name: str, task: Task, findings: Findings, colours: Mapping[str, str]) -> str:
    heading = f"<h2>{escape(title(name))}</h2>"
    if not task.judged:
        words = "None of the micrographs resembles what this task was trained on, so none has a label."
        return f"<section>{heading}<p class='quiet'>{words}</p></section>"
    total = task.judged + task.unknown
    what = "by the label of most of their domains" if task.by_domain else "by label"
    intro = f"<p class='quiet'>{count(total, 'micrograph')} {what}.</p>"
    body = _bars(task, total, colours) + _sizes(name, task, findings, colours)
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


def _sizes(name: str, task: Task, findings: Findings, colours: Mapping[str, str]) -> str:
    quantity = "ecd" if task.by_domain else "width_median"
    nm, px = (_groups(name, task, findings, unit) for unit in ("nm", "px"))
    in_nm = f"<h3>Sizes of domains, nm</h3>{_sizes_in('nm', quantity, nm, colours)}" if nm else ""
    if not px:
        return in_nm
    in_px = _sizes_in("px", quantity, px, colours)
    if not nm:
        return f"<h3>Sizes of domains, px (no pixel size)</h3>{in_px}"
    words = "Sizes of domains in micrographs without a pixel size, px"
    return f"{in_nm}<details class='more'><summary>{words}</summary>{in_px}</details>"


def _groups(name: str, task: Task, findings: Findings, unit: str) -> dict[str, Sizes]:
    found = {label: findings.sizes.get((name, unit, label)) for label in task.labels}
    return {label: sizes for label, sizes in found.items() if sizes is not None and sizes.micrographs}


def _sizes_in(unit: str, quantity: str, groups: Mapping[str, Sizes], colours: Mapping[str, str]) -> str:
    """Charts and table of the sizes in one unit."""
    samples = {label: _finite(sizes.arrays(quantity)[0]) for label, sizes in groups.items()}
    samples = {label: values for label, values in samples.items() if len(values) >= MIN_CHARTED}
    words = _QUANTITY_WORDS[quantity]
    charts = ""
    if samples:
        histogram, cumulative = size_charts(samples, colours, f"{words}, {unit}")
        key = "".join(f"<span style='--c:{colours[label]}'><i></i>{escape(label)}</span>" for label in samples)
        charts = (
            f"<figure role='img' aria-label='Distribution of the {words} of domains in {unit} by label; "
            f"its numbers are in the table below'><div class='key'>{key}</div>"
            f"<div class='charts'>{histogram}{cumulative}</div></figure>"
        )
    return charts + _size_table(unit, groups, colours)


def _finite(values: np.ndarray) -> np.ndarray:
    return values[np.isfinite(values) & (values > 0)]


def _size_table(unit: str, groups: Mapping[str, Sizes], colours: Mapping[str, str]) -> str:
    quantities = [f"<th scope='col'>{words}, {unit}</th>" for words in _QUANTITY_WORDS.values()]
    columns = [
        *(f"<th scope='col'>{words}</th>" for words in ("label", "domains", "micrographs")),
        *quantities,
    ]
    head = f"<tr>{''.join(columns)}</tr>"
    rows = []
    for label, sizes in groups.items():
        summaries = [summarize(*sizes.arrays(quantity)) for quantity in _QUANTITY_WORDS]
        cells = "".join(f"<td>{_median(summary)}</td>" for summary in summaries)
        n_micrographs = len(set(sizes.micrographs))
        rows.append(
            f"<tr><th scope='row' style='--c:{colours[label]}'><i></i>{escape(label)}</th>"
            f"<td>{len(sizes.micrographs):,}</td><td>{n_micrographs:,}</td>{cells}</tr>"
        )
    caption = "<caption>Median, and its 95 % confidence interval</caption>"
    return f"<div class='scroll'><table class='sizes'>{caption}{head}{''.join(rows)}</table></div>"


def _median(summary: Summary) -> str:
    if not summary.n:
        return "–"
    mark = "" if summary.by_micrograph else "<abbr title='from few micrographs: see the notes'>*</abbr>"
    median = f"<b>{three_digits(summary.median)}</b>"
    if not np.isfinite(summary.low):
        return f"{median} <small>–</small>"
    return f"{median} <small>{three_digits(summary.low)} to {three_digits(summary.high)}{mark}</small>"
