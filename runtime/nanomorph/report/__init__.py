"""report.html: what a person reads first. One file, no requests to anywhere, light or dark, desk or phone."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from pathlib import Path

from nanomorph import __version__
from nanomorph.journal import JournalReader
from nanomorph.report import notes, notices, page, tasks
from nanomorph.report.collect import collect
from nanomorph.report.folders import folder_section, magnification_section
from nanomorph.report.gallery import choose, figures, links, others
from nanomorph.report.methods import methods, methods_section, settings_of
from nanomorph.results.colours import class_colours

__all__ = ["write_report"]

REPORT_NAME = "report.html"


def write_report(
    journal: JournalReader, out: Path, about: Mapping[str, str] | None = None, path: Path | None = None
) -> Path:
    """Write `path` (default: `out/report.html`) from the journal and what is in `out`; returns its path.

    about: lines for "How it was made" (command, bundle's name, version, time taken), in this order. Bundle,
    provider and precision of the micrographs are added from the journal.
    """
    findings = collect(journal, out)
    colours = class_colours({name: task.labels for name, task in findings.tasks.items()})
    clear, doubtful = choose(findings.examples)
    more = others(findings.examples, [*clear, *doubtful])
    path = path or out / REPORT_NAME
    apart = findings.apart
    paragraph = methods(findings, settings_of(journal), __version__)
    inlined = links(out, path, [*clear, *doubtful, *more], apart)
    page.write_page(
        path,
        title=escape(out.resolve().name or "Results"),
        lead=page.lead(findings),
        tiles=page.tiles(findings),
        notices=notices.box(notices.notices_of(findings)),
        tasks=tasks.task_sections(findings, colours, inlined)
        + folder_section(findings)
        + magnification_section(findings),
        pictures=page.pictures(*(figures(out, path, some, colours, apart) for some in (clear, doubtful, more))),
        set_aside=page.set_aside(findings.quarantined),
        how_made=methods_section({"": paragraph}) + notes.how_made(findings, about or {}),
        footnotes=notes.footnotes(findings),
    )
    return path
