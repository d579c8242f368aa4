"""Sizes of a micrograph's domains and wires, added to every group of a report that they belong to."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np

from nanomorph.analysis import Judgement
from nanomorph.journal import Measured
from nanomorph.measure.statistics import Sample, sample
from nanomorph.report.findings import QUANTITIES, Findings, Sizes
from nanomorph.report.wire_lengths import wire_lengths

# A contrast nearer to 0 does not tell dark from bright.
CLEAR_CONTRAST = 0.1


def add_sizes(findings: Findings, measured: Measured, number: int) -> None:
    """Its domains, to its label of each task (their own, where it labels domains), its folder and its pixel size."""
    unit, judgements = _unit(measured), _known(measured)
    wanted = {"touches_edge", "edge_weight", "area_px", "contrast", *(one.task for one in judgements)}
    rows = list(_rows(measured, {*wanted, *(f"{quantity}_{unit}" for quantity in QUANTITIES)}))
    if _of_two_contrasts(rows):
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
                sizes.values[quantity].append(value_of(row.get(f"{quantity}_{unit}", "")))


def _of_two_contrasts(rows: Sequence[Mapping[str, str]]) -> bool:
    contrasts = np.array([value_of(row.get("contrast", "")) for row in rows])
    return bool((contrasts <= -CLEAR_CONTRAST).any() and (contrasts >= CLEAR_CONTRAST).any())


def add_wires(findings: Findings, measured: Measured, number: int, out: Path) -> None:
    """The lengths of its whole wires, to its folder, its pixel size and its label of each task that labels fields."""
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
    return [one for cells in measured.labels if (one := judged(cells)).decision != "unknown"]


def _sized(rows: Sequence[Mapping[str, str]], edges: str) -> Sample:
    """The domains that sizes are counted on, as in fields.csv."""
    touches = np.array([row.get("touches_edge") == "true" for row in rows], bool)
    cells = ([value_of(row.get(name, "")) for row in rows] for name in ("edge_weight", "area_px"))
    weight, area = (np.array(column, float) for column in cells)
    return sample(touches, weight, area, edges)


def _rows(measured: Measured, wanted: set[str]) -> Iterator[dict[str, str]]:
    """Of each domain the cells in the columns `wanted` that there are."""
    places = [(name, at) for at, name in enumerate(measured.domain_columns) if name in wanted]
    for cells in csv.reader(io.StringIO(measured.domains, newline="")):
        yield {name: cells[at] for name, at in places}


def value_of(cell: str) -> float:
    """NaN of an empty cell."""
    return float(cell) if cell else math.nan


def judged(cells: dict[str, str]) -> Judgement:
    """From a row of labels.csv, without its probabilities."""
    return Judgement(
        task=cells["task"],
        label=cells["label"],
        confidence=value_of(cells["confidence"]),
        decision=cells["decision"],
        novelty=value_of(cells["novelty"]),
        probabilities={},
    )
