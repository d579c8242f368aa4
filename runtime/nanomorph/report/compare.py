"""Several runs side by side in one page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path

from nanomorph.report import page as parts
from nanomorph.report.compared import ComparedRun, open_runs
from nanomorph.report.compared_tables import overview, size_section
from nanomorph.report.gallery import choose, figures, links, others
from nanomorph.report.methods import methods_section
from nanomorph.report.notes import definitions, edge_note, numbered, sampling_note
from nanomorph.report.notices import box, notice, notices_of
from nanomorph.report.words import count
from nanomorph.results.colours import class_colours


def write_comparison(outs: Sequence[Path], page: Path) -> Path:
    """Write `page`, comparing the runs in `outs`; the first is the one that others are compared with."""
    samples = open_runs(outs)
    classes = {name: task.labels for one in samples for name, task in one.findings.tasks.items()}
    links_, pictures = _pictures(samples, page, class_colours(classes))
    parts.write_page(
        page,
        title="Comparison",
        lead=f"<p class='lead'>{escape(', '.join(one.name for one in samples))}</p>",
        tiles="",
        notices=_notices(samples),
        tasks=overview(samples, classes) + size_section(samples, links_),
        pictures=pictures,
        set_aside="",
        how_made=methods_section({one.name: one.methods for one in samples}) + _how_made(samples),
        footnotes=_footnotes(samples),
    )
    return page


_NOTES = (
    "Sizes are of all domains, whatever their label, uncertain ones too.",
    "The ratio of two medians has a 95 % interval from a bootstrap over micrographs (over domains below five "
    "micrographs, marked *, which does not cover how micrographs differ). One that holds 1 does not show a "
    "difference, nor that there is none; below six domains there is none.",
    "Runs of different bundles or magnifications differ for reasons other than the specimen.",
)


def _footnotes(samples: Sequence[ComparedRun]) -> str:
    notes = list(_NOTES)
    for one in samples:
        of_one = " ".join(filter(None, [edge_note(one.findings), sampling_note(one.findings)]))
        notes.append(f"{one.name}: {of_one}")
    return numbered(notes)


def _pictures(samples: Sequence[ComparedRun], page: Path, colours: Mapping[str, str]) -> tuple[dict[str, str], str]:
    """Where a click on a micrograph leads, by `sample/micrograph`, and the pictures as HTML."""
    found: dict[str, str] = {}
    shown = hidden = ""
    for one in samples:
        clear, doubtful = choose(one.findings.examples)
        first = [*clear, *doubtful][: max(3, 12 // len(samples))]
        more = others(one.findings.examples, first)
        apart = one.findings.apart
        where = links(one.out, page, [*first, *more], apart)
        known = ((example.name, where(example.name)) for example in one.findings.examples)
        found |= {f"{one.name}/{name}": link for name, link in known if link}
        if pictures := figures(one.out, page, first, colours, apart):
            shown += f"<h3>{escape(one.name)}</h3><div class='gallery'>{pictures}</div>"
        hidden += figures(one.out, page, more, colours, apart)
    if not shown:
        return found, ""
    return found, f"<section id='pictures'><h2>Pictures</h2>{shown}<div class='others'>{hidden}</div></section>"


def _notices(samples: Sequence[ComparedRun]) -> str:
    bundles = {bundle for one in samples for bundle in one.findings.judged_by}
    found = [item for one in samples for item in notices_of(one.findings, f"{one.name}: ")]
    if len(bundles) > 1:
        found.append(notice("The samples were labelled by different bundles.", "Analyse them with one."))
    return box(found)


def _how_made(samples: Sequence[ComparedRun]) -> str:
    def made(one: ComparedRun) -> str:
        by = (f"bundle {bundle} on {provider}, {precision}" for bundle, provider, precision in one.findings.made_by)
        return f"{count(one.findings.n_done, 'micrograph')}, {'; '.join(by)}"

    return definitions({one.name: made(one) for one in samples})
