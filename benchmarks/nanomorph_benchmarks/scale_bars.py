"""Scale bars of 258 real panels: how many are read, how far off, and above all how many wrongly.

    python -m nanomorph_benchmarks.scale_bars --data ../shared/data --out benchmarks/results/scale_bars.json

The truth was read by eye (`benchmarks/truth/scale_bars.csv`), before the reader had seen the panel. Every second
article is for development, the others are held out; `test2`: further panels of the same articles, read when the rules
were done. Kinds: bar, ends (with end ticks), split (`|- 5 µm -|`), ticks (a row of eleven), and three of which nothing
may be read: none, unlabelled (a bar without a number), unclear (cut, an arrow, chequered).
"""

from __future__ import annotations

import csv
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

import numpy as np

from nanomorph.readers import read_path
from nanomorph.scalebar import Reading, read_scale_bar
from nanomorph_benchmarks.options import Options, main

TRUTH = Path(__file__).parents[1] / "truth" / "scale_bars.csv"
# Right is within this share, or within the px to which the eye read the bar's length.
RIGHT, EYE_PX = 0.02, 1.0


def evaluate(options: Options) -> dict[str, Any]:
    """By part and kind: how many were right, wrong, not read; of the right ones the error; every wrong one by name."""
    counts: dict[str, dict[str, Counter[str]]] = defaultdict(lambda: defaultdict(Counter))
    errors: dict[str, list[float]] = defaultdict(list)
    wrong = []
    for row in truth():
        reading = read_scale_bar(read_path(options.data / row["file"]).pixels)
        verdict, error = judge(row, reading)
        counts[row["part"]][row["kind"]][verdict] += 1
        if verdict == "right":
            errors[row["part"]].append(abs(error))
        if verdict == "wrong" and reading is not None:
            wrong.append({**row, "read_nm": reading.nm, "read_px": round(reading.px, 1), "error": error})
    return {
        "counts": {part: {kind: dict(one) for kind, one in sorted(kinds.items())} for part, kinds in counts.items()},
        "error_percent": {part: _spread(found) for part, found in errors.items()},
        "wrong": wrong,
        "exemplars": exemplars(options.data),
    }


def truth() -> list[dict[str, str]]:
    """Rows of the file of truth."""
    with open(TRUTH, encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def judge(row: dict[str, str], reading: Reading | None) -> tuple[str, float]:
    """`right`, `wrong` or `not read`, and the relative error of the pixel size (NaN where there is none)."""
    if reading is None:
        return "not read", float("nan")
    if not row["nm"]:
        return "wrong", float("nan")
    px = float(row["bar_px"])
    error = reading.nm_per_px * px / float(row["nm"]) - 1
    return "right" if abs(error) <= max(RIGHT, EYE_PX / px) else "wrong", error


def exemplars(data: Path) -> dict[str, Any]:
    """By name: the pixel size read off the bar by person and by program, nm."""
    with open(data / "nanowires" / "exemplars.csv", encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    readings = {row["label"]: read_scale_bar(read_path(data / "nanowires" / row["file"]).pixels) for row in rows}
    return {
        row["label"]: {
            "nm_per_px": float(row["nm_per_px"]),
            "read": None if (reading := readings[row["label"]]) is None else round(reading.nm_per_px, 4),
        }
        for row in rows
    }


def _spread(errors: list[float]) -> dict[str, float]:
    values = 100 * np.array(errors)
    return {"n": len(values), "median": float(np.median(values)), "max": float(values.max())}


def as_text(result: dict[str, Any]) -> str:
    """For people."""
    lines = []
    for part, kinds in result["counts"].items():
        lines.append(f"{part}: error of the right ones, %: {result['error_percent'].get(part)}")
        for kind, verdicts in kinds.items():
            lines.append(f"  {kind:<11} " + ", ".join(f"{n} {verdict}" for verdict, n in sorted(verdicts.items())))
    return "\n".join([*lines, *(f"wrong: {row}" for row in result["wrong"]), f"exemplars: {result['exemplars']}"])


if __name__ == "__main__":
    raise SystemExit(main(Options, __doc__, evaluate, as_text))
