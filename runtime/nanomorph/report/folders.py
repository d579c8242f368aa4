"""The report's section of folders: the same sizes, by where the micrographs lie."""

from __future__ import annotations

from nanomorph.report.findings import Findings, Sizes
from nanomorph.report.sizes import sizes_in
from nanomorph.results.colours import PALETTE, UNKNOWN

# More groups than colours cannot be told apart in one chart: the rest stand in the table.
DRAWN = len(PALETTE)
# An archive may have a folder a day for years: a page is for reading.
LISTED = 40
_TOP = "(top folder)"


def folder_section(findings: Findings) -> str:
    """HTML; empty where all micrographs lie in one folder."""
    unit = "nm" if any(known == "nm" for known, _ in findings.folders) else "px"
    groups = {folder or _TOP: sizes for (known, folder), sizes in sorted(findings.folders.items()) if known == unit}
    if len({folder for _, folder in findings.folders}) < 2:
        return ""
    words = "" if unit == "px" or all(known == "nm" for known, _ in findings.folders) else " Calibrated ones only."
    intro = f"<p class='quiet'>All domains of each folder, whatever their label.{words}</p>"
    return f"<section><h2>By folder</h2>{intro}{grouped(unit, groups)}</section>"


def grouped(unit: str, groups: dict[str, Sizes]) -> str:
    """Charts of the largest groups, in the palette's colours, and a table of the `LISTED` largest."""
    by_size = sorted(groups, key=lambda name: -len(groups[name].micrographs))
    largest, coloured = set(by_size[:LISTED]), set(by_size[:DRAWN])
    listed = {name: sizes for name, sizes in groups.items() if name in largest}
    drawn = [name for name in listed if name in coloured]
    colours = dict.fromkeys(listed, UNKNOWN) | dict(zip(drawn, PALETTE, strict=False))
    rest = len(groups) - len(listed)
    more = f"<p class='quiet'>And {rest:,} more with fewer domains; all are in domains.csv.</p>" if rest else ""
    return sizes_in(unit, "width_median", listed, colours, "folder") + more
