"""ONNX Runtime sessions, of backbones and of heads, on the CPU or on CUDA: loud about what they got."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

import onnxruntime

from nanomorph.errors import ConfigurationError

PROVIDERS = {"cpu": "CPUExecutionProvider", "cuda": "CUDAExecutionProvider"}
LOG_ERRORS_ONLY = 3

# Official builds for Windows report sessions and devices to Microsoft; micrographs may be confidential.
if hasattr(onnxruntime, "disable_telemetry_events"):
    onnxruntime.disable_telemetry_events()


def cuda_is_built_in() -> bool:
    """Whether this onnxruntime was built with CUDA. Opening a session may still fail, loudly."""
    return PROVIDERS["cuda"] in onnxruntime.get_available_providers()


def require_cuda() -> None:
    """Raises ConfigurationError where this onnxruntime has no CUDA."""
    if not cuda_is_built_in():
        raise ConfigurationError(
            'device cuda: this onnxruntime has no CUDA. Run: pip uninstall onnxruntime && pip install "nanomorph[gpu]"'
        )


def open_session(
    model: Path | bytes,
    device: str,
    threads: int = 0,
    name: str = "",
    options: Mapping[str, str] = MappingProxyType({}),
) -> onnxruntime.InferenceSession:
    """Open an ONNX file (or its bytes, called `name`) on `device` (`cpu`, `cuda`).

    `threads` 0 leaves their number to onnxruntime; `options` are the provider's.

    Raises ConfigurationError where the device is not there: onnxruntime itself only warns and computes
    on the CPU (onnxruntime#23372).
    """
    settings = onnxruntime.SessionOptions()
    settings.intra_op_num_threads = threads
    settings.log_severity_level = LOG_ERRORS_ONLY
    if device == "cuda":
        require_cuda()
        settings.add_session_config_entry("session.disable_cpu_ep_fallback", "1")
    # Threads that wait by spinning take the core from those that read and measure.
    settings.add_session_config_entry("session.intra_op.allow_spinning", "0")
    try:
        session = onnxruntime.InferenceSession(
            model if isinstance(model, bytes) else str(model),
            settings,
            providers=[PROVIDERS[device]],
            provider_options=[dict(options)],
        )
    except Exception as error:
        raise ConfigurationError(f"{name or str(model)} does not open on {device}: {error}") from error
    if session.get_providers()[0] != PROVIDERS[device]:
        raise ConfigurationError(f"device {device} was asked for, but onnxruntime opened {session.get_providers()[0]}.")
    return session
