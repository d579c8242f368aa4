"""One case, in a process of its own: its peak of memory is that of this case, and no other case warmed its caches.

python -m nanomorph.bench.child < job.json
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nanomorph.errors import ConfigurationError, FatalError

if TYPE_CHECKING:
    from nanomorph.model import Model


@dataclass(frozen=True)
class Job:
    """files: micrographs to analyse. batches: frames a batch (None: the engine's own). scratch: an empty folder.

    alone: of them those that every stage and the model are timed on by themselves; none: only the whole job is.
    """

    files: tuple[str, ...]
    scratch: str
    bundle: str | None
    workers: int
    device: str = "auto"
    precision: str = "auto"
    batches: tuple[int | None, ...] = (None,)
    repeats: int = 1
    overlays: bool = True
    detail: str = "auto"
    cuda_graphs: bool = False
    alone: tuple[str, ...] = ()


def measure_apart(job: Job) -> dict[str, Any]:
    """What `measure` found, in a process of its own. Raises as it does."""
    found: dict[str, Any] = ask("nanomorph.bench.child", asdict(job))
    return found


def ask(module: str, question: dict[str, Any]) -> Any:
    """What `python -m module` answers, JSON in and out. Raises the error of ours that it ended with."""
    command = [sys.executable, "-m", module]
    done = subprocess.run(command, input=json.dumps(question), capture_output=True, text=True, check=False)
    if done.returncode in (ConfigurationError.exit_code, FatalError.exit_code) and done.stderr:
        kind = ConfigurationError if done.returncode == ConfigurationError.exit_code else FatalError
        raise kind(done.stderr.strip().splitlines()[-1])
    if done.returncode:
        raise FatalError(f"the process that measured ended with exit code {done.returncode}:\n{done.stderr.strip()}")
    return json.loads(done.stdout)


def measure(job: Job) -> dict[str, Any]:
    """The whole job first, for its memory; then every stage and the model by themselves."""
    import numpy as np

    from nanomorph.engine import ON_CORES
    from nanomorph.host.cores import cores
    from nanomorph.machine import device_memory, peak_memory
    from nanomorph.readers import read_path

    model, files = _model(job), [Path(file) for file in job.files]
    shapes = [read_path(file).pixels.shape for file in files]
    megapixels = float(np.mean([height * width for height, width in shapes])) / 1e6
    whole = [{"batch": batch, **_whole(job, model, files, batch, megapixels)} for batch in job.batches]
    peak, on_device = peak_memory(), None if model.engine.provider in ON_CORES else device_memory()
    if not job.alone:
        return {"whole": whole, "peak_bytes": peak}
    return {
        "images": len(files),
        "pixels": sizes_of(shapes),
        "provider": model.engine.provider,
        "precision": model.engine.precision,
        "detail": job.detail,
        "workers": job.workers,
        "cores": cores(),
        "whole": whole,
        **_parts(job, model, files[0]),
        "peak_bytes": peak,
        "device_bytes": on_device,
    }


def _model(job: Job) -> Model:
    from nanomorph.bundle import load_bundle
    from nanomorph.host.cores import share
    from nanomorph.inference.conclude import Ways
    from nanomorph.inference.detail import Detail
    from nanomorph.model import Model

    ways, threads = Ways(Detail.parse(job.detail)), share(job.workers)
    return Model(load_bundle(job.bundle), job.device, job.precision, threads, ways=ways, cuda_graphs=job.cuda_graphs)


def _parts(job: Job, model: Model, first: Path) -> dict[str, Any]:
    """Every stage on the files of `alone`, and the model on frames of the shape in which it sees the `first`."""
    from nanomorph.bench.model_alone import time_model
    from nanomorph.bench.stages import time_stages
    from nanomorph.prepare import prepare
    from nanomorph.readers import read_path

    sees = prepare(read_path(first), model.bundle.input).pixels.shape
    with tempfile.TemporaryDirectory(dir=job.scratch) as out:
        stages = time_stages(model, [Path(file) for file in job.alone], Path(out), job.overlays)
    batches = sorted({batch or 1 for batch in job.batches})
    alone = [time_model(model.engine, sees, batch, job.workers, max(3, job.repeats)) for batch in batches]
    return {"model_sees": list(sees), **stages, "model_alone": alone}


def _whole(job: Job, model: Model, files: list[Path], batch: int | None, megapixels: float) -> dict[str, Any]:
    from nanomorph.bench.whole import run_whole, whole_facts
    from nanomorph.running.work import Settings

    settings, runs = Settings(workers=job.workers, overlays=job.overlays, batch=batch), []
    for turn in range(job.repeats + 1):
        with tempfile.TemporaryDirectory(dir=job.scratch) as out:
            # The first run is short and not counted: it fills caches and pools of memory.
            runs.append(run_whole(model, files if turn else files[: 2 * job.workers], Path(out), settings))
    return whole_facts(runs[1:], megapixels)


def sizes_of(shapes: list[tuple[int, ...]]) -> str:
    """`1024 x 1024 px`, or how many sizes there are."""
    sizes = {f"{width} x {height} px" for height, width in shapes}
    return sizes.pop() if len(sizes) == 1 else f"{len(sizes)} sizes"


def answered(work: Callable[[], Any]) -> int:
    """The other end of `ask`: prints what `work` returns as JSON, its errors as a line and an exit code."""
    try:
        print(json.dumps(work()))
    except (ConfigurationError, FatalError) as error:
        print(error, file=sys.stderr)
        return error.exit_code
    return 0


if __name__ == "__main__":
    raise SystemExit(answered(lambda: measure(Job(**json.load(sys.stdin)))))
