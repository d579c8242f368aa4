"""The one place that chooses between engines. Above all of them: none of them imports it."""

from __future__ import annotations

import logging

from nanomorph.bundle import Bundle
from nanomorph.devices import DEVICES
from nanomorph.engine import ON_CPU, ON_GPU, Engine, choose_precision
from nanomorph.errors import ConfigurationError, FatalError

logger = logging.getLogger(__name__)


def open_engine(
    bundle: Bundle, device: str = "auto", precision: str = "auto", threads: int = 0, cuda_graphs: bool = False
) -> Engine:
    """Open the bundle's backbone on a device.

    `auto` takes CUDA where it works (tried, see `cuda.open_proven`), else the CPU; fp32, and on a GPU fp16 where the
    bundle has it. What it could not have is said in the log. Raises ConfigurationError where the device or precision
    asked for is not to be had, FatalError where what is there does not compute what it should.
    """
    if device not in DEVICES:
        raise ConfigurationError(f"device {device} is not known; there are: {', '.join(DEVICES)}.")
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
    from nanomorph.engines.onnx_runtime import open_on_cpu

    return open_on_cpu(bundle, choose_precision(bundle, precision, ON_CPU), threads)


def _openvino(bundle: Bundle, precision: str, threads: int) -> Engine:
    from nanomorph.engines.openvino import open_proven

    return open_proven(bundle, choose_precision(bundle, precision, ON_CPU), threads)


def _cuda(bundle: Bundle, precision: str, graphs: bool) -> Engine:
    from nanomorph.engines.cuda import open_proven
    from nanomorph.session import require_cuda

    require_cuda()
    return open_proven(bundle, choose_precision(bundle, precision, ON_GPU), graphs)


def _tensorrt(bundle: Bundle, precision: str) -> Engine:
    from nanomorph.engines.tensorrt import open_proven

    if bundle.embedder is not None:
        raise ConfigurationError(
            f"bundle {bundle.name} has a second graph for the embedding, and TensorRT engines are made of one: "
            "use --device cuda, or fit the heads on the segmenter's run and export again."
        )
    return open_proven(bundle, choose_precision(bundle, precision, ON_GPU))


def _cuda_is_built_in() -> bool:
    from nanomorph.session import cuda_is_built_in

    return cuda_is_built_in()
