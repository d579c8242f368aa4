"""OpenVINO on the CPU: quicker than onnxruntime where its kernels suit the processor, most of all in int8."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from nanomorph.bundle import Bundle
from nanomorph.engine import CPU_BATCH_PIXELS, Engine
from nanomorph.engines.proof import exact, prove, require
from nanomorph.engines.two_graphs import open_graphs
from nanomorph.errors import ConfigurationError
from nanomorph.host.cores import cores


def open_proven(bundle: Bundle, precision: str, threads: int = 0) -> Engine:
    """The bundle's graphs in OpenVINO, held against onnxruntime on this very processor before they are used.

    fp32 number by number. OpenVINO rounds an int8 file at other places than onnxruntime, for which it passed the gates:
    it has to pass them again, which takes seconds.
    Raises ConfigurationError without OpenVINO, FatalError where it does not run or a gate fails.
    """
    engine = open_graphs(bundle, precision, lambda file, its: OpenVinoEngine(file, its, threads))
    require(bundle, engine, exact if precision == "fp32" else prove, "processor")
    return engine


class OpenVinoEngine:
    """A backbone compiled once for all shapes: compiled for each of them it is no quicker."""

    provider = "OpenVINO"
    batch_pixels = CPU_BATCH_PIXELS

    def __init__(self, model: Path, precision: str, threads: int = 0) -> None:
        self._compiled = _compile(model, threads)
        self._outputs = [output.any_name for output in self._compiled.outputs]
        self.dim = int(self._compiled.output("embedding").get_partial_shape()[1].get_length())
        self.precision = precision

    def run(self, batch: np.ndarray) -> dict[str, np.ndarray]:
        """As every engine; frame by frame, so that no bit of a frame can depend on its neighbours."""
        frames = [self._run(batch[n : n + 1]) for n in range(len(batch))]
        return {name: np.concatenate([frame[name] for frame in frames]) for name in self._outputs}

    def close(self) -> None:
        """Nothing: its memory goes with it."""

    def _run(self, frame: np.ndarray) -> dict[str, np.ndarray]:
        # A request serves one thread at a time; making one takes 10 microseconds.
        found = self._compiled.create_infer_request().infer({"image": frame}, share_inputs=True)
        return {name: found[name] for name in self._outputs}


def _compile(model: Path, threads: int) -> Any:
    openvino = _load()
    try:
        return openvino.Core().compile_model(str(model), "CPU", settings(threads))
    except RuntimeError as error:
        raise ConfigurationError(f"{model} does not open in OpenVINO {openvino.__version__}: {error}") from error


def settings(threads: int) -> dict[str, Any]:
    """For as many inferences at once as the cores allow, of `threads` each; 0: one, on all cores."""
    each = threads or cores()
    streams = max(1, cores() // each)
    return {
        "NUM_STREAMS": streams,
        "INFERENCE_NUM_THREADS": streams * each,
        # For latency it leaves out the second threads of cores and the small cores; `cores` counts them.
        "PERFORMANCE_HINT": "THROUGHPUT",
        # Threads tied to a core wait there for those that read and measure, and for a second nanomorph.
        "ENABLE_CPU_PINNING": False,
        # By itself it takes bfloat16 where the processor has it.
        "INFERENCE_PRECISION_HINT": "f32",
    }


def _load() -> Any:
    try:
        import openvino
    except (ImportError, OSError) as error:
        raise ConfigurationError(
            f'device openvino: OpenVINO does not load ({error}): pip install "nanomorph[cpu,openvino]", '
            "or use --device cpu."
        ) from error
    return openvino
