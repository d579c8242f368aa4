"""The cases of a benchmark: files x device x precision x workers."""

from __future__ import annotations

import itertools
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nanomorph.bench.child import Job, measure_apart
from nanomorph.bench.frames import repeated, require_drawable, write_frames
from nanomorph.bench.inputs import choose
from nanomorph.bench.limit import limits
from nanomorph.bench.possible import require_engines
from nanomorph.bench.table import count
from nanomorph.bundle import load_bundle
from nanomorph.machine import machine

# Images in work begin and end together: of fewer rounds than this the first and the last are too large a part.
ROUNDS, LEAST_IMAGES = 4, 8
# Images that every stage is timed on by itself: they go one after the other, where the whole job has all cores.
ALONE = 16


@dataclass(frozen=True)
class Plan:
    """What to measure.

    sizes: px, of drawn frames where there are no inputs. images: None for as many as tell what limits. batches: None
    is the engine's own.
    """

    inputs: tuple[Path, ...]
    sizes: tuple[int, ...]
    images: int | None
    repeats: int
    devices: tuple[str, ...]
    precisions: tuple[str, ...]
    batches: tuple[int | None, ...]
    workers: tuple[int, ...]
    overlays: bool = True
    detail: str = "auto"
    cuda_graphs: bool = False

    @property
    def most_images(self) -> int:
        """Images of a run. The same for all numbers of workers, so that these can be compared."""
        return self.images or max(LEAST_IMAGES, ROUNDS * max(self.workers))


def measure_all(plan: Plan, folder: Path | None, say: Callable[[str], None]) -> Iterator[dict[str, Any]]:
    """All that is known, as JSON holds it: once before the first case, and after each.

    Raises ConfigurationError for inputs, bundles, sizes or devices that are not to be had, before the first case.
    """
    bundle, made = load_bundle(folder), machine()
    where = None if folder is None else str(folder.resolve())
    with tempfile.TemporaryDirectory(prefix="nanomorph-bench-") as scratch:
        if not plan.inputs:
            require_drawable(plan.sizes)
        require_engines(where, itertools.product(plan.devices, plan.precisions), plan.cuda_graphs)
        sets = list(_sets(plan, Path(scratch), say))
        named = {"name": bundle.name, "fingerprint": bundle.fingerprint}
        found: dict[str, Any] = {"bundle": named, "machine": made, "cases": []}
        yield found
        for job in _jobs(plan, sets, where, scratch):
            say(f"{count(len(job.files), 'image')} on {job.device}, {job.precision}, {job.workers} at once ...")
            case = measure_apart(job)
            found["cases"].append(case | {"limits": limits(case)})
            yield found


def _jobs(plan: Plan, sets: list[list[Path]], bundle: str | None, scratch: str) -> Iterator[Job]:
    for files, device, precision, workers in itertools.product(sets, plan.devices, plan.precisions, plan.workers):
        yield Job(
            files=tuple(map(str, files)),
            scratch=scratch,
            bundle=bundle,
            device=device,
            precision=precision,
            workers=workers,
            batches=plan.batches,
            repeats=plan.repeats,
            overlays=plan.overlays,
            detail=plan.detail,
            cuda_graphs=plan.cuda_graphs,
            alone=tuple(map(str, sample(files) if plan.inputs else files[:ALONE])),  # drawn ones come again after that
        )


def sample(files: list[Path]) -> list[Path]:
    """ALONE of them at most, from all parts of a series."""
    return files[:: -(-len(files) // ALONE)]


def _sets(plan: Plan, scratch: Path, say: Callable[[str], None]) -> Iterator[list[Path]]:
    if not plan.inputs:
        for side in plan.sizes:
            yield repeated(write_frames(scratch / str(side), side, min(plan.most_images, ALONE)), plan.most_images)
        return
    chosen = choose(plan.inputs, plan.most_images)
    for line in chosen.in_words(plan.images):
        say(line)
    yield list(chosen.files)
