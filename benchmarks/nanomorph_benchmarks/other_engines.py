"""What could run the graphs of a bundle on this CPU, all behind the same interface."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from nanomorph.bundle import Bundle
from nanomorph.engine import CPU_BATCH_PIXELS, Engine
from nanomorph.engines import joined
from nanomorph.engines.onnx_runtime import OnnxRuntimeEngine
from nanomorph.engines.openvino import OpenVinoEngine


def in_both(
    bundle: Bundle, files: Sequence[tuple[str, str, Path]], threads: int = 0
) -> Iterator[tuple[str, str, Engine]]:
    """Graphs (`tried_int8.files_of`) in onnxruntime and, where that is installed, OpenVINO: kind, name, engine."""
    kinds: dict[str, type] = {"onnxruntime": OnnxRuntimeEngine}
    if find_spec("openvino") is not None:
        kinds["OpenVINO"] = OpenVinoEngine
    for kind, engine in kinds.items():
        embedder = None if bundle.embedder is None else engine(bundle.embedder, "fp32", threads)
        for name, precision, file in files:
            yield kind, name, joined(engine(file, precision, threads), embedder)


class PlainSession:
    """onnxruntime as a user would open it: with its own defaults and so many threads."""

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

    def close(self) -> None:
        """Nothing: its memory goes with it."""
