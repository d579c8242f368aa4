"""What a methods section has to say of a run, as a paragraph to copy."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from html import escape

from nanomorph.journal import JournalReader
from nanomorph.journal.kept import WAYS, threshold_key
from nanomorph.micrograph import Calibration
from nanomorph.report.findings import Findings
from nanomorph.report.statistics import MIN_MICROGRAPHS, RESAMPLES
from nanomorph.report.words import count, three_digits

_SOURCES = {
    Calibration.METADATA: "the files' metadata",
    Calibration.USER: "the user",
    Calibration.SCALE_BAR: "burnt-in scale bars",
}
_OUTLINES = {
    "half-contrast": "outlines lie where the recorded pixels have half of the local contrast",
    "model": "outlines are the network's own",
}
_EDGES = {
    "leave-out": "those that the edge of the field cuts are left out of the sizes",
    "weight": "those that the edge of the field cuts are left out of the sizes, the others weighted for it "
    "(Miles-Lantuejoul, ISO 13322-1)",
    "count": "those that the edge of the field cuts count, too",
}
# Sizes and intervals as tables show them.
_STATISTICS = (
    "Sizes are statistics by number of domains; the equivalent diameter is that of the circle of equal area (ISO "
    f"13322-1). Medians have 95 % percentile-bootstrap intervals (up to {RESAMPLES:,} resamples) over micrographs, or, "
    f"marked *, over domains where there were fewer than {MIN_MICROGRAPHS} micrographs; log-normal distributions were "
    "fitted by maximum likelihood. The errors of pixel size and outlines are not in the intervals."
)


def settings_of(journal: JournalReader) -> dict[str, str]:
    """How the micrographs were measured, as far as the journal knows: WAYS, and `threshold` where there was one."""
    known = {key: journal.recall(key) for key in WAYS}
    known["threshold"] = " or ".join(filter(None, (journal.recall(threshold_key(one)) for one in journal.bundles())))
    return {key: value for key, value in known.items() if value}


def methods_section(paragraphs: Mapping[str, str]) -> str:
    """HTML of `methods` of every run by its name, which is shown where there are several; empty where none says any."""
    said = {name: text for name, text in paragraphs.items() if text}
    if not said:
        return ""
    intro = "<p class='quiet'>What a reviewer asks for, to copy. Add microscope, voltage and sample preparation.</p>"
    names = {name: f"<h3>{escape(name)}</h3>" if len(paragraphs) > 1 else "" for name in said}
    body = "".join(f"{names[name]}<p class='methods'>{escape(text)}</p>" for name, text in said.items())
    return f"<section id='methods'><h2>For a methods section</h2>{intro}{body}</section>"


def methods(findings: Findings, settings: Mapping[str, str], version: str) -> str:
    """Plain text: what measured, what was set aside and why, calibration, outlines, and which sizes are counted how.

    Empty where nothing was measured. settings: see `settings_of`. version: of nanomorph.
    """
    if not findings.n_done:
        return ""
    sentences = [
        _made(findings, version), _inputs(findings), _calibration(findings), _outlines(settings), _domains(findings),
        _wires(findings), _STATISTICS,
    ]  # fmt: skip
    return " ".join(filter(None, sentences))


def _made(findings: Findings, version: str) -> str:
    by = "; ".join(f"bundle {bundle}, {provider}, {precision}" for bundle, provider, precision in findings.made_by)
    heads = sorted(findings.judged_by - {bundle for bundle, _, _ in findings.made_by})
    labelled = f"; labels by bundle {', '.join(heads)}" if heads else ""
    return f"Micrographs were segmented and measured with nanomorph {version} ({by}{labelled})."


def _inputs(findings: Findings) -> str:
    n_aside = len(findings.quarantined)
    total = findings.n_done + findings.n_aliases + n_aside
    said = [f"{findings.n_done:,} {'was' if findings.n_done == 1 else 'were'} measured"]
    if n_aside:
        reasons = _counted(Counter(one.reason for one in findings.quarantined).most_common())
        said.append(f"{n_aside:,} could not be used ({reasons})")
    if findings.n_aliases:
        said.append(f"{findings.n_aliases:,} belonged to others or repeated them")
    return f"Of {count(total, 'input')} {_listed(said)}."


def _calibration(findings: Findings) -> str:
    sizes, known = findings.pixel_sizes, Counter(findings.calibrations)
    without = known.pop(Calibration.NONE, 0)
    none = f"{count(without, 'micrograph')} without a pixel size: sizes in px." if without else ""
    if not sizes:
        return none
    least, most = three_digits(min(sizes)), three_digits(max(sizes))
    sources = [f"{_SOURCES[Calibration(source)]} ({count(n, 'micrograph')})" for source, n in known.most_common()]
    between = f"{least} nm" if least == most else f"{least} to {most} nm"
    return f"Pixel sizes ({between}) came from {_listed(sources)}. {none}".rstrip()


def _outlines(settings: Mapping[str, str]) -> str:
    least = settings.get("threshold")
    material = f"where the network's probability is at least {least}" if least else "what the network takes for it"
    outline = _OUTLINES.get(settings.get("outline", ""))
    chosen = ", ".join(f"--{key.replace(' ', '-')} {settings[key]}" for key in ("outline", "detail") if key in settings)
    place = f"; {outline} ({chosen})" if outline else ""
    return f"Material is {material}{place}."


def _domains(findings: Findings) -> str:
    said = f"Domains are its connected pieces, touching particles cut apart; {_EDGES[findings.edges]}"
    counted = f" ({findings.n_sized:,} of {count(findings.n_domains, 'domain')} counted)"
    rest = ""
    if findings.n_edge_fields:
        n = count(findings.n_edge_fields, "micrograph")
        rest = f" In {n} too little lies clear of the edge: there the largest count, cut or not."
    if findings.n_debris:
        rest += f" In {count(findings.n_debris, 'micrograph')} debris beside particles was left out."
    return f"{said}{counted}.{rest}"


def _wires(findings: Findings) -> str:
    # A few are found at the rim of particles: nobody's subject.
    if not findings.n_wires or findings.main_quantity != "width_median":
        return ""
    return (
        f"{count(findings.n_wires, 'wire')} of at least three widths' length came of following them through crossings; "
        "lengths are of those off the edge and free at both ends."
    )


def _counted(pairs: Iterable[tuple[str, int]]) -> str:
    return ", ".join(f"{reason} {n:,}" for reason, n in pairs)


def _listed(parts: list[str]) -> str:
    """`a`, `a and b`, `a, b and c`."""
    return " and ".join(filter(None, [", ".join(parts[:-1]), parts[-1]]))
