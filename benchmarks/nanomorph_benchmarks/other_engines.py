"""An engine that a user would open instead of nanomorph's, behind the same interface."""

from __future__ import annotations

from pathlib import Path

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

    def close(self) -> None:
        """Nothing: its memory goes with it."""
