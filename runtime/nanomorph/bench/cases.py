"""The cases of a benchmark: files x device x precision x workers."""

from __future__ import annotations

import itertools
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nanomorph.bench.child import Job, measure_apart
from nanomorph.bench.frames import write_frames
from nanomorph.bench.limit import limits
from nanomorph.bundle import load_bundle
from nanomorph.errors import ConfigurationError
from nanomorph.machine import machine
from nanomorph.micrograph import ReadError
from nanomorph.readers import read_path
from nanomorph.sources import Item, discover


@dataclass(frozen=True)
class Plan:
    """What to measure. sizes: px, of drawn frames where there are no inputs. batches: None is the engine's own."""

    inputs: tuple[Path, ...]
    sizes: tuple[int, ...]
    images: int
    repeats: int
    devices: tuple[str, ...]
    precisions: tuple[str, ...]
    batches: tuple[int | None, ...]
    workers: tuple[int, ...]
    overlays: bool = True
    detail: str = "auto"
    cuda_graphs: bool = False


def measure_all(plan: Plan, folder: Path | None, report: Callable[[str], None]) -> dict[str, Any]:
    """Every case, as JSON holds it. Raises ConfigurationError for inputs, bundles or devices that are not there."""
    bundle = load_bundle(folder)
    cases = []
    with tempfile.TemporaryDirectory(prefix="nanomorph-bench-") as scratch:
        sets = list(_sets(plan, Path(scratch)))
        for job in _jobs(plan, sets, folder, scratch):
            report(f"{len(job.files)} images on {job.device}, {job.precision}, {job.workers} at once ...")
            case = measure_apart(job)
            cases.append(case | {"limits": limits(case)})
    named = {"name": bundle.name, "fingerprint": bundle.fingerprint}
    return {"bundle": named, "machine": machine(), "cases": cases}


def _jobs(plan: Plan, sets: list[list[Path]], folder: Path | None, scratch: str) -> Iterator[Job]:
    bundle = None if folder is None else str(folder.resolve())
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
        )


def _sets(plan: Plan, scratch: Path) -> Iterator[list[Path]]:
    if not plan.inputs:
        for side in plan.sizes:
            yield write_frames(scratch / str(side), side, plan.images)
        return
    try:
        found = (item.path for item in discover(plan.inputs) if isinstance(item, Item) and not item.companion)
        files = list(itertools.islice((path for path in found if path and _is_readable(path)), plan.images))
    except FileNotFoundError as error:
        raise ConfigurationError(str(error)) from error
    if not files:
        raise ConfigurationError(f"{', '.join(map(str, plan.inputs))}: no file there is a micrograph that can be read.")
    yield [path.resolve() for path in files]


def _is_readable(path: Path) -> bool:
    try:
        read_path(path)
    except ReadError:
        return False
    return True
