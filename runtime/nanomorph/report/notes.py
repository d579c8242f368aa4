"""The report's last lines: how the numbers were made, and what they do not say."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from html import escape

from nanomorph.report.findings import Findings
from nanomorph.report.sizes import MIN_CHARTED
from nanomorph.report.words import count

_NOTES = (
    "A domain is one connected piece of foreground as the bundle saw it. Check the outlines before you quote "
    "a size: a wrong outline makes a wrong number, however narrow its interval.",
    "A wire that fades is found in pieces, each of which counts: their number comes out too large and their length too "
    "short. Where overlays show wires broken, quote neither.",
    "{edges}",
    "Sizes by label are those of all micrographs with that label, {n_uncertain:,} uncertain ones among them (decision "
    "in labels.csv): for statistics of one label take the accepted rows.",
    "Intervals are bootstrapped over micrographs. Those marked * come from fewer than five micrographs, are "
    "bootstrapped over domains, and do not cover how micrographs differ. Of five to ten micrographs an interval "
    "covers the median in 82 to 90 of 100 cases rather than in 95, of twenty in 93. The error of the pixel size, which "
    "makes all sizes too large or too small together, is not in them.",
    "Confidence is the probability of the label, calibrated on the bundle's validation data. It does not "
    "hold for material or imaging conditions that the bundle has not seen; see its model card.",
    "Histograms put the 0.5 % lowest and highest sizes into their end bins. Labels with fewer than "
    "{min_charted} domains are not drawn.",
)

# By what was chosen with --edges.
_EDGE_NOTES = {
    "leave-out": "Domains cut by the edge of the field are left out of the sizes, which makes lengths near the field's "
    "own size come out short (--edges weight corrects for it).",
    "weight": "Domains cut by the edge of the field are left out of the sizes, and the others weighted by the inverse "
    "of their chance not to be cut (--edges weight).",
    "count": "All domains count, those cut by the edge of the field, too (--edges count): widths hold, their lengths "
    "and diameters are lower bounds.",
}
_FEW_LEFT = (
    " Where the others hold less than a tenth of the material ({n_edge_fields:,} fields here) the largest count, which "
    "hold nine tenths of it: widths hold, lengths and diameters are lower bounds. In {n_scant:,} fields sizes stand on "
    "less than half of the material (sized_fraction in fields.csv)."
)


def edge_note(findings: Findings) -> str:
    """Which domains sizes are of."""
    more = "" if findings.edges == "count" else _FEW_LEFT
    told = {"n_edge_fields": findings.n_edge_fields, "n_scant": findings.n_scant}
    return (_EDGE_NOTES[findings.edges] + more).format(**told)


def sampling_note(findings: Findings) -> str:
    """Of which micrographs sizes are, where not of all; else empty."""
    if findings.sampled == 1:
        return ""
    return (
        f"Sizes on this page are those of {100 * findings.sampled:.2g} % of the micrographs, drawn by their names; "
        "domains.csv holds all of them."
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
    return definitions(lines)


def definitions(lines: Mapping[str, str]) -> str:
    """The section that says how the numbers were made, a line a key."""
    items = "".join(f"<div><dt>{escape(key)}</dt><dd>{escape(value)}</dd></div>" for key, value in lines.items())
    return f"<section><h2>How it was made</h2><dl>{items}</dl></section>"


def footnotes(findings: Findings) -> str:
    """What the numbers do and do not say."""
    n_uncertain = sum(task.uncertain.total() for task in findings.tasks.values())
    told = {"edges": edge_note(findings), "n_uncertain": n_uncertain, "min_charted": MIN_CHARTED}
    notes = [note.format(**told) for note in _NOTES]
    notes += filter(None, [sampling_note(findings)])
    if findings.n_aliases:
        files = count(findings.n_aliases, "file that belongs to or repeats", "files that belong to or repeat")
        notes.append(f"Not measured twice: {files} another (duplicate_of in fields.csv).")
    notes.append(
        "Not shown here: single domains (domains.csv), the other descriptors (fields.csv), the probability of "
        "every class (labels.csv)."
    )
    return numbered(notes)


def numbered(notes: Iterable[str]) -> str:
    """The footer."""
    items = "".join(f"<li>{escape(note)}</li>" for note in notes)
    return f"<footer><h2>Notes</h2><ol>{items}</ol></footer>"
