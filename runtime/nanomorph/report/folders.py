"""The report's section of folders: the same sizes, by where the micrographs lie."""

from __future__ import annotations

from nanomorph.report.collect import Findings, Sizes
from nanomorph.report.sizes import sizes_in
from nanomorph.results.colours import PALETTE, UNKNOWN

# More groups than colours cannot be told apart in one chart: the rest stand in the table.
DRAWN = len(PALETTE)
_TOP = "(top folder)"


def folder_section(findings: Findings, quantity: str = "width_median") -> str:
    """HTML; empty where all micrographs lie in one folder."""
    unit = "nm" if any(known == "nm" for known, _ in findings.folders) else "px"
    groups = {folder or _TOP: sizes for (known, folder), sizes in sorted(findings.folders.items()) if known == unit}
    if len(groups) < 2:
        return ""
    words = "" if unit == "px" or all(known == "nm" for known, _ in findings.folders) else " Calibrated ones only."
    intro = f"<p class='quiet'>All domains of each folder, whatever their label.{words}</p>"
    return f"<section><h2>By folder</h2>{intro}{grouped(unit, quantity, groups, 'folder')}</section>"


def grouped(unit: str, quantity: str, groups: dict[str, Sizes], what: str) -> str:
    """Charts and table; the largest groups have the palette's colours."""
    by_size = sorted(groups, key=lambda name: -len(groups[name].micrographs))
    drawn = sorted(by_size[:DRAWN], key=list(groups).index)
    colours = dict.fromkeys(groups, UNKNOWN) | dict(zip(drawn, PALETTE, strict=False))
    return sizes_in(unit, quantity, groups, colours, what)
