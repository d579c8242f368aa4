"""What the report says, gathered from the journal in two passes and held in little memory."""

from __future__ import annotations

import csv
import hashlib
import io
import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np

from nanomorph.analysis import Judgement
from nanomorph.journal import JournalReader, Measured
from nanomorph.majority import OTHER
from nanomorph.measure.statistics import Sample, sample
from nanomorph.micrograph import Calibration
from nanomorph.report.findings import QUANTITIES, Example, Findings, Sizes, Task
from nanomorph.report.wire_lengths import wire_lengths
from nanomorph.report.words import three_digits
from nanomorph.results.overlays import leading_judgement

# More domains than this are sampled by whole micrographs, and the report says so.
MAX_DOMAINS = 100_000
# A material_contrast nearer to 0 does not tell dark material from bright.
CLEAR_CONTRAST = 0.1
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
            _add_sizes(findings, measured, number)
            _add_wires(findings, measured, number, out)
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
    left_out = _number(measured.field.get("left_out_fraction") or "0")
    findings.n_debris += left_out > 0
    findings.much_left_out += [measured.name] if left_out > MUCH else []
    if _number(measured.field.get("sized_fraction") or "") < 0.5:
        findings.n_scant += 1
    contrast = _number(measured.field.get("material_contrast") or "")
    if abs(contrast) >= CLEAR_CONTRAST:
        (findings.darker if contrast < 0 else findings.brighter).append(measured.name)


def _count_labels(findings: Findings, measured: Measured) -> None:
    judgements = [_judgement(cells) for cells in measured.labels]
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


def _judgement(cells: dict[str, str]) -> Judgement:
    return Judgement(
        task=cells["task"],
        label=cells["label"],
        confidence=_number(cells["confidence"]),
        decision=cells["decision"],
        novelty=_number(cells["novelty"]),
        probabilities={},
    )


def _add_sizes(findings: Findings, measured: Measured, number: int) -> None:
    unit, judgements = _unit(measured), _known(measured)
    wanted = {"touches_edge", "edge_weight", "area_px", "contrast", *(one.task for one in judgements)}
    rows = list(_rows(measured, {*wanted, *(f"{quantity}_{unit}" for quantity in QUANTITIES)}))
    contrasts = np.array([_number(row.get("contrast", "")) for row in rows])
    if (contrasts <= -CLEAR_CONTRAST).any() and (contrasts >= CLEAR_CONTRAST).any():
        findings.two_contrasts.append(measured.name)
    sized = _sized(rows, findings.edges)
    findings.n_edge_fields += sized.includes_edge
    findings.names[number] = measured.name
    for at, weight in zip(sized.index.tolist(), sized.weight.tolist(), strict=True):
        row = rows[at]
        labels = ((judgement.task, row.get(judgement.task) or judgement.label) for judgement in judgements)
        groups = [findings.sizes[task, unit, label] for task, label in labels]
        for sizes in (*groups, *_whatever_label(findings, measured)):
            sizes.micrographs.append(number)
            sizes.weights.append(weight)
            for quantity in QUANTITIES:
                sizes.values[quantity].append(_number(row.get(f"{quantity}_{unit}", "")))


def _add_wires(findings: Findings, measured: Measured, number: int, out: Path) -> None:
    """The lengths of its whole wires, to its folder and to its label of each task that labels fields."""
    if not int(measured.field.get("n_wires") or 0):
        return
    unit = _unit(measured)
    lengths = wire_lengths(out, measured.name, measured.name in findings.apart, unit, findings.edges)
    labels = [(one.task, one.label) for one in _known(measured) if not findings.tasks[one.task].by_domain]
    groups = [findings.sizes[task, unit, label] for task, label in labels]
    for sizes in (*groups, *_whatever_label(findings, measured)):
        sizes.wires += [(length, number, weight) for length, weight in lengths]


def _whatever_label(findings: Findings, measured: Measured) -> list[Sizes]:
    """The groups that all of its domains and wires belong to: its folder's, and its pixel size's."""
    groups = [findings.folders[_unit(measured), _folder(measured)]]
    if nm_per_px := measured.field.get("nm_per_px_x"):
        # Read off scale bars, one and the same differs by a percent.
        groups.append(findings.magnified[float(f"{float(nm_per_px):.2g}")])
    return groups


def _unit(measured: Measured) -> str:
    return "nm" if measured.field.get("nm_per_px_x") else "px"


def _folder(measured: Measured) -> str:
    return measured.name.rpartition("/")[0]


def _known(measured: Measured) -> list[Judgement]:
    return [one for cells in measured.labels if (one := _judgement(cells)).decision != "unknown"]


def _sized(rows: Sequence[Mapping[str, str]], edges: str) -> Sample:
    """The domains that sizes are counted on, as in fields.csv."""
    touches = np.array([row.get("touches_edge") == "true" for row in rows], bool)
    cells = ([_number(row.get(name, "")) for row in rows] for name in ("edge_weight", "area_px"))
    weight, area = (np.array(column, float) for column in cells)
    return sample(touches, weight, area, edges)


def _rows(measured: Measured, wanted: set[str]) -> Iterator[dict[str, str]]:
    """Of each domain the cells in the columns `wanted` that there are."""
    places = [(name, at) for at, name in enumerate(measured.domain_columns) if name in wanted]
    for cells in csv.reader(io.StringIO(measured.domains, newline="")):
        yield {name: cells[at] for name, at in places}


def _number(cell: str) -> float:
    return float(cell) if cell else math.nan
