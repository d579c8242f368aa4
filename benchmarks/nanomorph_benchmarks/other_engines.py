"""Engines that a user would open instead of nanomorph's, behind the same interface."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from queue import SimpleQueue

import numpy as np

from nanomorph.engines.engine import CPU_BATCH_PIXELS


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

    @staticmethod
    def installed() -> bool:
        """Whether the package is there: it is in the extra `dev` alone."""
        return importlib.util.find_spec("openvino") is not None

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
