"""The report's sections of all domains, whatever their label: by where the micrographs lie, and by pixel size."""

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
    return f"<section><h2>By folder</h2>{intro}{grouped(unit, findings.main_quantity, groups, 'folder')}</section>"


def magnification_section(findings: Findings) -> str:
    """HTML; empty where all micrographs were taken at about one magnification."""
    if not findings.several_magnifications:
        return ""
    groups = {f"{nm:g} nm per px": sizes for nm, sizes in sorted(findings.magnified.items())}
    intro = (
        "<p class='quiet'>All domains of the micrographs of one pixel size, whatever their label. Where rows differ by "
        "more than their intervals, what is small was missed in the coarse ones, or what is large cut by the edge of "
        "the fine ones.</p>"
    )
    quantity = findings.main_quantity
    table = grouped("nm", quantity, groups, "pixel size")
    return f"<section id='by-pixel-size'><h2>By pixel size</h2>{intro}{table}</section>"


def grouped(unit: str, quantity: str, groups: dict[str, Sizes], what: str) -> str:
    """Charts of the largest groups, in the palette's colours, and a table of the `LISTED` largest."""
    by_size = sorted(groups, key=lambda name: -len(groups[name].micrographs))
    largest, coloured = set(by_size[:LISTED]), set(by_size[:DRAWN])
    listed = {name: sizes for name, sizes in groups.items() if name in largest}
    drawn = [name for name in listed if name in coloured]
    colours = dict.fromkeys(listed, UNKNOWN) | dict(zip(drawn, PALETTE, strict=False))
    rest = len(groups) - len(listed)
    more = f"<p class='quiet'>And {rest:,} more with fewer domains; all are in domains.csv.</p>" if rest else ""
    return sizes_in(unit, quantity, listed, colours, what) + more
