"""Who does the whole job: nanomorph's pipeline, and what a user would run instead."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from nanomorph.bench.whole import run_whole
from nanomorph.bundle import Bundle
from nanomorph.engine import Engine
from nanomorph.engines import open_graphs
from nanomorph.host.cores import share
from nanomorph.inference.conclude import Ways
from nanomorph.inference.detail import Detail
from nanomorph.inference.half_contrast import MODEL
from nanomorph.journal.reading import JournalReader
from nanomorph.model import Model
from nanomorph.prepare import prepare
from nanomorph.readers import read_path
from nanomorph.running.work import Settings
from nanomorph_benchmarks.other_engines import PlainSession
from nanomorph_benchmarks.scientist import Script


@dataclass(frozen=True, eq=False)
class Turn:
    """embeddings: by file name. wall, cpu: seconds of the clock and of the processor, until all is written."""

    embeddings: dict[str, np.ndarray]
    wall: float
    cpu: float


Job = Callable[[list[Path], Path], Turn]
"""Files and a new folder -> a turn; masks are written to masks/FILE.tif in it."""

BASELINE = "(a) script: torch eager, one image at a time"
SERIAL = "(c) script: onnxruntime, one image at a time"
OURS = "nanomorph {precision}"
# Second looks and outlines at half contrast are nanomorph's own: nobody else has them, so they are off.
AS_OTHERS = Ways(Detail(1.0), outline=MODEL)


@dataclass(frozen=True)
class Bench:
    """bundle: whose network everybody runs. workers: cores that everybody may use."""

    bundle: Bundle
    workers: int

    def jobs(self, precisions: list[str]) -> dict[str, Job]:
        """By name, the baseline first."""
        jobs: dict[str, Job] = {
            BASELINE: partial(_timed_script, self._script(self._torch()).run),
            "(b) the same with a DataLoader, batches of 8": partial(
                _timed_script, partial(_loaded, self._script(self._torch()), self.workers)
            ),
        }
        for precision in precisions:
            serial = SERIAL if precision == "fp32" else f"{SERIAL}, {precision}"
            jobs[serial] = partial(_timed_script, self._script(self._onnxruntime(precision)).run)
            ours, model = OURS.format(precision=precision), self._model(precision)
            jobs[ours] = partial(_pipeline, model, self.workers, False)
            jobs[f"{ours}, with overlays"] = partial(_pipeline, model, self.workers, True)
        for precision in precisions:
            openvino = self._model(precision, "openvino")
            jobs[f"nanomorph on OpenVINO {precision}"] = partial(_pipeline, openvino, self.workers, False)
        return jobs

    def bare(self, precision: str, files: list[Path]) -> Callable[[], dict[str, np.ndarray]]:
        """The model alone on the tensors of `files`, as many at once as there are workers."""
        engine = self._model(precision).engine
        tensors = [prepare(read_path(file), self.bundle.input).pixels[None, None] for file in files]

        def run() -> dict[str, np.ndarray]:
            with ThreadPoolExecutor(self.workers) as threads:
                outputs = list(threads.map(engine.run, tensors))
            return {file.name: one["embedding"][0] for file, one in zip(files, outputs, strict=True)}

        return run

    def _model(self, precision: str, device: str = "cpu") -> Model:
        return Model(self.bundle, device, precision, share(self.workers), ways=AS_OTHERS)

    def _script(self, engine: Engine) -> Script:
        return Script(engine.run, self.bundle.input, self.bundle.foreground_threshold)

    def _torch(self) -> Engine:
        import torch

        from nanomorph_benchmarks.reference_network import torch_engine

        torch.set_num_threads(self.workers)
        return open_graphs(self.bundle, "fp32", lambda file, _: torch_engine(file))

    def _onnxruntime(self, precision: str) -> Engine:
        """As a script opens it: all cores on one image, whatever else onnxruntime does by itself."""
        return open_graphs(self.bundle, precision, lambda file, its: PlainSession(file, its, self.workers))


def timed(work: Callable[[], dict[str, np.ndarray]]) -> Turn:
    """With the processor time of children that were waited for: a DataLoader's workers."""
    begun, before = time.perf_counter(), os.times()
    embeddings = work()
    after = os.times()
    return Turn(embeddings, time.perf_counter() - begun, sum(after[:4]) - sum(before[:4]))


def _timed_script(run: Callable[[list[Path], Path], dict[str, np.ndarray]], files: list[Path], out: Path) -> Turn:
    return timed(lambda: run(files, out))


def _pipeline(model: Model, workers: int, overlays: bool, files: list[Path], out: Path) -> Turn:
    """Until the last image is durable in the journal; the report, which nobody else writes, is not counted."""
    share(workers)
    whole = run_whole(model, files, out, Settings(workers=workers, overlays=overlays))
    with JournalReader.open(out / "journal.sqlite") as journal:
        embeddings = {one.name: np.frombuffer(one.embedding, "<f4") for one in journal.measured(vectors=True)}
    return Turn(embeddings, whole.seconds, whole.cpu_seconds)


def _loaded(script: Script, workers: int, files: list[Path], out: Path) -> dict[str, np.ndarray]:
    """Reading in processes of their own, the network on batches, measuring in between."""
    from torch.utils.data import DataLoader

    frames: Any = _Frames(script, files)  # what torch calls a map-style data set
    loader: DataLoader = DataLoader(frames, batch_size=None, num_workers=workers)
    return script.finish(((files[n], frame, shape) for n, (frame, shape) in enumerate(loader)), out, batch=8)


@dataclass(frozen=True)
class _Frames:
    script: Script
    files: list[Path]

    def __len__(self) -> int:
        return len(self.files)

    def __getitem__(self, n: int) -> tuple[np.ndarray, tuple[int, int]]:
        return self.script.read(self.files[n])
