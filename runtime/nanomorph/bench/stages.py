"""Every stage by itself, one micrograph after the other: what it costs before stages overlap."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from nanomorph.analysis import Analysis
from nanomorph.bench.samples import Samples, percentiles
from nanomorph.engine import Engine
from nanomorph.journal import Journal
from nanomorph.micrograph import Micrograph
from nanomorph.model import Model
from nanomorph.prepare import prepare
from nanomorph.readers import read_micrograph
from nanomorph.results import rows_of, write_mask, write_overlay, write_wires
from nanomorph.sources import Item, discover

STAGES = ("read", "prepare", "infer", "measure", "write")


class Recorded:
    """An engine that keeps what it was shown, so that the model alone can be timed on the very same batches."""

    def __init__(self, engine: Engine) -> None:
        self.engine, self.seen = engine, list[np.ndarray]()
        self.provider, self.precision, self.dim = engine.provider, engine.precision, engine.dim
        self.batch_pixels = engine.batch_pixels

    def run(self, batch: np.ndarray) -> dict[str, np.ndarray]:
        self.seen.append(batch)
        return self.engine.run(batch)

    def close(self) -> None:
        """As every engine."""
        self.engine.close()


def time_stages(model: Model, files: Sequence[Path], out: Path, overlays: bool) -> dict[str, Any]:
    """Facts of each stage, of one image through all of them, and of the model alone on the same batches (`bare`)."""
    recorded = Recorded(model.engine)
    watched = Model(model.bundle, engine=recorded, ways=model.ways)
    samples: dict[str, Samples] = {name: Samples() for name in STAGES}
    items = [item for item in discover(files) if isinstance(item, Item)]
    with Journal.open(out / "journal.sqlite") as journal:
        _through(watched, items[0], out, journal, overlays, defaultdict(Samples))  # warm-up
        recorded.seen.clear()
        for item in items:
            _through(watched, item, out, journal, overlays, samples)
    whole = [sum(times) for times in zip(*(one.wall for one in samples.values()), strict=True)]
    return {
        "stages": {name: one.facts() for name, one in samples.items()},
        "one_image": percentiles(whole),
        "bare": _bare(recorded, len(items)),
    }


def _bare(recorded: Recorded, images: int) -> dict[str, Any]:
    """The model alone, an image (second looks included): views it was shown, milliseconds, processor's."""
    samples = Samples()
    for batch in recorded.seen:
        samples.timed(lambda batch=batch: recorded.engine.run(batch))  # type: ignore[misc]
    views = sum(len(batch) for batch in recorded.seen)
    per_image = {"ms": 1000 * sum(samples.wall) / images, "cpu_ms": 1000 * sum(samples.cpu) / images}
    return {"views": views / images, **per_image, "n": images}


def _through(
    model: Model, item: Item, out: Path, journal: Journal, overlays: bool, samples: dict[str, Samples]
) -> None:
    micrograph, sha256 = samples["read"].timed(lambda: _read(item))
    prepared = samples["prepare"].timed(lambda: prepare(micrograph, model.bundle.input))
    (seen,) = samples["infer"].timed(lambda: model.look([(micrograph, prepared)]))
    analysis = samples["measure"].timed(lambda: model.conclude(micrograph, sha256, seen))
    samples["write"].timed(lambda: _write(model, analysis, item, out, journal, overlays))


def _read(item: Item) -> tuple[Micrograph, str]:
    data = item.load()
    return read_micrograph(item.name, data, item.path), hashlib.sha256(data).hexdigest()


def _write(model: Model, analysis: Analysis, item: Item, out: Path, journal: Journal, overlays: bool) -> None:
    write_mask(out, analysis)
    write_wires(out, analysis)
    if overlays:
        write_overlay(out, analysis, {head.task: head.labels for head in model.bundle.heads})
    journal.record(item, rows_of(analysis))
