"""The report's sections for people in a hurry, as HTML; every text from outside is escaped."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from html import escape
from importlib.resources import files
from pathlib import Path
from string import Template

from nanomorph.atomic import atomic_open
from nanomorph.journal import Quarantined
from nanomorph.report.findings import Findings
from nanomorph.report.words import count, reason_in_words, title
from nanomorph.results.colours import theme

_LISTED = 100


def write_page(path: Path, **parts: str) -> None:
    """The whole file, from HTML by the names in the template."""
    template = Template(files("nanomorph.report").joinpath("template.html").read_text(encoding="utf-8"))
    with atomic_open(path, "w") as file:
        file.write(template.substitute(parts, theme=theme()))


def lead(findings: Findings) -> str:
    """Two or three sentences: what happened, and what needs a person."""
    total = findings.n_done + findings.n_aliases + len(findings.quarantined)
    if not total:
        return "<p class='lead'>Nothing was found to measure.</p>"
    said = [f"{count(findings.n_done, 'micrograph')} measured, {count(findings.n_domains, 'domain')} outlined."]
    if findings.quarantined:
        n = len(findings.quarantined)
        verb = "was" if n == 1 else "were"
        said.append(f"{count(n, 'input')} could not be used and {verb} <a href='#set-aside'>set aside</a>.")
    if uncertain := findings.decisions["uncertain"]:
        verb = "is" if uncertain == 1 else "are"
        said.append(f"{count(uncertain, 'micrograph')} {verb} uncertain at best: please look.")
    by_task = {title(name): task.uncertain.total() for name, task in findings.tasks.items()}
    if len(by_task) > 1 and any(by_task.values()):
        each = ", ".join(f"{n:,} of {name}" for name, n in by_task.items() if n)
        said.append(f"Uncertain labels: {escape(each)}.")
    return f"<p class='lead'>{' '.join(said)}</p>"


def tiles(findings: Findings) -> str:
    """The run in five numbers; micrographs count by the surest of their labels."""
    decisions = findings.decisions
    numbers = [
        (findings.n_done, "measured", ""),
        (decisions["accepted"], "accepted", ""),
        (decisions["uncertain"], "uncertain at best", "warn" if decisions["uncertain"] else ""),
        (decisions["unknown"], "unknown", ""),
        (len(findings.quarantined), "set aside", "warn" if findings.quarantined else ""),
    ]
    cells = (f"<div class='tile {kind}'><b>{n:,}</b><span>{words}</span></div>" for n, words, kind in numbers)
    return f"<div class='tiles'>{''.join(cells)}</div>"


def pictures(clear: str, doubtful: str, others: str = "") -> str:
    """The galleries; nothing where no overlays were drawn. others: shown only when a point is clicked."""
    if not clear and not doubtful and not others:
        return ""
    parts = ["<section id='pictures'><h2>Pictures</h2>"]
    if doubtful:
        words = (
            "Uncertain, or unlike the training data; least sure first. A person should decide these, and can teach "
            "them: <code>nanomorph label IMAGES --results FOLDER --task NAME --out labels.csv</code> "
            "asks about such first."
        )
        parts.append(_gallery("Worth a second look", words, doubtful))
    if clear:
        words = "The surest of each label. Every picture opens in full size, with its scale bar."
        parts.append(_gallery("Clear examples", words, clear))
    return "".join(parts) + f"<div class='others'>{others}</div></section>"


def _gallery(heading: str, words: str, figures: str) -> str:
    return f"<h3>{heading}</h3><p class='quiet'>{words}</p><div class='gallery'>{figures}</div>"


def set_aside(quarantined: Iterable[Quarantined]) -> str:
    """Inputs that could not be used, by reason, the most frequent first."""
    groups: dict[str, list[Quarantined]] = defaultdict(list)
    for one in quarantined:
        groups[one.reason].append(one)
    if not groups:
        return ""
    ordered = sorted(groups.items(), key=lambda group: -len(group[1]))
    blocks = "".join(_reason(reason, inputs, is_open=len(inputs) <= 5) for reason, inputs in ordered)
    words = "These inputs have no row in the tables. Mend or replace them and run the same command again."
    return f"<section id='set-aside'><h2>Set aside</h2><p class='quiet'>{words}</p>{blocks}</section>"


def _reason(reason: str, inputs: list[Quarantined], is_open: bool) -> str:
    items = "".join(
        f"<li><code>{escape(one.name)}</code><span>{escape(one.detail)}</span></li>" for one in inputs[:_LISTED]
    )
    if len(inputs) > _LISTED:
        items += f"<li><span>and {len(inputs) - _LISTED:,} more in quarantine.csv</span></li>"
    summary = f"<summary><b>{len(inputs):,}</b>{escape(reason_in_words(reason))}</summary>"
    return f"<details class='reason'{' open' if is_open else ''}>{summary}<ul>{items}</ul></details>"
