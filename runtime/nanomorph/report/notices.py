"""The report's box of what a reader has to do, or to doubt, before using the numbers; as HTML, names escaped."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape

from nanomorph.report.findings import Findings
from nanomorph.report.words import count, three_digits

_LISTED = 100


def box(notices: Iterable[str]) -> str:
    """One box around all of them; nothing around none."""
    items = "".join(notices)
    return f"<section class='notices'><h2>Before you use the numbers</h2><ul>{items}</ul></section>" if items else ""


def notices_of(findings: Findings, of: str = "") -> list[str]:
    """An item for `box` each; `of`: in front of each, whose numbers they are."""
    found = (_uncalibrated, _by_scale_bar, _magnifications, _unmeasured_images, _left_out, _contrasts, _bundles)
    return [item for one in found for item in one(findings, of)]


def notice(words: str, hint: str, names: Iterable[str] = ()) -> str:
    """An item for `box`. hint: HTML itself. names: of the micrographs that it is about."""
    names = list(names)
    listed = "".join(f"<li>{escape(name)}</li>" for name in names[:_LISTED])
    more = f"<li>and {len(names) - _LISTED:,} more in fields.csv</li>" if len(names) > _LISTED else ""
    details = f"<details><summary>which</summary><ul class='names'>{listed}{more}</ul></details>" if names else ""
    return f"<li class='notice'><p><strong>{escape(words)}</strong> {hint}</p>{details}</li>"


def _uncalibrated(findings: Findings, of: str) -> list[str]:
    if not (n := len(findings.uncalibrated)):
        return []
    no = "has" if n == 1 else "have"
    words = f"{of}{count(n, 'micrograph')} {no} no pixel size: lengths are in px only, nm cells are empty."
    return [notice(words, "If you know it, give it with <code>--nm-per-px</code>.", findings.uncalibrated)]


def _by_scale_bar(findings: Findings, of: str) -> list[str]:
    if not (n := len(findings.by_scale_bar)):
        return []
    words = f"{of}{count(n, 'pixel size')} {'was' if n == 1 else 'were'} read off a burnt-in scale bar."
    hint = "Look at a few before you quote sizes; calibration_error_percent in fields.csv says how exact they are."
    return [notice(words, hint, findings.by_scale_bar)]


def _magnifications(findings: Findings, of: str) -> list[str]:
    if not findings.several_magnifications:
        return []
    least, most = (three_digits(end(findings.pixel_sizes)) for end in (min, max))
    words = f"{of}Pixel sizes range from {least} to {most} nm, and sizes are of all of them together."
    # A comparison has no such table.
    where = "nm_per_px_x in fields.csv" if of else "<a href='#by-pixel-size'>By pixel size</a>"
    what = "Coarse ones miss what is small and count for more, fine ones cut what is large"
    hint = f"{what}: quote sizes of one pixel size ({where})."
    return [notice(words, hint)]


def _unmeasured_images(findings: Findings, of: str) -> list[str]:
    kinds = (
        (findings.stacks, "several frames: only the first was measured."),
        (findings.mixed, "images of different sizes or types: only the largest was measured."),
    )
    said = [
        f"{count(len(names), 'file')} {'holds' if len(names) == 1 else 'hold'} {what}" for names, what in kinds if names
    ]
    return [notice(of + " ".join(said), "", _once(findings.stacks, findings.mixed))] if said else []


def _left_out(findings: Findings, of: str) -> list[str]:
    if not (n := len(findings.much_left_out)):
        return []
    words = f"{of}In {count(n, 'micrograph')} more than a tenth of the material was left out as debris."
    hint = (
        "Look whether it is: small and faint particles are taken for it, which makes sizes come out too large. "
        "<code>--detail 2</code> looks twice as finely."
    )
    return [notice(words, hint, findings.much_left_out)]


def _contrasts(findings: Findings, of: str) -> list[str]:
    """Micrographs whose contrast is the rarer one, and those with both in one."""
    said: list[str] = []
    odd: list[str] = []
    if findings.darker and findings.brighter:
        kinds = ((findings.brighter, "brighter"), (findings.darker, "darker"))
        (odd, how), (others, otherwise) = sorted(kinds, key=lambda kind: len(kind[0]))
        their = f"micrograph{' shows its' if len(odd) == 1 else 's show their'}"
        said.append(f"{len(odd):,} {their} material {how} than the background, {len(others):,} {otherwise}.")
    if n := len(findings.two_contrasts):
        said.append(f"In {count(n, 'micrograph')} some domains are darker, others brighter than the background.")
    hint = (
        "Where the microscope's mode was the same, gaps, holes or edges of the support may have been taken for "
        "material: look at the overlays (contrast in domains.csv, material_contrast in fields.csv)."
    )
    return [notice(of + " ".join(said), hint, _once(odd, findings.two_contrasts))] if said else []


def _bundles(findings: Findings, of: str) -> list[str]:
    if len(findings.judged_by) < 2:
        return []
    words = f"{of}Micrographs were labelled by different bundles: do not compare their labels blindly."
    hint = "The column bundle of labels.csv tells which; <code>nanomorph relabel</code> judges all with one."
    return [notice(words, hint)]


def _once(*lists: Iterable[str]) -> list[str]:
    """All names in their order, each once."""
    return list(dict.fromkeys(name for names in lists for name in names))
