"""The report's last lines: how the numbers were made, and what they do not say."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape

from nanomorph.report.collect import Findings
from nanomorph.report.sizes import MIN_CHARTED
from nanomorph.report.words import count

_NOTES = (
    "A domain is one connected piece of foreground as the bundle saw it. Check the outlines before you quote "
    "a size: a wrong outline makes a wrong number, however narrow its interval.",
    "Domains cut by the edge of the field are left out of the sizes, except in fields where every domain is "
    "cut ({n_edge_fields:,} here): there all count; widths hold, lengths and diameters are lower bounds.",
    "Intervals are bootstrapped over micrographs. Those marked * come from fewer than five micrographs, are "
    "bootstrapped over domains, and do not cover how micrographs differ.",
    "Confidence is the probability of the label, calibrated on the bundle's validation data. It does not "
    "hold for material or imaging conditions that the bundle has not seen; see its model card.",
    "Histograms put the 0.5 % lowest and highest sizes into their end bins. Labels with fewer than "
    "{min_charted} domains are not drawn.",
)


def how_made(findings: Findings, about: Mapping[str, str]) -> str:
    """What made these numbers."""
    lines = dict(about)
    for (bundle, provider, precision), n in findings.made_by.most_common():
        made = f"bundle {bundle} on {provider}, {precision}"
        key = "Computed by" if len(findings.made_by) == 1 else f"Computed by ({count(n, 'micrograph')})"
        while key in lines:
            key += " "
        lines[key] = made
    items = "".join(f"<div><dt>{escape(key)}</dt><dd>{escape(value)}</dd></div>" for key, value in lines.items())
    return f"<section><h2>How it was made</h2><dl>{items}</dl></section>"


def footnotes(findings: Findings) -> str:
    """What the numbers do and do not say."""
    notes = [note.format(n_edge_fields=findings.n_edge_fields, min_charted=MIN_CHARTED) for note in _NOTES]
    if findings.sampled_every > 1:
        every = f"every {findings.sampled_every}th micrograph"
        notes.append(f"Sizes in this report are those of {every}; domains.csv holds all of them.")
    if findings.n_aliases:
        files = count(findings.n_aliases, "file that belongs to or repeats", "files that belong to or repeat")
        notes.append(f"Not measured twice: {files} another (duplicate_of in fields.csv).")
    notes.append(
        "Not shown here: single domains (domains.csv), the other descriptors (fields.csv), the probability of "
        "every class (labels.csv)."
    )
    items = "".join(f"<li>{escape(note)}</li>" for note in notes)
    return f"<footer><h2>Notes</h2><ol>{items}</ol></footer>"
