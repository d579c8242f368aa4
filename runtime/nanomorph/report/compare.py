"""Several runs side by side in one page: labels, sizes, and how the medians differ."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from importlib.resources import files
from pathlib import Path
from string import Template

from nanomorph.atomic import atomic_open
from nanomorph.journal import JournalReader, locate
from nanomorph.report import page as parts
from nanomorph.report.collect import collect
from nanomorph.report.findings import Findings, Sizes
from nanomorph.report.gallery import choose, figures, links, others
from nanomorph.report.notes import edge_note, sampling_note
from nanomorph.report.sizes import QUANTITY_WORDS, sizes_in
from nanomorph.report.statistics import median_ratio
from nanomorph.report.strip import Point, points_of, strip
from nanomorph.report.words import count, three_digits, title
from nanomorph.results.colours import PALETTE, class_colours
from nanomorph.sources import unique_names


@dataclass(frozen=True, eq=False)
class Sample:
    """One run: its name, folder of results, content, and all its domains by unit."""

    name: str
    out: Path
    findings: Findings
    sizes: Mapping[str, Sizes]


def write_comparison(outs: Sequence[Path], page: Path) -> Path:
    """Write `page`, comparing the runs in `outs`; the first is the one that others are compared with."""
    samples = [_sample(name, out) for name, out in zip(_names(outs), outs, strict=True)]
    classes = {name: task.labels for one in samples for name, task in one.findings.tasks.items()}
    links_, pictures = _pictures(samples, page, class_colours(classes))
    template = Template((files("nanomorph.report") / "template.html").read_text(encoding="utf-8"))
    text = template.substitute(
        title="Comparison",
        lead=f"<p class='lead'>{escape(', '.join(one.name for one in samples))}</p>",
        tiles="",
        notices=_notices(samples),
        tasks=_overview(samples, classes) + _sizes(samples, links_),
        pictures=pictures,
        set_aside="",
        how_made=_how_made(samples),
        footnotes=_footnotes(samples),
    )
    with atomic_open(page, "w") as file:
        file.write(text)
    return page


_NOTES = (
    "Sizes are of all domains, whatever their label, uncertain ones too.",
    "The ratio of two medians has a 95 % interval from a bootstrap over micrographs (over domains below five "
    "micrographs, marked *, which does not cover how micrographs differ). One that holds 1 shows no difference.",
    "Runs of different bundles or magnifications differ for reasons other than the specimen.",
)


def _footnotes(samples: Sequence[Sample]) -> str:
    notes = list(_NOTES)
    for one in samples:
        of_one = " ".join(filter(None, [edge_note(one.findings), sampling_note(one.findings)]))
        notes.append(f"{escape(one.name)}: {escape(of_one)}")
    return f"<footer><h2>Notes</h2><ol>{''.join(f'<li>{note}</li>' for note in notes)}</ol></footer>"


def _names(outs: Sequence[Path]) -> list[str]:
    """Short names: the folder's own, with as many above it as tell them apart."""
    return unique_names([out.resolve() for out in outs])


def _sample(name: str, out: Path) -> Sample:
    with JournalReader.open(locate(out)) as journal:
        findings = collect(journal)
    sizes: dict[str, Sizes] = {}
    for (unit, _), part in findings.folders.items():
        sizes.setdefault(unit, Sizes()).add(part)
    return Sample(name, out, findings, sizes)


def _pictures(samples: Sequence[Sample], page: Path, colours: Mapping[str, str]) -> tuple[dict[str, str], str]:
    """Where a click on a micrograph leads, by `sample/micrograph`, and the pictures as HTML."""
    found: dict[str, str] = {}
    shown = hidden = ""
    for one in samples:
        clear, doubtful = choose(one.findings.examples)
        first = [*clear, *doubtful][: max(3, 12 // len(samples))]
        more = others(one.findings.examples, first)
        where = links(one.out, page, [*first, *more])
        known = ((example.name, where(example.name)) for example in one.findings.examples)
        found |= {f"{one.name}/{name}": link for name, link in known if link}
        if pictures := figures(one.out, page, first, colours):
            shown += f"<h3>{escape(one.name)}</h3><div class='gallery'>{pictures}</div>"
        hidden += figures(one.out, page, more, colours)
    if not shown:
        return found, ""
    return found, f"<section id='pictures'><h2>Pictures</h2>{shown}<div class='others'>{hidden}</div></section>"


def _notices(samples: Sequence[Sample]) -> str:
    bundles = {bundle for one in samples for bundle in one.findings.judged_by}
    found = "".join(parts.notices(one.findings, f"{one.name}: ") for one in samples)
    if len(bundles) > 1:
        found += parts.notice("The samples were labelled by different bundles.", "Analyse them with one.", [])
    return found


def _overview(samples: Sequence[Sample], classes: Mapping[str, Sequence[str]]) -> str:
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


def _sizes(samples: Sequence[Sample], links_: Mapping[str, str]) -> str:
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


def _left_out(samples: Sequence[Sample], unit: str) -> str:
    """Whose micrographs are not in the sizes, as they are in the other unit."""
    other = {"nm": "px", "px": "nm"}[unit]
    numbers = {one.name: len(set(one.sizes[other].micrographs)) for one in samples if other in one.sizes}
    if not numbers:
        return ""
    named = ", ".join(f"{escape(name)} ({count(n, 'micrograph')})" for name, n in numbers.items())
    why = "without a pixel size" if unit == "nm" else "with a pixel size, which too few samples have"
    return f"<p class='quiet'>Not in the sizes, as they are {why}: {named}.</p>"


def _points(samples: Sequence[Sample], unit: str) -> list[Point]:
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
        rows[name] = [
            "–"
            if one is None
            else f"<b>{three_digits(one.ratio)}</b> <small>{three_digits(one.low)} to {three_digits(one.high)}"
            f"{'' if one.by_micrograph else '*'}</small>"
            for one in found
        ]
    head = [f"medians, as multiples of {base}", *QUANTITY_WORDS.values()]
    return f"<h3>Ratios of medians</h3>{_table(head, {base: ['1'] * len(QUANTITY_WORDS), **rows}, '', colours)}"


def _how_made(samples: Sequence[Sample]) -> str:
    def made(one: Sample) -> str:
        by = "; ".join(
            f"bundle {bundle} on {provider}, {precision}" for bundle, provider, precision in one.findings.made_by
        )
        return (
            f"<div><dt>{escape(one.name)}</dt><dd>{count(one.findings.n_done, 'micrograph')}, {escape(by)}</dd></div>"
        )

    return f"<section><h2>How it was made</h2><dl>{''.join(map(made, samples))}</dl></section>"
