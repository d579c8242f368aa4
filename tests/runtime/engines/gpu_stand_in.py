"""A GPU's memory, its stream and TensorRT, kept in host memory: the order of things can be tested without one.

Copies and runs are queued and happen at `wait`, as on a device: who reads a result too early reads rubbish. An "engine"
is the ONNX file itself, run by onnxruntime on the addresses it was given.
"""

# ruff: noqa: ARG002 (it takes every argument that the real thing takes)

import ctypes
from types import SimpleNamespace

import numpy as np
import onnxruntime

from nanomorph.engines.memory import Recorded


class HostMemory:
    """As `nanomorph.engines.memory.DeviceMemory`."""

    stream = 7

    def __init__(self, name="Stand-in, 9.9"):
        self.name, self.held, self.pinned_arrays, self.waits = name, {}, [], 0
        self.graphs = 0
        self.queue = STREAMS[self.stream] = []

    def device_name(self):
        return self.name

    def pinned(self, shape, dtype):
        array = np.full(shape, 77, dtype)
        self.pinned_arrays.append(array)
        return array

    def allocate(self, size):
        buffer = (ctypes.c_uint8 * size)()
        self.held[ctypes.addressof(buffer)] = buffer
        return ctypes.addressof(buffer)

    def free(self, host=None, device=None):
        if host is not None:
            self.pinned_arrays = [array for array in self.pinned_arrays if array is not host]
        if device is not None:
            del self.held[device]

    def upload(self, device, host):
        self.queue.append(lambda: ctypes.memmove(device, host.ctypes.data, host.nbytes))

    def download(self, host, device):
        self.queue.append(lambda: ctypes.memmove(host.ctypes.data, device, host.nbytes))

    def wait(self):
        self.waits += 1
        while self.queue:
            self.queue.pop(0)()

    def record(self, work):
        assert not self.queue, "a capture may not begin before the warm run is over"
        work()
        steps = list(self.queue)
        self.queue.clear()
        self.graphs += 1
        return Recorded(lambda: self.queue.extend(steps), self._destroy)

    def _destroy(self):
        self.graphs -= 1


STREAMS = {}
TIMES = b"times"


def tensorrt(version="11.4.0", wrong_by=0.0, refuses=False):
    """A module with what ours uses of tensorrt; `wrong_by` is added to every output, `refuses` parses nothing."""
    calls = []

    class Builder:
        def __init__(self, logger):
            pass

        def create_network(self, flags):
            calls.append(("flags", flags))
            return SimpleNamespace(onnx=None)

        def create_builder_config(self):
            return Config()

        def create_optimization_profile(self):
            return SimpleNamespace(set_shape=lambda *shapes: calls.append(("profile", shapes)))

        def build_serialized_network(self, network, config):
            calls.append(("build", len(network.onnx)))
            return network.onnx

    class Config:
        def set_memory_pool_limit(self, pool, size):
            calls.append((pool, size))

        def create_timing_cache(self, data):
            return data

        def set_timing_cache(self, cache, ignore_mismatch):
            assert not ignore_mismatch
            calls.append(("cache", cache))
            return cache in (b"", TIMES)

        def get_timing_cache(self):
            return SimpleNamespace(serialize=lambda: TIMES)

        def add_optimization_profile(self, profile):
            calls.append(("profile added",))

    class OnnxParser:
        num_errors = 1

        def __init__(self, network, logger):
            self.network = network

        def parse(self, data):
            self.network.onnx = data
            return not refuses

        def get_error(self, n):
            return SimpleNamespace(desc=lambda: "no such operator")

    class Runtime:
        def __init__(self, logger):
            pass

        def deserialize_cuda_engine(self, plan):
            return Engine(plan)

    class Engine:
        def __init__(self, plan):
            self.session = onnxruntime.InferenceSession(plan, providers=["CPUExecutionProvider"])
            self.names = ["image", *(value.name for value in self.session.get_outputs())]
            self.num_io_tensors = len(self.names)

        def get_tensor_name(self, n):
            return self.names[n]

        def get_tensor_mode(self, name):
            return "input" if name == "image" else "output"

        def get_tensor_shape(self, name):
            return next(value.shape for value in self.session.get_outputs() if value.name == name)

        def create_execution_context(self):
            calls.append(("context",))
            return Context(self.session)

    class Context:
        def __init__(self, session):
            self.session, self.addresses = session, {}

        def set_input_shape(self, name, shape):
            self.shape = shape
            return shape[0] <= 100

        def get_tensor_shape(self, name):
            n, _, h, w = self.shape
            return (n, 2) if name == "embedding" else (n, 1, h, w)

        def set_tensor_address(self, name, address):
            self.addresses[name] = address

        def execute_async_v3(self, stream):
            STREAMS[stream].append(self.compute)
            return True

        def compute(self):
            image = at(self.addresses["image"], self.shape, np.uint8)
            for value, result in zip(self.session.get_outputs(), self.session.run(None, {"image": image}), strict=True):
                at(self.addresses[value.name], result.shape, np.float32)[...] = result + np.float32(wrong_by)

    class Logger:
        WARNING = 2

        def __init__(self, level):
            pass

    return SimpleNamespace(
        __version__=version, calls=calls, Builder=Builder, OnnxParser=OnnxParser, Runtime=Runtime, Logger=Logger,
        NetworkDefinitionCreationFlag=SimpleNamespace(STRONGLY_TYPED=1), MemoryPoolType=SimpleNamespace(WORKSPACE="ws"),
        TensorIOMode=SimpleNamespace(INPUT="input"),
    )  # fmt: skip


def at(address, shape, dtype):
    size = int(np.prod(shape)) * np.dtype(dtype).itemsize
    return np.frombuffer((ctypes.c_uint8 * size).from_address(address), dtype).reshape(shape)
