"""A study for people and for spreadsheets: scores.csv, differences.csv, table.md and study.png."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from nanomorph.atomic import atomic_open
from nanomorph_training.study.outcome import Compared, Line, Study
from nanomorph_training.study.statistics import Spread

SCORES, DIFFERENCES, TABLE, FIGURE = "scores.csv", "differences.csv", "table.md", "study.png"


def write_study(study: Study, out: Path) -> None:
    """Write the four files, each whole or not at all."""
    from nanomorph_training.study.figure import draw

    write_csv(out / SCORES, study.rows)
    write_csv(out / DIFFERENCES, [_difference_row(one) for one in study.compared])
    with atomic_open(out / TABLE, "w") as file:
        file.write(markdown(study))
    with atomic_open(out / FIGURE) as file:
        draw(study, file)


def write_csv(path: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    """Rows with the first one's columns; figures to six places."""
    with atomic_open(path, "w") as file:
        writer = csv.writer(file)
        if rows:
            writer.writerow(rows[0])
        writer.writerows([f"{v:.6f}" if isinstance(v, float) else v for v in row.values()] for row in rows)


def _difference_row(one: Compared) -> dict[str, Any]:
    found = one.difference
    return {
        "a": one.a,
        "b": one.b,
        "labels": one.size,
        "difference": found.value,
        "ci_low": found.low,
        "ci_high": found.high,
        "draws": found.n_draws,
        "groups": found.n_groups,
    }


def markdown(study: Study) -> str:
    """The table, the differences and the notes."""
    sizes = sorted({size for line in study.lines for size in line.scores})
    parts = [f"# {study.title}", "", f"{study.measure}: median over draws and seeds (quartiles).", ""]
    parts += table([study.size_name, *map(str, sizes)], ([line.name, *_cells(line, sizes)] for line in study.lines))
    if study.compared:
        parts += ["", "Paired differences, mean over draws [95 %, bootstrap over groups and draws]:", ""]
        parts += table([study.size_name, *map(str, sizes)], _paired(study.compared, sizes))
    return "\n".join([*parts, "", *(f"- {note}" for note in study.notes)]) + "\n"


def _cells(line: Line, sizes: Sequence[int]) -> list[str]:
    spreads = [Spread.of(line.scores[size]) if size in line.scores else None for size in sizes]
    return ["" if s is None else f"{s.median:.2f} ({s.low:.2f}-{s.high:.2f})" for s in spreads]


def _paired(compared: Sequence[Compared], sizes: Sequence[int]) -> Iterable[list[str]]:
    for a, b in dict.fromkeys((one.a, one.b) for one in compared):
        found = {one.size: one.difference for one in compared if (one.a, one.b) == (a, b)}
        cells = [f"{d.value:+.2f} [{d.low:+.2f}, {d.high:+.2f}]" if (d := found.get(size)) else "" for size in sizes]
        yield [f"{a} - {b}", *cells]


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """Lines of a Markdown table."""
    lines = [header, ["---"] * len(header), *rows]
    return ["| " + " | ".join(cells) + " |" for cells in lines]
