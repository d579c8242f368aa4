"""Samples side by side in tables and charts: counts and labels, sizes, and how the medians differ."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from html import escape

from nanomorph.report.compared import ComparedRun
from nanomorph.report.findings import Findings, Sizes
from nanomorph.report.sizes import QUANTITY_WORDS, WIRE_LENGTH, sizes_in
from nanomorph.report.statistics import median_ratio
from nanomorph.report.strip import Point, points_of, strip
from nanomorph.report.words import count, three_digits, title
from nanomorph.results.colours import PALETTE


def overview(samples: Sequence[ComparedRun], classes: Mapping[str, Sequence[str]]) -> str:
    """A row per sample: counts, and the share of every label in its micrographs."""
    heads = ["sample", "micrographs", "domains", "set aside"]
    body = {one.name: [one.findings.n_done, one.findings.n_domains, len(one.findings.quarantined)] for one in samples}
    text = _table(heads, {name: [f"{n:,}" for n in cells] for name, cells in body.items()})
    for task, labels in classes.items():
        shares = {one.name: _shares(one.findings, task, labels) for one in samples}
        text += f"<h3>{escape(title(task))}, share of micrographs</h3>" + _table(["sample", *labels, "unknown"], shares)
    return f"<section><h2>Samples</h2>{text}</section>"


def _shares(findings: Findings, name: str, labels: Sequence[str]) -> list[str]:
    task = findings.tasks.get(name)
    total = task.judged + task.unknown if task else 0
    if task is None or not total:
        return ["–"] * (len(labels) + 1)
    counts = [*(task.accepted[label] + task.uncertain[label] for label in labels), task.unknown]
    return [f"{100 * n / total:.0f} % <small>{n:,}</small>" for n in counts]


def _table(
    heads: Sequence[str],
    rows: Mapping[str, Sequence[str]],
    kind: str = " class='short'",
    colours: Mapping[str, str] | None = None,
) -> str:
    colours = colours or _colours(rows)
    head = "".join(f"<th scope='col'>{escape(one)}</th>" for one in heads)
    body = "".join(
        f"<tr><th scope='row' style='--c:{colours[name]}'><i></i>{escape(name)}</th>"
        + "".join(f"<td{kind}>{cell}</td>" for cell in cells)
        + "</tr>"
        for name, cells in rows.items()
    )
    return f"<div class='scroll'><table class='sizes'><tr>{head}</tr>{body}</table></div>"


def _colours(names: Iterable[str]) -> dict[str, str]:
    return {name: PALETTE[n % len(PALETTE)] for n, name in enumerate(names)}


def size_section(samples: Sequence[ComparedRun], links_: Mapping[str, str]) -> str:
    """Distributions of width and of equivalent diameter, the ratios of medians, and a point per micrograph."""
    unit = next((one for one in ("nm", "px") if sum(one in sample.sizes for sample in samples) > 1), None)
    if unit is None:
        return "<section><h2>Sizes</h2><p class='quiet'>No two samples have a unit of length in common.</p></section>"
    groups = {one.name: one.sizes[unit] for one in samples if unit in one.sizes}
    # A sample has the same colour wherever it stands.
    colours = _colours(one.name for one in samples)
    text = f"{_left_out(samples, unit)}<h3>Width, {unit}</h3>"
    text += sizes_in(unit, "width_median", groups, colours, "sample")
    text += _ratios(groups, colours)
    text += strip(_points(samples, unit), list(groups), colours, links_.get, f"median width, {unit}")
    text += f"<h3>Equivalent diameter, {unit}</h3>{sizes_in(unit, 'ecd', groups, colours, 'sample', ['ecd'])}"
    return f"<section><h2>Sizes of domains</h2>{text}</section>"


def _left_out(samples: Sequence[ComparedRun], unit: str) -> str:
    """Whose micrographs are not in the sizes, as they are in the other unit."""
    other = {"nm": "px", "px": "nm"}[unit]
    numbers = {one.name: len(set(one.sizes[other].micrographs)) for one in samples if other in one.sizes}
    if not numbers:
        return ""
    named = ", ".join(f"{escape(name)} ({count(n, 'micrograph')})" for name, n in numbers.items())
    why = "without a pixel size" if unit == "nm" else "with a pixel size, which too few samples have"
    return f"<p class='quiet'>Not in the sizes, as they are {why}: {named}.</p>"


def _points(samples: Sequence[ComparedRun], unit: str) -> list[Point]:
    found = []
    for one in samples:
        if unit in one.sizes:
            names = {number: f"{one.name}/{name}" for number, name in one.findings.names.items()}
            found += points_of(one.name, one.sizes[unit].sample("width_median"), names)
    return found


def _ratios(groups: Mapping[str, Sizes], colours: Mapping[str, str]) -> str:
    (base, first), *rest = groups.items()
    rows = {}
    for name, sizes in rest:
        found = [median_ratio(first.sample(quantity), sizes.sample(quantity)) for quantity in QUANTITY_WORDS]
        found.append(median_ratio(first.wire_lengths, sizes.wire_lengths))
        rows[name] = [
            "–"
            if one is None
            else f"<b>{three_digits(one.ratio)}</b> <small>{three_digits(one.low)} to {three_digits(one.high)}"
            f"{'' if one.by_micrograph else '*'}</small>"
            for one in found
        ]
    words = [*QUANTITY_WORDS.values(), WIRE_LENGTH]
    ones = {base: ["1"] * len(words)}
    return f"<h3>Ratios of medians</h3>{_table([f'medians, as multiples of {base}', *words], ones | rows, '', colours)}"
