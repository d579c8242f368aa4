"""Who does the whole job: nanomorph's pipeline, and what a user would run instead."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import numpy as np

from nanomorph.bundle import Bundle
from nanomorph.cores import share
from nanomorph.detail import Detail
from nanomorph.engines import Engine
from nanomorph.engines.engine import CPU_BATCH_PIXELS
from nanomorph.engines.two_graphs import joined
from nanomorph.journal.reading import JournalReader
from nanomorph.model import Model, Ways
from nanomorph.prepare import prepare
from nanomorph.readers import read_path
from nanomorph.run import Run
from nanomorph.sources import discover
from nanomorph.work import Settings
from nanomorph_benchmarks.scientist import Script

Job = Callable[[list[Path], Path], dict[str, np.ndarray]]
"""Files and a new folder -> embeddings by file name; masks are written to masks/FILE.tif in it."""

BASELINE = "(a) script: torch eager, one image at a time"
SERIAL = "(c) script: onnxruntime, one image at a time"
OURS = "nanomorph {precision}"
# Second looks are nanomorph's own: nobody else has them, so they are off.
WHOLE_FRAMES = Ways(Detail(1.0))


class PlainSession:
    """onnxruntime with its own defaults and so many threads."""

    provider, batch_pixels = "CPU", CPU_BATCH_PIXELS

    def __init__(self, model: Path, precision: str, threads: int) -> None:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        self._session = onnxruntime.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])
        self._names = [output.name for output in self._session.get_outputs()]
        self.precision, self.dim = precision, int(self._session.get_outputs()[self._names.index("embedding")].shape[1])

    def run(self, batch: np.ndarray) -> dict[str, np.ndarray]:
        return dict(zip(self._names, self._session.run(None, {"image": batch}), strict=True))


class OpenVinoEngine:
    """OpenVINO in the place of onnxruntime: one thread for each of many requests, as nanomorph runs the latter."""

    provider, batch_pixels = "OpenVINO", CPU_BATCH_PIXELS

    def __init__(self, model: Path, precision: str, workers: int) -> None:
        import openvino

        self.precision = precision
        settings = {
            "INFERENCE_NUM_THREADS": workers,
            "NUM_STREAMS": workers,
            "INFERENCE_PRECISION_HINT": "f32",
            "PERFORMANCE_HINT": "THROUGHPUT",
        }
        compiled = openvino.Core().compile_model(str(model), "CPU", settings)
        self._names = [output.any_name for output in compiled.outputs]
        self.dim = int(compiled.output("embedding").get_partial_shape()[1].get_length())
        self._idle: SimpleQueue = SimpleQueue()
        for _ in range(workers):
            self._idle.put(compiled.create_infer_request())

    def run(self, batch: np.ndarray) -> dict[str, np.ndarray]:
        request = self._idle.get()
        try:
            request.infer({"image": batch})
            return {name: request.get_tensor(name).data.copy() for name in self._names}
        finally:
            self._idle.put(request)


@dataclass(frozen=True)
class Bench:
    """bundle: whose network everybody runs. workers: cores that everybody may use."""

    bundle: Bundle
    workers: int

    def jobs(self, precisions: list[str]) -> dict[str, Job]:
        """By name, the baseline first."""
        jobs: dict[str, Job] = {
            BASELINE: self._script(self._torch()).run,
            "(b) the same with a DataLoader, batches of 8": partial(_loaded, self._script(self._torch()), self.workers),
        }
        for precision in precisions:
            serial = SERIAL if precision == "fp32" else f"{SERIAL}, {precision}"
            jobs[serial] = self._script(self._onnxruntime(precision)).run
            jobs[OURS.format(precision=precision)] = self._ours(precision, overlays=False)
            jobs[OURS.format(precision=precision) + ", with overlays"] = self._ours(precision, overlays=True)
        openvino = self._engine("fp32", lambda file, precision: OpenVinoEngine(file, precision, self.workers))
        model = Model(self.bundle, engine=openvino, ways=WHOLE_FRAMES)
        jobs["(d) nanomorph's pipeline, OpenVINO infers, fp32"] = partial(_pipeline, model, self.workers, False)
        return jobs

    def bare(self, precision: str, files: list[Path]) -> Callable[[], None]:
        """The model alone on the tensors of `files`, as many at once as there are workers."""
        engine = self._model(precision).engine
        tensors = [prepare(read_path(file), self.bundle.input).pixels[None, None] for file in files]

        def run() -> None:
            with ThreadPoolExecutor(self.workers) as threads:
                list(threads.map(engine.run, tensors))

        return run

    def _model(self, precision: str) -> Model:
        return Model(self.bundle, "cpu", precision, share(self.workers), ways=WHOLE_FRAMES)

    def _ours(self, precision: str, overlays: bool) -> Job:
        return partial(_pipeline, self._model(precision), self.workers, overlays)

    def _script(self, engine: Engine) -> Script:
        return Script(engine.run, self.bundle.input, self.bundle.foreground_threshold)

    def _torch(self) -> Engine:
        import torch

        from nanomorph_benchmarks.reference_network import torch_engine

        torch.set_num_threads(self.workers)
        return self._engine("fp32", lambda file, _: torch_engine(file))

    def _onnxruntime(self, precision: str) -> Engine:
        """As a script opens it: all cores on one image, whatever else onnxruntime does by itself."""
        return self._engine(precision, lambda file, precision: PlainSession(file, precision, self.workers))

    def _engine(self, precision: str, make: Callable[[Path, str], Engine]) -> Engine:
        embedder = None if self.bundle.embedder is None else make(self.bundle.embedder, "fp32")
        return joined(make(self.bundle.backbones[precision], precision), embedder)


def _pipeline(model: Model, workers: int, overlays: bool, files: list[Path], out: Path) -> dict[str, np.ndarray]:
    share(workers)
    settings = Settings(workers=workers, overlays=overlays)
    with Run(out, model, settings, "benchmark") as run:
        outcomes = [event.outcome for event in run.process(discover(files))]
    assert outcomes == ["done"] * len(files), outcomes
    with JournalReader.open(out / "journal.sqlite") as journal:
        return {one.name: np.frombuffer(one.embedding, "<f4") for one in journal.measured(vectors=True)}


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
