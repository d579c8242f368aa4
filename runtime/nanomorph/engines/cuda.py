"""ONNX Runtime on CUDA: bound input and output, pinned host buffers, optionally one CUDA graph a shape."""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnxruntime

from nanomorph.engines.engine import GPU_BATCH_PIXELS
from nanomorph.engines.memory import DeviceMemory
from nanomorph.engines.onnx_runtime import check_backbone, open_session

# Buffers are kept for so many shapes of batches; frames of one instrument have few.
SHAPES = 8


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
        self._session = open_session(model, device, options={"enable_cuda_graph": "1"} if graphs else {})
        self.dim = check_backbone(self._session, model)
        self._outputs = [output.name for output in self._session.get_outputs()]
        self._bound: OrderedDict[tuple[int, ...], _Bound] = OrderedDict()
        self._captured = 0
        # Its buffers serve one batch at a time; what comes before and after runs in other threads meanwhile.
        self._busy = threading.Lock()

    def run(self, batch: np.ndarray) -> dict[str, np.ndarray]:
        with self._busy:
            return self._run(batch)

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
            if len(self._bound) == SHAPES:
                self._release(self._bound.popitem(last=False)[1])
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
        return _Bound(binding, self._run_options(), host_input, device_input, hosts, devices)

    def _buffers(self, shape: tuple[int, ...], dtype: type) -> tuple[np.ndarray, onnxruntime.OrtValue]:
        device = onnxruntime.OrtValue.ortvalue_from_shape_and_type(shape, dtype, self._device, 0)
        return self._memory.pinned(shape, dtype), device

    def _run_options(self) -> onnxruntime.RunOptions:
        """A graph belongs to the buffers it was captured with, so every shape has a graph of its own."""
        options = onnxruntime.RunOptions()
        if self._graphs:
            self._captured += 1
            options.add_run_config_entry("gpu_graph_id", str(self._captured))
        return options

    def _release(self, bound: _Bound) -> None:
        for host in (bound.host_input, *bound.host_outputs.values()):
            self._memory.free(host=host)
