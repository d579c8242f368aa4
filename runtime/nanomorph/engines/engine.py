"""The interface every engine has, and the one place that chooses between them."""

from __future__ import annotations

from typing import Protocol

import numpy as np

from nanomorph.bundle import Bundle
from nanomorph.errors import ConfigurationError

DEVICES = ("auto", "cpu", "cuda", "tensorrt")
PRECISIONS = ("auto", "fp32", "fp16", "int8")


class Engine(Protocol):
    """A backbone ready to run."""

    provider: str
    precision: str

    def run(self, batch: np.ndarray) -> dict[str, np.ndarray]:
        """uint8 (N, 1, H, W), H and W multiples of 32 -> outputs by name, each float32 (N, ...)."""
        ...


def open_engine(bundle: Bundle, device: str = "auto", precision: str = "auto", threads: int = 0) -> Engine:
    """Open the bundle's backbone on a device.

    `auto` takes CUDA where it works, else the CPU, and the fastest precision of the bundle for it.
    Raises ConfigurationError where the device or precision asked for is not to be had.
    """
    from nanomorph.engines.onnx_runtime import OnnxRuntimeEngine, cuda_works

    if device == "tensorrt":
        raise ConfigurationError("TensorRT engines are not supported by this version: use --device cuda or cpu.")
    use_cuda = device == "cuda" or (device == "auto" and cuda_works())
    chosen = _choose_precision(bundle, precision, ("fp16", "fp32") if use_cuda else ("int8", "fp32"))
    return OnnxRuntimeEngine(bundle.backbones[chosen], "cuda" if use_cuda else "cpu", chosen, threads)


def _choose_precision(bundle: Bundle, asked: str, preferred: tuple[str, ...]) -> str:
    available = bundle.backbones
    if asked != "auto":
        if asked not in available:
            raise ConfigurationError(f"bundle {bundle.name} has no {asked} backbone; it has: {', '.join(available)}.")
        return asked
    return next(precision for precision in preferred if precision in available)
