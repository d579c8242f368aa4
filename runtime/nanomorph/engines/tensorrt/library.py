"""The tensorrt module, or one sentence on why there is none."""

from __future__ import annotations

from typing import Any

from nanomorph.errors import ConfigurationError


def load() -> Any:
    """Import tensorrt. Raises ConfigurationError where it, or the library beneath it, is missing."""
    try:
        import tensorrt
    except ImportError as error:
        raise ConfigurationError(
            f'device tensorrt: TensorRT is not installed ({error}): pip install "nanomorph[tensorrt]" on a machine '
            "with an NVIDIA GPU, or use --device cuda or cpu."
        ) from error
    except (OSError, RuntimeError) as error:
        raise ConfigurationError(
            f"device tensorrt: TensorRT does not load ({error}); use --device cuda or cpu."
        ) from error
    return tensorrt


def logger_of(trt: Any) -> Any:
    """Warnings and errors of TensorRT, to standard error."""
    return trt.Logger(trt.Logger.WARNING)
