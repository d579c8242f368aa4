"""No GPU runs these tests, so every name used of TensorRT and of CUDA is held against the published bindings."""

import ast
from importlib.util import find_spec
from pathlib import Path

import pytest

import nanomorph

ENGINES = Path(nanomorph.__file__).parent / "engines"
LISTS = sorted(Path(__file__).with_name("tensorrt_names").glob("tensorrt-*.txt"))
# What our modules call TensorRT's objects (a leading self._ left out).
OBJECTS = {"trt", "builder", "network", "parser", "config", "cache", "shapes", "runtime", "engine", "context"}
# Gone in 11: precision comes from the file.
REMOVED_IN_11 = {
    "EXPLICIT_BATCH",
    "set_calibration_profile",
    "IInt8EntropyCalibrator2",
    "int8_calibrator",
    "build_engine",
}


def root(node):
    """What a chain of attributes and calls starts with: `trt` of trt.Logger.WARNING, `config` of self._config.x."""
    while isinstance(node, ast.Attribute | ast.Call):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "self":
            return node.attr.lstrip("_")
        node = node.value if isinstance(node, ast.Attribute) else node.func
    return node.id if isinstance(node, ast.Name) else ""


def attributes(file, roots):
    """Attributes used of objects that go by one of the names."""
    nodes = [node for node in ast.walk(ast.parse(file.read_text())) if isinstance(node, ast.Attribute)]
    own = {"self"}
    return {
        n.attr for n in nodes if root(n.value) in roots and not (isinstance(n.value, ast.Name) and n.value.id in own)
    }


def used_of_tensorrt():
    names = set().union(*(attributes(file, OBJECTS) for file in (ENGINES / "tensorrt").glob("*.py")))
    return names - {"manifest", "items", "__version__"}


def test_the_names_are_found_in_our_code():
    names = used_of_tensorrt()
    assert {
        "STRONGLY_TYPED",
        "WORKSPACE",
        "execute_async_v3",
        "set_tensor_address",
        "build_serialized_network",
    } <= names
    assert {"deserialize_cuda_engine", "set_input_shape", "create_timing_cache", "desc", "serialize"} <= names
    assert not names & REMOVED_IN_11
    assert not names & {"FP16", "INT8", "BF16"}


def test_both_major_versions_are_listed():
    assert {path.stem.split("-")[1].split(".")[0] for path in LISTS} == {"10", "11"}


@pytest.mark.parametrize("path", LISTS, ids=lambda path: path.stem)
def test_every_tensorrt_name_is_in_the_bindings(path):
    known = path.read_text().split()
    missing = {name for name in used_of_tensorrt() if not any(one.endswith(name) for one in known)}
    assert not missing


def test_every_cuda_name_is_in_the_installed_bindings():
    if find_spec("cuda") is None or find_spec("cuda.bindings") is None:
        pytest.skip("cuda-bindings is not installed")
    from cuda.bindings import runtime

    nodes = ast.walk(ast.parse((ENGINES / "memory.py").read_text()))
    chains = [ast.unparse(node) for node in nodes if isinstance(node, ast.Attribute)]
    used = {chain.split(".", 2)[2] for chain in chains if chain.startswith("self._cuda.")}
    used |= {chain.split(".", 1)[1] for chain in chains if chain.startswith("runtime.")}
    assert {"cudaMalloc", "cudaMallocHost", "cudaMemcpyAsync", "cudaGraphLaunch", "cudaStreamBeginCapture"} <= used
    for chain in used:
        thing = runtime
        for part in chain.split("."):
            thing = getattr(thing, part)
