"""Running an engine: pinned buffers, one execution context and one CUDA graph for every shape of batch."""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass
from typing import Any

import numpy as np

from nanomorph.engine import GPU_BATCH_PIXELS
from nanomorph.engines.memory import DeviceMemory, Recorded
from nanomorph.engines.tensorrt.build import Profile
from nanomorph.engines.tensorrt.library import load, logger_of
from nanomorph.errors import FatalError

# Buffers and graphs are kept for so many shapes of batches; frames of one instrument have few.
SHAPES = 8


@dataclass(frozen=True, eq=False)
class _Prepared:
    """One shape of batch: host arrays, device addresses, and a graph that queues copies and network at once."""

    context: Any
    host: dict[str, np.ndarray]
    device: dict[str, int]
    graph: Recorded


class TensorRtEngine:
    """A deserialised engine behind the runtime's interface."""

    provider = "TensorRT"
    batch_pixels = GPU_BATCH_PIXELS

    def __init__(self, plan: bytes, precision: str, profile: Profile, memory: DeviceMemory) -> None:
        trt = load()
        self._memory, self._largest, self.precision = memory, profile.largest[0], precision
        # The runtime must outlive the engine.
        self._runtime = trt.Runtime(logger_of(trt))
        self._engine = self._runtime.deserialize_cuda_engine(plan)
        if self._engine is None:
            raise FatalError("TensorRT does not take back an engine that it built; its messages above say why")
        names = [self._engine.get_tensor_name(n) for n in range(self._engine.num_io_tensors)]
        self._outputs = [name for name in names if self._engine.get_tensor_mode(name) != trt.TensorIOMode.INPUT]
        self.dim = int(self._engine.get_tensor_shape("embedding")[1])
        self._prepared: OrderedDict[tuple[int, ...], _Prepared] = OrderedDict()
        # Its buffers serve one batch at a time; what comes before and after runs in other threads meanwhile.
        self._busy = threading.Lock()

    def run(self, batch: np.ndarray) -> dict[str, np.ndarray]:
        """As every engine; more frames than the profile allows are run in turns."""
        with self._busy:
            parts = [self._run(batch[n : n + self._largest]) for n in range(0, len(batch), self._largest)]
        return {name: np.concatenate([part[name] for part in parts]) for name in self._outputs}

    def close(self) -> None:
        """As every engine."""
        with self._busy:
            while self._prepared:
                self._release(self._prepared.popitem()[1])

    def _run(self, batch: np.ndarray) -> dict[str, np.ndarray]:
        if batch.shape not in self._prepared:
            if len(self._prepared) == SHAPES:
                self._release(self._prepared.popitem(last=False)[1])
            self._prepared[batch.shape] = self._prepare(batch.shape)
        self._prepared.move_to_end(batch.shape)
        prepared = self._prepared[batch.shape]
        prepared.host["image"][...] = batch
        prepared.graph.launch()
        self._memory.wait()
        return {name: prepared.host[name].copy() for name in self._outputs}

    def _prepare(self, shape: tuple[int, ...]) -> _Prepared:
        context = self._engine.create_execution_context()
        if not context.set_input_shape("image", shape):
            raise FatalError(
                f"the TensorRT engine does not take frames of shape {shape}: run `nanomorph build-engines`"
            )
        host = {"image": self._memory.pinned(shape, np.uint8)}
        for name in self._outputs:
            host[name] = self._memory.pinned(tuple(context.get_tensor_shape(name)), np.float32)
        device = {name: self._memory.allocate(array.nbytes) for name, array in host.items()}
        for name, address in device.items():
            context.set_tensor_address(name, address)

        def enqueue() -> None:
            self._memory.upload(device["image"], host["image"])
            if not context.execute_async_v3(self._memory.stream):
                raise FatalError("TensorRT could not run the engine; its messages above say why")
            for name in self._outputs:
                self._memory.download(host[name], device[name])

        # The first run of a shape allocates, which no capture allows.
        enqueue()
        self._memory.wait()
        return _Prepared(context, host, device, self._memory.record(enqueue))

    def _release(self, prepared: _Prepared) -> None:
        prepared.graph.destroy()
        for array in prepared.host.values():
            self._memory.free(host=array)
        for address in prepared.device.values():
            self._memory.free(device=address)
