"""ONNX Runtime sessions on the CPU or on CUDA, loud about what they got."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnxruntime

from nanomorph.errors import ConfigurationError

PROVIDERS = {"cpu": "CPUExecutionProvider", "cuda": "CUDAExecutionProvider"}
LOG_ERRORS_ONLY = 3


def cuda_works() -> bool:
    """Whether this onnxruntime was built with CUDA. Opening a session may still fail, loudly."""
    return PROVIDERS["cuda"] in onnxruntime.get_available_providers()


def open_session(model: Path, device: str, threads: int = 0) -> onnxruntime.InferenceSession:
    """Open an ONNX file on `device` (`cpu`, `cuda`); `threads` 0 leaves their number to onnxruntime.

    Raises ConfigurationError where the device is not there: onnxruntime itself only warns and computes
    on the CPU (onnxruntime#23372).
    """
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = LOG_ERRORS_ONLY
    if device == "cuda":
        if not cuda_works():
            raise ConfigurationError(
                "device cuda: this onnxruntime has no CUDA. "
                'Run: pip uninstall onnxruntime && pip install "nanomorph[gpu]"'
            )
        options.add_session_config_entry("session.disable_cpu_ep_fallback", "1")
    try:
        session = onnxruntime.InferenceSession(str(model), options, providers=[PROVIDERS[device]])
    except Exception as error:
        raise ConfigurationError(f"{model} does not open on {device}: {error}") from error
    if session.get_providers()[0] != PROVIDERS[device]:
        raise ConfigurationError(f"device {device} was asked for, but onnxruntime opened {session.get_providers()[0]}.")
    return session


class OnnxRuntimeEngine:
    """A backbone in one session."""

    def __init__(self, model: Path, device: str, precision: str, threads: int = 0) -> None:
        self._session = open_session(model, device, threads)
        self._outputs = [output.name for output in self._session.get_outputs()]
        self.provider = self._session.get_providers()[0].removesuffix("ExecutionProvider")
        self.precision = precision

    def run(self, batch: np.ndarray) -> dict[str, np.ndarray]:
        return dict(zip(self._outputs, self._session.run(None, {"image": batch}), strict=True))
