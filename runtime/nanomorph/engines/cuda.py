"""ONNX Runtime on CUDA: bound input and output, pinned host buffers, optionally one CUDA graph a shape."""

from __future__ import annotations

import io
import logging
import threading
from collections import OrderedDict
from contextlib import redirect_stdout
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnxruntime

from nanomorph.bundle import Bundle
from nanomorph.engine import GPU_BATCH_PIXELS, Engine
from nanomorph.engines.memory import DeviceMemory
from nanomorph.engines.onnx_runtime import check_backbone
from nanomorph.engines.proof import prove, rehearsed, require
from nanomorph.engines.two_graphs import open_graphs
from nanomorph.session import open_session

logger = logging.getLogger(__name__)

# Buffers are kept for so many shapes of batches; frames of one instrument have few.
SHAPES = 8
# kCudaGraphAnnotationSkip of onnxruntime: such a run is neither captured nor replayed.
NO_GRAPH = -1


def open_proven(bundle: Bundle, precision: str, graphs: bool = False) -> Engine:
    """The bundle's graphs on CUDA, held against its fp32 graph on the CPU before they are used.

    fp32 on one frame: a hundredth of a second, in which a device that cannot compute shows. fp16 has to pass the gates
    on the bundle's own proof, which takes seconds: export rounded it in torch, not on this GPU.
    Raises ConfigurationError without CUDA, FatalError where it does not run or a gate fails.
    """
    engine = open_graphs(bundle, precision, lambda file, its: CudaEngine(file, its, graphs))
    require(bundle, engine, rehearsed if precision == "fp32" else prove, "GPU")
    return engine


@dataclass(frozen=True, eq=False)
class _Bound:
    """Everything that one shape of batch needs: a batch costs two copies and a run."""

    binding: onnxruntime.IOBinding
    options: onnxruntime.RunOptions
    host_input: np.ndarray
    device_input: onnxruntime.OrtValue
    host_outputs: dict[str, np.ndarray]
    device_outputs: dict[str, onnxruntime.OrtValue]


class CudaEngine:
    """A backbone in one session on CUDA. `graphs`: capture a CUDA graph for every shape of batch."""

    provider = "CUDA"
    batch_pixels = GPU_BATCH_PIXELS

    def __init__(
        self,
        model: Path,
        precision: str,
        graphs: bool = False,
        memory: DeviceMemory | None = None,
        device: str = "cuda",
    ) -> None:
        self._memory = memory or DeviceMemory()
        self._device, self._graphs, self.precision = device, graphs, precision
        _load_libraries()
        self._session = open_session(model, device, options=settings(precision, graphs))
        self.dim = check_backbone(self._session, model)
        self._outputs = [output.name for output in self._session.get_outputs()]
        self._bound: OrderedDict[tuple[int, ...], _Bound] = OrderedDict()
        # The number of a captured graph, by shape: of the first shapes, whose buffers then stay.
        self._captured: dict[tuple[int, ...], int] = {}
        # Its buffers serve one batch at a time; what comes before and after runs in other threads meanwhile.
        self._busy = threading.Lock()

    def run(self, batch: np.ndarray) -> dict[str, np.ndarray]:
        with self._busy:
            return self._run(batch)

    def close(self) -> None:
        """As every engine."""
        with self._busy:
            while self._bound:
                self._release(self._bound.popitem()[1])

    def _run(self, batch: np.ndarray) -> dict[str, np.ndarray]:
        bound = self._bound_to(batch.shape)
        bound.host_input[...] = batch
        self._memory.upload(bound.device_input.data_ptr(), bound.host_input)
        self._memory.wait()
        self._session.run_with_iobinding(bound.binding, bound.options)
        for name, host in bound.host_outputs.items():
            self._memory.download(host, bound.device_outputs[name].data_ptr())
        self._memory.wait()
        # The buffers are written again by the next batch of this shape.
        return {name: host.copy() for name, host in bound.host_outputs.items()}

    def _bound_to(self, shape: tuple[int, ...]) -> _Bound:
        if shape not in self._bound:
            passing = [known for known in self._bound if known not in self._captured]
            if len(passing) == SHAPES:
                self._release(self._bound.pop(passing[0]))
            self._bound[shape] = self._bind(shape)
        self._bound.move_to_end(shape)
        return self._bound[shape]

    def _bind(self, shape: tuple[int, ...]) -> _Bound:
        n, _, height, width = shape
        sizes = {name: (n, self.dim) if name == "embedding" else (n, 1, height, width) for name in self._outputs}
        host_input, device_input = self._buffers(shape, np.uint8)
        outputs = {name: self._buffers(size, np.float32) for name, size in sizes.items()}
        binding = self._session.io_binding()
        binding.bind_ortvalue_input("image", device_input)
        for name, (_, device) in outputs.items():
            binding.bind_ortvalue_output(name, device)
        hosts, devices = ({name: pair[side] for name, pair in outputs.items()} for side in (0, 1))
        return _Bound(binding, self._run_options(shape), host_input, device_input, hosts, devices)

    def _buffers(self, shape: tuple[int, ...], dtype: type) -> tuple[np.ndarray, onnxruntime.OrtValue]:
        device = onnxruntime.OrtValue.ortvalue_from_shape_and_type(shape, dtype, self._device, 0)
        return self._memory.pinned(shape, dtype), device

    def _run_options(self, shape: tuple[int, ...]) -> onnxruntime.RunOptions:
        """A graph belongs to the buffers that it was captured with, and onnxruntime lets go of none.

        So the first shapes have one each, and keep it with their buffers; later ones run without.
        """
        options = onnxruntime.RunOptions()
        if self._graphs:
            if len(self._captured) < SHAPES:
                self._captured[shape] = len(self._captured) + 1
            options.add_run_config_entry("gpu_graph_id", str(self._captured.get(shape, NO_GRAPH)))
        return options

    def _release(self, bound: _Bound) -> None:
        for host in (bound.host_input, *bound.host_outputs.values()):
            self._memory.free(host=host)


def settings(precision: str, graphs: bool) -> dict[str, str]:
    """Options of the provider. By itself it takes TF32 on newer GPUs: products of 10 bits, not fp32's numbers."""
    tf32 = {"use_tf32": "0"} if precision == "fp32" else {}
    return tf32 | ({"enable_cuda_graph": "1"} if graphs else {})


def _load_libraries() -> None:
    """CUDA and cuDNN from NVIDIA's wheels (extra `gpu`), which onnxruntime does not look for by itself.

    What it prints of those that it does not find is kept for the log: they may be on the system's path.
    """
    if not hasattr(onnxruntime, "preload_dlls"):
        return
    with redirect_stdout(io.StringIO()) as said:
        onnxruntime.preload_dlls(directory="")
    if said.getvalue():
        logger.debug("onnxruntime.preload_dlls: %s", said.getvalue().strip())
