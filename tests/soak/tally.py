"""Does a run's output hold exactly what a ledger says the folder holds? Used by the soaks."""

from __future__ import annotations

import csv
import sqlite3
import sys
from collections import Counter, defaultdict
from pathlib import Path

import numpy as np
import tifffile

sys.path.insert(0, str(Path(__file__).parents[1]))
from micrograph_files import rod_of
from nanomorph.atomic import TEMPORARY_SUFFIX
from nanomorph.journal import locate
from nanomorph.results import result_path

# Modes whose files are, for a moment, whole and something else: measured more often than once, rightly.
REWRITTEN = {"rewrite"}


def rows(path: Path) -> list[dict[str, str]]:
    """A CSV's rows."""
    with open(path, encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, strict=True))


def tally(out: Path, ledger: Path, side: int) -> dict[str, int]:
    """Counts of what there should be, and of every kind of failure; names of failures go to stderr."""
    written = {row["file"]: row for row in rows(ledger)}
    images = {name for name in written if not name.endswith(".emi")}
    fields = defaultdict(list)
    for row in rows(out / "fields.csv"):
        fields[row["micrograph"]].append(row)
    labels = Counter((row["micrograph"], row["task"]) for row in rows(out / "labels.csv"))
    domains = defaultdict(list)
    for row in rows(out / "domains.csv"):
        domains[row["micrograph"]].append(row)
    quarantined = {row["input"]: row["reason"] for row in rows(out / "quarantine.csv")}
    tasks = {task for _, task in labels}
    found: dict[str, set[str]] = {
        "lost": {name for name in written if name not in fields},
        "double rows": {name for name in fields if len(fields[name]) != 1},
        "not in the ledger": set(fields) - set(written),
        "half-read or stale": {
            name for name in images & set(fields) if fields[name][0]["sha256"] != written[name]["sha256"]
        },
        "not one row per task": {name for name in images if any(labels[name, task] != 1 for task in tasks)},
        "domains incomplete": {
            name for name in images & set(fields) if len(domains[name]) != int(fields[name][0]["n_domains"] or -1)
        },
        "rod mismeasured": {name for name in images if not _rod_is_right(domains[name], name, side)},
        "mask wrong": {name for name in images if not _mask_is_whole(out, name, domains[name])},
        "quarantined": set(quarantined),
        "temporary files": {str(path) for path in out.rglob(f".*{TEMPORARY_SUFFIX}")},
        "processed again though done": {name for name in _done_twice(out) if written[name]["mode"] not in REWRITTEN},
    }
    for kind, names in found.items():
        for name in sorted(names)[:5]:
            print(f"{kind}: {name} {quarantined.get(name, '')}", file=sys.stderr)
    return {"files written": len(written), "images": len(images), "rows": len(fields)} | {
        kind: len(names) for kind, names in found.items()
    }


def _rod_is_right(domains: list[dict[str, str]], name: str, side: int) -> bool:
    """The one rod that was drawn, to the pixel."""
    number = int(name.rpartition(".")[0].removesuffix("_1").rpartition("_")[2])
    length, width = rod_of(number, side)
    return [float(row["area_px"]) for row in domains] == [length * width]


def _mask_is_whole(out: Path, name: str, domains: list[dict[str, str]]) -> bool:
    try:
        mask = tifffile.imread(result_path(out, "masks", name, ".tif"))
    except (OSError, tifffile.TiffFileError):
        return False
    return set(np.unique(mask[mask > 0]).tolist()) == {int(row["domain"]) for row in domains}


def _done_twice(out: Path) -> set[str]:
    database = sqlite3.connect(f"{locate(out).absolute().as_uri()}?mode=ro", uri=True)
    query = "SELECT name FROM history WHERE event = 'done' GROUP BY name HAVING count(*) > 1"
    twice = {name for (name,) in database.execute(query)}
    database.close()
    return twice


def main() -> None:
    out, ledger, side = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])
    for kind, n in tally(out, ledger, side).items():
        print(f"{kind:>30}: {n}")


if __name__ == "__main__":
    main()
