"""Contestants held against each other: first what they say, then how fast; in turns, so that all share each moment."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
import tifffile

from nanomorph_benchmarks.contestants import Job, timed

# What differs is how percentiles are taken, which specks are dropped, and the precision.
LEAST_DICE, LEAST_COSINE = 0.97, 0.99


def agreement(jobs: Mapping[str, Job], files: list[Path], scratch: Path, baseline: str) -> dict[str, dict[str, float]]:
    """Mean Dice of foregrounds and least cosine of embeddings with the baseline's, of each contestant.

    Raises AssertionError where one does another job: its speed would mean nothing.
    """
    said = {}
    for name, job in jobs.items():
        with tempfile.TemporaryDirectory(dir=scratch) as out:
            embeddings = job(files, Path(out) / "out").embeddings
            masks = {file.name: tifffile.imread(Path(out) / "out" / "masks" / f"{file.name}.tif") > 0 for file in files}
        said[name] = (embeddings, masks)
    found = {name: compare(*said[name], *said[baseline]) for name in jobs}
    for name, one in found.items():
        assert one["dice"] >= LEAST_DICE, f"{name}: {one}"
        assert one["cosine"] >= LEAST_COSINE, f"{name}: {one}"
    return found


def compare(
    embeddings: Mapping[str, np.ndarray],
    masks: Mapping[str, np.ndarray],
    other_embeddings: Mapping[str, np.ndarray],
    other_masks: Mapping[str, np.ndarray],
) -> dict[str, float]:
    """`dice`: mean over files; `cosine`: of the embeddings, the least."""
    dice = [2 * (masks[f] & m).sum() / max(masks[f].sum() + m.sum(), 1) for f, m in other_masks.items()]
    cosine = [
        float(embeddings[f] @ e / (np.linalg.norm(embeddings[f]) * np.linalg.norm(e)))
        for f, e in other_embeddings.items()
    ]
    return {"dice": float(np.mean(dice)), "cosine": min(cosine), "n": len(dice)}


def race(
    jobs: Mapping[str, Job],
    bare: Mapping[str, Callable[[], dict[str, np.ndarray]]],
    files: list[Path],
    scratch: Path,
    rounds: int,
) -> dict[str, dict[str, float]]:
    """Rates, their ratios to the first job's round by round, and processor time; `bare` are models alone."""
    seconds: dict[str, list[tuple[float, float]]] = {name: [] for name in [*jobs, *bare]}
    for _ in range(rounds):
        for name, job in jobs.items():
            with tempfile.TemporaryDirectory(dir=scratch) as out:
                turn = job(files, Path(out) / "out")
            seconds[name].append((turn.wall, turn.cpu))
        for name, run in bare.items():
            turn = timed(run)
            seconds[name].append((turn.wall, turn.cpu))
    return summary(seconds, len(files), next(iter(jobs)), next(iter(bare)))


def summary(
    seconds: Mapping[str, Sequence[tuple[float, float]]], images: int, baseline: str, bare: str
) -> dict[str, dict[str, float]]:
    """seconds: (wall, processor) of each turn. Medians over turns, least and most."""
    wall = {name: np.array([turn[0] for turn in turns]) for name, turns in seconds.items()}
    cpu = {name: float(np.median([turn[1] for turn in turns])) / images for name, turns in seconds.items()}
    rows = {}
    for name, times in wall.items():
        ratios = wall[baseline] / times
        rows[name] = {
            "images_per_s": images / float(np.median(times)),
            "least": images / float(times.max()),
            "most": images / float(times.min()),
            "times_baseline": float(np.median(ratios)),
            "times_least": float(ratios.min()),
            "times_most": float(ratios.max()),
            "cpu_s": cpu[name],
            "times_bare": cpu[name] / max(cpu[bare], 1e-9),
            "n": len(times),
            "images": images,
        }
    return rows
