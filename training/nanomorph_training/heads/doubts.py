"""What a head is unsure of among its own examples: labels to look at again, before anything else is tried.

A micrograph is doubtful where models that had not seen it judge it otherwise than its label says, surely or not, or
find it unlike every class.
"""

from __future__ import annotations

import csv
from pathlib import Path

from nanomorph.atomic import atomic_open
from nanomorph.majority import OTHER
from nanomorph_training.heads.fitting import Fit

DOUBTS = "doubts.csv"
COLUMNS = ("file", "label", "judged", "confidence", "novelty", "doubt")


def doubts(fit: Fit) -> list[tuple[str, str, str, float, float, str]]:
    """Rows of doubts.csv: contradicted labels first, the surest contradiction first of all."""
    seen, head = fit.out_of_fold, fit.head
    if seen is None:
        return []
    rows = []
    for name, truth, guess, confidence, novelty in zip(
        seen.micrograph, seen.truth, seen.guess, seen.confidence, seen.novelty, strict=True
    ):
        if guess == truth and head.labels[truth] == OTHER:
            continue  # not to know it is as it should be
        why = _why(guess != truth, confidence < head.uncertain_below, novelty > 1)
        if why:
            rows.append((str(name), head.labels[truth], head.labels[guess], float(confidence), float(novelty), why))
    return sorted(rows, key=lambda row: (row[1] == row[2], -row[3] if row[1] != row[2] else row[3]))


def _why(contradicted: bool, uncertain: bool, novel: bool) -> str:
    reasons = {"judged otherwise": contradicted, "uncertain": uncertain, "unlike every class": novel}
    return " and ".join(reason for reason, holds in reasons.items() if holds)


def write_doubts(path: Path, fit: Fit) -> None:
    """Write doubts.csv; the header alone where nothing is doubtful, or no class has two groups."""
    with atomic_open(path, "w") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        writer.writerows((*row[:3], f"{row[3]:.3f}", f"{row[4]:.3f}", row[5]) for row in doubts(fit))
