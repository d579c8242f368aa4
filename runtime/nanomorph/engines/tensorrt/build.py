"""An ONNX backbone compiled by TensorRT for this GPU."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nanomorph.atomic import atomic_open
from nanomorph.engines.tensorrt.library import load, logger_of
from nanomorph.errors import FatalError
from nanomorph.prepare import InputSpec

MIB = 1024 * 1024
SMALLEST = 32


@dataclass(frozen=True)
class Profile:
    """Shapes (N, 1, H, W) that an engine takes: from smallest to largest, fastest at `typical`."""

    smallest: tuple[int, int, int, int]
    typical: tuple[int, int, int, int]
    largest: tuple[int, int, int, int]


def profile_of(spec: InputSpec, batch: int) -> Profile:
    """What `prepare` can make of a micrograph under this input contract, up to `batch` at a time."""
    side = spec.max_side
    return Profile((1, 1, SMALLEST, SMALLEST), (min(batch, 4), 1, side, side), (batch, 1, side, side))


def build(graph: bytes, name: str, profile: Profile, timing_cache: Path, workspace_mib: int) -> bytes:
    """A serialised engine of an ONNX file's bytes, called `name`; the timing cache is read and written.

    Raises FatalError with TensorRT's own words. Networks are strongly typed: the precision is the one in the file.
    (TensorRT 10 needs the flag, 11 ignores it; its flags for FP16 and INT8 are gone in 11 and are not used.)
    """
    trt = load()
    logger = logger_of(trt)
    builder = trt.Builder(logger)
    flags = 1 << int(trt.NetworkDefinitionCreationFlag.STRONGLY_TYPED)
    network = builder.create_network(flags)
    parser = trt.OnnxParser(network, logger)
    if not parser.parse(graph):
        errors = "; ".join(parser.get_error(n).desc() for n in range(parser.num_errors))
        raise FatalError(f"TensorRT {trt.__version__} cannot read {name}: {errors}")
    config = _configure(trt, builder, profile, timing_cache, workspace_mib)
    engine = builder.build_serialized_network(network, config)
    if engine is None:
        raise FatalError(f"TensorRT {trt.__version__} built no engine of {name}: its messages above say why")
    with atomic_open(timing_cache) as stream:
        stream.write(bytes(config.get_timing_cache().serialize()))
    return bytes(engine)


def _configure(trt: Any, builder: Any, profile: Profile, timing_cache: Path, workspace_mib: int) -> Any:
    config = builder.create_builder_config()
    config.set_memory_pool_limit(trt.MemoryPoolType.WORKSPACE, workspace_mib * MIB)
    known = timing_cache.read_bytes() if timing_cache.is_file() else b""
    cache = config.create_timing_cache(known)
    # Times of another GPU or version do not hold here: start anew rather than believe them.
    if not config.set_timing_cache(cache, ignore_mismatch=False):
        config.set_timing_cache(config.create_timing_cache(b""), ignore_mismatch=False)
    shapes = builder.create_optimization_profile()
    shapes.set_shape("image", profile.smallest, profile.typical, profile.largest)
    config.add_optimization_profile(shapes)
    return config
