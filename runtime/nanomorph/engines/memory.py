"""Pinned host memory, device memory, one stream and its graphs, through NVIDIA's own Python bindings.

Nothing here could be run where it was written (no GPU): the names are checked against the installed bindings
(tests/runtime/engines/test_gpu_names.py), the callers against a stand-in that keeps the same books in host memory.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np

from nanomorph.errors import ConfigurationError, FatalError


@dataclass(frozen=True, eq=False)
class Recorded:
    """A CUDA graph. launch: queue it all at once. destroy: give back what it holds."""

    launch: Callable[[], None]
    destroy: Callable[[], None]


class DeviceMemory:
    """One device's memory and the stream that copies to and from it. Raises ConfigurationError without a GPU."""

    def __init__(self) -> None:
        try:
            from cuda.bindings import runtime
        except ImportError as error:
            raise ConfigurationError(
                'a GPU needs cuda-bindings: pip install "nanomorph[gpu]" or "nanomorph[tensorrt]"'
            ) from error
        self._cuda = runtime
        try:
            # The first call: here a missing driver or device shows.
            self.stream = int(self._done(runtime.cudaStreamCreateWithFlags(runtime.cudaStreamNonBlocking)))
        except FatalError as error:
            raise ConfigurationError(f"there is no GPU that works ({error}); use --device cpu.") from error

    def device_name(self) -> str:
        """Name and compute capability, as in `NVIDIA L4, 8.9`."""
        properties = self._done(self._cuda.cudaGetDeviceProperties(0))
        return f"{properties.name.decode()}, {properties.major}.{properties.minor}"

    def taken(self) -> int:
        """Bytes of the device's memory that are not free."""
        error, free, total = self._cuda.cudaMemGetInfo()
        self._done((error,))
        return int(total) - int(free)

    def pinned(self, shape: tuple[int, ...], dtype: Any) -> np.ndarray:
        """A host array that the device reads and writes without a copy in between. Lives until `free`."""
        size = prod(shape) * np.dtype(dtype).itemsize
        address = int(self._done(self._cuda.cudaMallocHost(size)))
        return np.frombuffer((ctypes.c_uint8 * size).from_address(address), dtype).reshape(shape)

    def allocate(self, size: int) -> int:
        """Address of `size` bytes on the device."""
        return int(self._done(self._cuda.cudaMalloc(size)))

    def free(self, host: np.ndarray | None = None, device: int | None = None) -> None:
        """Give back what `pinned` or `allocate` gave."""
        if host is not None:
            self._done(self._cuda.cudaFreeHost(host.ctypes.data))
        if device is not None:
            self._done(self._cuda.cudaFree(device))

    def upload(self, device: int, host: np.ndarray) -> None:
        """Queue a copy of a pinned array to the device."""
        kind = self._cuda.cudaMemcpyKind.cudaMemcpyHostToDevice
        self._done(self._cuda.cudaMemcpyAsync(device, host.ctypes.data, host.nbytes, kind, self.stream))

    def download(self, host: np.ndarray, device: int) -> None:
        """Queue a copy from the device into a pinned array."""
        kind = self._cuda.cudaMemcpyKind.cudaMemcpyDeviceToHost
        self._done(self._cuda.cudaMemcpyAsync(host.ctypes.data, device, host.nbytes, kind, self.stream))

    def wait(self) -> None:
        """Until everything queued is done."""
        self._done(self._cuda.cudaStreamSynchronize(self.stream))

    def record(self, work: Callable[[], None]) -> Recorded:
        """A CUDA graph of what `work` queues."""
        mode = self._cuda.cudaStreamCaptureMode.cudaStreamCaptureModeThreadLocal
        self._done(self._cuda.cudaStreamBeginCapture(self.stream, mode))
        work()
        graph = self._done(self._cuda.cudaStreamEndCapture(self.stream))
        executable = self._done(self._cuda.cudaGraphInstantiate(graph, 0))
        self._done(self._cuda.cudaGraphDestroy(graph))
        return Recorded(
            lambda: self._done(self._cuda.cudaGraphLaunch(executable, self.stream)),
            lambda: self._done(self._cuda.cudaGraphExecDestroy(executable)),
        )

    def _done(self, answer: tuple[Any, ...]) -> Any:
        """The value of a call's (error, value); raises FatalError where the device failed."""
        error, *values = answer
        if int(error) != 0:
            raise FatalError(f"the GPU failed: {getattr(error, 'name', error)}")
        return values[0] if values else None
