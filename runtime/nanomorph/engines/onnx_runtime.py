"""Backbones in ONNX Runtime on the CPU, which every other engine is held to."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnxruntime

from nanomorph.bundle import Bundle
from nanomorph.engine import CPU_BATCH_PIXELS, Engine
from nanomorph.engines.two_graphs import open_graphs
from nanomorph.errors import ConfigurationError
from nanomorph.session import open_session


def check_backbone(session: onnxruntime.InferenceSession, model: Path) -> int:
    """The length of the embedding. Raises ConfigurationError for a graph that is neither backbone nor embedder."""
    inputs = {value.name: value.type for value in session.get_inputs()}
    outputs = {value.name: value.shape for value in session.get_outputs()}
    if inputs != {"image": "tensor(uint8)"} or "embedding" not in outputs:
        shown = f"it takes {', '.join(inputs)} and gives {', '.join(outputs)}"
        raise ConfigurationError(f"{model} is no backbone: {shown}; copy the bundle anew.")
    return int(outputs["embedding"][1])


class OnnxRuntimeEngine:
    """A backbone in one session on the CPU."""

    batch_pixels = CPU_BATCH_PIXELS

    def __init__(self, model: Path, precision: str, threads: int = 0) -> None:
        self._session = open_session(model, "cpu", threads)
        self.dim = check_backbone(self._session, model)
        self._outputs = [output.name for output in self._session.get_outputs()]
        self.provider, self.precision = "CPU", precision

    def run(self, batch: np.ndarray) -> dict[str, np.ndarray]:
        return dict(zip(self._outputs, self._session.run(None, {"image": batch}), strict=True))

    def close(self) -> None:
        """Nothing: its memory goes with it."""


def open_on_cpu(bundle: Bundle, precision: str, threads: int = 0) -> Engine:
    """A bundle's backbone of a precision that it has, on the CPU; `threads` as in `open_session`."""
    return open_graphs(bundle, precision, lambda file, its: OnnxRuntimeEngine(file, its, threads))
