"""The rows of one micrograph in labels.csv, fields.csv and domains.csv, as the text they will show."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from nanomorph.analysis import Analysis, Judgement
from nanomorph.journal import Rows
from nanomorph.results.cells import cell, column, line, number, text, truth

# INTERFACE.md promises these, in this order, in front of the other descriptors.
FIELD_FIRST = (
    "width_px",
    "height_px",
    "nm_per_px_x",
    "nm_per_px_y",
    "calibration",
    "foreground_fraction",
    "n_domains",
    "percolates",
    "domain_width_median_nm",
    "domain_width_ci_low_nm",
    "domain_width_ci_high_nm",
)
# Descriptors that are yes or no but travel as 1.0 and 0.0.
TRUTHS = frozenset({"percolates", "touches_edge"})


def rows_of(analysis: Analysis) -> Rows:
    """Everything the journal keeps of an analysis. Pure; may run in any thread."""
    return Rows(
        sha256=analysis.sha256,
        field=field_cells(analysis),
        labels=[label_cells(judgement) for judgement in analysis.labels],
        domain_columns=("micrograph", *analysis.domain_table),
        domains=table_lines(analysis.micrograph.source, analysis.domain_table),
        tasks={judgement.task: tuple(judgement.probabilities) for judgement in analysis.labels},
        descriptors={name: float(value) for name, value in analysis.field.items()},
        embedding=np.ascontiguousarray(analysis.embedding, dtype="<f4").tobytes(),
        bundle=analysis.bundle,
        provider=analysis.provider,
        precision=analysis.precision,
    )


def field_cells(analysis: Analysis) -> dict[str, str]:
    """Cells of fields.csv by column: the promised ones first, then every other descriptor."""
    micrograph = analysis.micrograph
    x, y = micrograph.nm_per_px or (None, None)
    height, width = micrograph.pixels.shape
    cells = dict.fromkeys(FIELD_FIRST, "")
    cells |= {"width_px": str(width), "height_px": str(height)}
    cells |= {"nm_per_px_x": number(x), "nm_per_px_y": number(y), "calibration": text(micrograph.calibration)}
    cells["n_domains"] = str(analysis.n_domains)
    for name, value in analysis.field.items():
        cells[name] = truth(value) if name in TRUTHS else cell(value)
    error = micrograph.calibration_error
    percent = number(None if error is None else 100 * error)
    counts = {"n_frames": str(micrograph.n_frames), "n_other_images": str(micrograph.n_other_images)}
    return cells | counts | {"calibration_error_percent": percent}


def label_cells(judgement: Judgement) -> dict[str, str]:
    """Cells of one row of labels.csv by column; classes as `p_<class>`."""
    cells = {
        "task": text(judgement.task),
        "label": text(judgement.label),
        "confidence": number(judgement.confidence),
        "decision": text(judgement.decision),
        "novelty": number(judgement.novelty),
    }
    return cells | {f"p_{name}": number(value) for name, value in judgement.probabilities.items()}


def table_lines(micrograph: str, table: Mapping[str, np.ndarray]) -> str:
    """CSV lines of domains.csv or wires.csv, without header; the micrograph's name is the first cell.

    table: arrays (n,) by column.
    """
    columns = [_column(name, values) for name, values in table.items()]
    name = text(micrograph)
    return "".join(line((name, *cells)) for cells in zip(*columns, strict=True))


def _column(name: str, values: np.ndarray) -> list[str]:
    return [truth(value) for value in values.tolist()] if name in TRUTHS else column(values)
