"""The cases of a benchmark: files x device x precision, each with its stages, its engine and the whole job."""

from __future__ import annotations

import itertools
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from nanomorph.bench.end_to_end import EndToEnd, peak_memory, run_whole
from nanomorph.bench.frames import write_frames
from nanomorph.bench.stages import Samples, time_engine, time_stages
from nanomorph.bundle import Bundle, load_bundle
from nanomorph.errors import ConfigurationError
from nanomorph.machine import machine
from nanomorph.micrograph import ReadError
from nanomorph.model import Model
from nanomorph.prepare import prepare
from nanomorph.readers import read_path
from nanomorph.sources import Item, discover
from nanomorph.work import Settings


@dataclass(frozen=True)
class Plan:
    """What to measure. sizes: px, of drawn frames where there are no inputs."""

    inputs: tuple[Path, ...]
    sizes: tuple[int, ...]
    images: int
    repeats: int
    devices: tuple[str, ...]
    precisions: tuple[str, ...]
    batches: tuple[int, ...]
    workers: tuple[int, ...]
    overlays: bool = True


def measure_all(plan: Plan, bundle: Path | None, report: Callable[[str], None]) -> dict[str, Any]:
    """Every case, as JSON holds it. Raises ConfigurationError for inputs or devices that are not there."""
    loaded = load_bundle(bundle)
    with tempfile.TemporaryDirectory(prefix="nanomorph-bench-") as temporary:
        cases = [
            _case(plan, loaded, files, device, precision, Path(temporary), report)
            for files in _sets(plan, Path(temporary))
            for device, precision in itertools.product(plan.devices, plan.precisions)
        ]
    return {
        "bundle": {"name": loaded.name, "fingerprint": loaded.fingerprint},
        "machine": machine(),
        "cases": cases,
    }


def _sets(plan: Plan, temporary: Path) -> Iterator[list[Path]]:
    if not plan.inputs:
        for side in plan.sizes:
            yield write_frames(temporary / str(side), side, plan.images)
        return
    try:
        found = (item.path for item in discover(plan.inputs) if isinstance(item, Item) and item.path is not None)
        files = list(itertools.islice(filter(_is_readable, found), plan.images))
    except FileNotFoundError as error:
        raise ConfigurationError(str(error)) from error
    if not files:
        raise ConfigurationError(f"{', '.join(map(str, plan.inputs))}: no file there is a micrograph that can be read.")
    yield files


def _is_readable(path: Path) -> bool:
    try:
        read_path(path)
    except ReadError:
        return False
    return True


def _case(
    plan: Plan,
    bundle: Bundle,
    files: list[Path],
    device: str,
    precision: str,
    temporary: Path,
    report: Callable[[str], None],
) -> dict[str, Any]:
    model = Model(bundle, device, precision)
    frames = [read_path(file).pixels.shape for file in files]
    report(f"{len(files)} images of {_pixels(frames)} on {model.engine.provider}, {model.engine.precision}")
    megapixels = float(np.mean([height * width for height, width in frames])) / 1e6
    with tempfile.TemporaryDirectory(dir=temporary) as out:
        stages = {name: one.facts() for name, one in time_stages(model, files, Path(out), plan.repeats).items()}
    shape = prepare(read_path(files[0]), bundle.input).pixels.shape
    engine = [
        _engine_facts(time_engine(model.engine, shape, batch, max(5, plan.repeats)), batch, shape)
        for batch in plan.batches
    ]
    whole = [_whole(plan, model, files, workers, megapixels, temporary) for workers in plan.workers]
    facts = {
        "images": len(files),
        "pixels": _pixels(frames),
        "provider": model.engine.provider,
        "precision": model.engine.precision,
        "model_sees": list(shape),
        "stages": stages,
        "engine": engine,
        "whole": whole,
    }
    return facts | {"limits": limits(facts)}


def _whole(
    plan: Plan, model: Model, files: Sequence[Path], workers: int, megapixels: float, temporary: Path
) -> dict[str, Any]:
    settings = Settings(workers=workers, overlays=plan.overlays)
    runs = []
    for turn in range(plan.repeats + 1):
        with tempfile.TemporaryDirectory(dir=temporary) as out:
            # The first run is short and not counted: it fills caches and pools of memory.
            runs.append(run_whole(model, files[: None if turn else 2], Path(out), settings))
    return _whole_facts(runs[1:], workers, megapixels)


def _whole_facts(runs: Sequence[EndToEnd], workers: int, megapixels: float) -> dict[str, Any]:
    rates = [one.images / one.seconds for one in runs]
    rate = float(np.median(rates))
    gaps = np.concatenate([one.gaps for one in runs]) * 1000
    return {
        "workers": workers,
        "images_per_s": rate,
        "images_per_s_least": min(rates),
        "images_per_s_most": max(rates),
        "megapixels_per_s": rate * megapixels,
        "cpu_ms": float(np.median([one.cpu_seconds / one.images for one in runs])) * 1000,
        "ms_between_images": dict(zip(("5", "50", "95"), np.percentile(gaps, (5, 50, 95)).tolist(), strict=True)),
        "closing_s": float(np.median([one.closing_seconds for one in runs])),
        "peak_bytes": peak_memory(),
        "n": len(runs),
    }


def _engine_facts(samples: Samples, batch: int, shape: tuple[int, ...]) -> dict[str, Any]:
    facts = samples.facts()
    rate = 1000 * batch / facts["ms"]
    return {"batch": batch, **facts, "frames_per_s": rate, "megapixels_per_s": rate * shape[0] * shape[1] / 1e6}


def limits(case: Mapping[str, Any]) -> list[str]:
    """One or two sentences: the stage that costs most, and how near the whole job comes to the model alone."""
    stages = case["stages"]
    slowest = max(stages, key=lambda name: stages[name]["cpu_ms" if case["provider"] == "CPU" else "ms"])
    share = stages[slowest]["cpu_ms"] / max(sum(stage["cpu_ms"] for stage in stages.values()), 1e-9)
    best = max(case["whole"], key=lambda whole: whole["images_per_s"])
    against = best["images_per_s"] * stages["infer"]["ms"] / 1000
    return [
        f"What limits: {slowest}, {100 * share:.0f} % of the processor's work on an image.",
        f"The whole job runs at {against:.2f} x the rate of its infer stage alone.",
    ]


def _pixels(frames: Sequence[tuple[int, ...]]) -> str:
    sizes = {f"{width} x {height} px" for height, width in frames}
    return sizes.pop() if len(sizes) == 1 else f"{len(sizes)} sizes"
