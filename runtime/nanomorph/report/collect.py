"""What the report says, gathered from the journal in two passes and held in little memory."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from pathlib import Path

from nanomorph.analysis import Judgement
from nanomorph.journal import JournalReader, Measured
from nanomorph.majority import OTHER
from nanomorph.micrograph import Calibration
from nanomorph.report.findings import Example, Findings, Task
from nanomorph.report.group_sizes import CLEAR_CONTRAST, add_sizes, add_wires, judged, value_of
from nanomorph.report.words import three_digits
from nanomorph.results.overlays import leading_judgement

# More domains than this are sampled by whole micrographs, and the report says so.
MAX_DOMAINS = 100_000
# So large a share of the material is more than dirt.
MUCH = 0.1


def collect(journal: JournalReader, out: Path, most_domains: int = MAX_DOMAINS) -> Findings:
    """Gather a report's content; of more domains, or wires, those of some micrographs. out: where wires/ is."""
    domain_columns = journal.columns("domains")
    tasks = {
        name: Task(tuple(label for label in labels if label != OTHER), name in domain_columns)
        for name, labels in journal.tasks().items()
    }
    edges = journal.recall("edges") or "leave-out"
    findings = Findings(tasks, edges, quarantined=list(journal.quarantined()), apart=journal.apart())
    names = []
    for measured in journal.measured():
        _count(findings, measured)
        names += [] if measured.duplicate_of else [measured.name]
    chosen = _chosen(names, most_domains / max(1, findings.n_domains, findings.n_wires))
    findings.sampled = len(chosen) / max(1, len(names))
    for number, measured in enumerate(journal.measured(domains=True)):
        if measured.name in chosen:
            add_sizes(findings, measured, number)
            add_wires(findings, measured, number, out)
    return findings


def _chosen(names: Sequence[str], share: float) -> set[str]:
    """So large a share of the names, the same every time and by no order of theirs: files may alternate in kind."""
    if share >= 1:
        return set(names)
    drawn = sorted(names, key=lambda name: hashlib.sha256(name.encode("utf-8", "surrogateescape")).digest())
    return set(drawn[: max(1, math.floor(share * len(names)))])


def _count(findings: Findings, measured: Measured) -> None:
    if measured.duplicate_of:
        findings.n_aliases += 1
        return
    findings.n_done += 1
    findings.n_domains += _n_domains(measured)
    findings.n_sized += int(measured.field.get("n_sized") or 0)
    findings.n_wires += int(measured.field.get("n_wires") or 0)
    findings.made_by[measured.bundle, measured.provider, measured.precision] += 1
    findings.judged_by |= {cells.get("bundle") or measured.bundle for cells in measured.labels or [{}]}
    _note_frame(findings, measured)
    _count_labels(findings, measured)


def _n_domains(measured: Measured) -> int:
    return int(measured.field.get("n_domains") or 0)


def _note_frame(findings: Findings, measured: Measured) -> None:
    """What sets it apart from the others, and readers should know."""
    if nm_per_px := measured.field.get("nm_per_px_x"):
        findings.pixel_sizes.append(float(nm_per_px))
    else:
        findings.uncalibrated.append(measured.name)
    findings.calibrations[measured.field.get("calibration") or Calibration.NONE] += 1
    if measured.field.get("calibration") == Calibration.SCALE_BAR:
        findings.by_scale_bar.append(measured.name)
    if int(measured.field.get("n_frames") or 1) > 1:
        findings.stacks.append(measured.name)
    if int(measured.field.get("n_other_images") or 0) > 0:
        findings.mixed.append(measured.name)
    left_out = value_of(measured.field.get("left_out_fraction") or "0")
    findings.n_debris += left_out > 0
    findings.much_left_out += [measured.name] if left_out > MUCH else []
    if value_of(measured.field.get("sized_fraction") or "") < 0.5:
        findings.n_scant += 1
    contrast = value_of(measured.field.get("material_contrast") or "")
    if abs(contrast) >= CLEAR_CONTRAST:
        (findings.darker if contrast < 0 else findings.brighter).append(measured.name)


def _count_labels(findings: Findings, measured: Measured) -> None:
    judgements = [judged(cells) for cells in measured.labels]
    for judgement in judgements:
        _count_label(findings.tasks[judgement.task], judgement)
    leading = leading_judgement(judgements)
    if leading is not None:
        findings.decisions[leading.decision] += 1
        findings.examples.append(Example(measured.name, leading, _n_domains(measured), _field_width(measured)))


def _field_width(measured: Measured) -> str:
    width = int(measured.field["width_px"])
    if not (nm_per_px := measured.field.get("nm_per_px_x")):
        return f"{width:,} px wide"
    nm = width * float(nm_per_px)
    return f"{three_digits(nm / 1000)} µm wide" if nm >= 10_000 else f"{three_digits(nm)} nm wide"


def _count_label(task: Task, judgement: Judgement) -> None:
    if judgement.decision == "unknown":
        task.unknown += 1
    else:
        counts = task.accepted if judgement.decision == "accepted" else task.uncertain
        counts[judgement.label] += 1
