"""The interface every engine has, and the one place that chooses between them."""

from __future__ import annotations

import logging
from typing import Protocol

import numpy as np

from nanomorph.bundle import Bundle
from nanomorph.errors import ConfigurationError, FatalError

logger = logging.getLogger(__name__)

DEVICES = ("auto", "cpu", "openvino", "cuda", "tensorrt")
PRECISIONS = ("auto", "fp32", "fp16", "int8")
# Fastest first. An int8 file is made for CPUs; CPUs compute fp16 files in fp32, slower than the fp32 file.
ON_CPU, ON_GPU = ("int8", "fp32"), ("fp16", "fp32")
# A core gains nothing by a batch: frames one by one need less memory, and any number of cores shares them evenly.
CPU_BATCH_PIXELS = 1
# Two frames of 1024 x 1024: little enough to keep memory flat.
GPU_BATCH_PIXELS = 2 * 1024 * 1024
# Providers that compute on the cores that read and measure, too.
ON_CORES = ("CPU", "OpenVINO")


class Engine(Protocol):
    """A backbone ready to run.

    dim: length of its embedding. batch_pixels: model pixels of a batch that feeds it well; one frame is always taken.
    """

    provider: str
    precision: str
    dim: int
    batch_pixels: int

    def run(self, batch: np.ndarray) -> dict[str, np.ndarray]:
        """uint8 (N, 1, H, W), H and W multiples of 32 -> outputs by name, each float32 (N, ...).

        Any number of threads may call at once; a frame's result is the same in any batch.
        """
        ...


def open_engine(
    bundle: Bundle, device: str = "auto", precision: str = "auto", threads: int = 0, cuda_graphs: bool = False
) -> Engine:
    """Open the bundle's backbone on a device.

    `auto` takes CUDA where it works, else the CPU, and the fastest precision of the bundle for it; what it could not
    have is said in the log. Raises ConfigurationError where the device or precision asked for is not to be had.
    """
    if device == "tensorrt":
        return _tensorrt(bundle, precision)
    if device == "openvino":
        return _openvino(bundle, precision, threads)
    if device == "cuda":
        return _cuda(bundle, precision, cuda_graphs)
    if device == "auto" and _cuda_is_built_in():
        try:
            return _cuda(bundle, precision, cuda_graphs)
        except (ConfigurationError, FatalError) as error:
            logger.warning("CUDA is installed and does not work, the CPU computes instead: %s", error)
    return _cpu(bundle, precision, threads)


def _cpu(bundle: Bundle, precision: str, threads: int) -> Engine:
    from nanomorph.engines.onnx_runtime import OnnxRuntimeEngine
    from nanomorph.engines.two_graphs import open_graphs

    chosen = choose_precision(bundle, precision, ON_CPU)
    return open_graphs(bundle, chosen, lambda file, its: OnnxRuntimeEngine(file, its, threads))


def _openvino(bundle: Bundle, precision: str, threads: int) -> Engine:
    from nanomorph.engines.openvino import open_proven

    return open_proven(bundle, choose_precision(bundle, precision, ON_CPU), threads)


def _cuda(bundle: Bundle, precision: str, graphs: bool) -> Engine:
    from nanomorph.engines.cuda import CudaEngine
    from nanomorph.engines.onnx_runtime import require_cuda
    from nanomorph.engines.two_graphs import open_graphs

    require_cuda()
    chosen = choose_precision(bundle, precision, ON_GPU)
    return open_graphs(bundle, chosen, lambda file, its: CudaEngine(file, its, graphs))


def _tensorrt(bundle: Bundle, precision: str) -> Engine:
    from nanomorph.engines.tensorrt import open_proven

    if bundle.embedder is not None:
        raise ConfigurationError(
            f"bundle {bundle.name} has a second graph for the embedding, and TensorRT engines are made of one: "
            "use --device cuda, or fit the heads on the segmenter's run and export again."
        )
    return open_proven(bundle, choose_precision(bundle, precision, ON_GPU))


def _cuda_is_built_in() -> bool:
    from nanomorph.engines.onnx_runtime import cuda_is_built_in

    return cuda_is_built_in()


def choose_precision(bundle: Bundle, asked: str, preferred: tuple[str, ...]) -> str:
    """The precision asked for, or the first that the bundle has. Raises ConfigurationError."""
    available = bundle.backbones
    if asked != "auto":
        if asked not in available:
            raise ConfigurationError(f"bundle {bundle.name} has no {asked} backbone; it has: {', '.join(available)}.")
        return asked
    return next(precision for precision in preferred if precision in available)
