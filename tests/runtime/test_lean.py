"""The runtime stays lean: no torch, no onnx, no other package of ours, and a quick `--help`."""

import ast
import json
import subprocess
import sys
from pathlib import Path

import pytest

import nanomorph
from micrograph_files import rod_image, tiff
from nanomorph.bench.frames import write_frames

RUNTIME = Path(nanomorph.__file__).parent
FORBIDDEN = {"torch", "torchvision", "onnx", "nanomorph_training", "nanomorph_export", "nanomorph_benchmarks"}
HEAVY = {
    "torch",
    "torchvision",
    "onnx",
    "sklearn",
    "numpy",
    "pandas",
    "cv2",
    "onnxruntime",
    "openvino",
    "matplotlib",
    "scipy",
    "skimage",
    "rich",
    "tifffile",
}


def imported(file: Path) -> set[str]:
    """Top-level names that a module imports anywhere, also inside functions."""
    names = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module.partition(".")[0])
    return names


@pytest.mark.parametrize("file", sorted(RUNTIME.rglob("*.py")), ids=lambda path: path.relative_to(RUNTIME).as_posix())
def test_no_module_of_the_runtime_imports_what_it_must_not(file):
    assert not imported(file) & FORBIDDEN


def loaded_by(code: str) -> set[str]:
    """Top-level modules loaded after running `code` in a fresh interpreter."""
    probe = f"{code}\nimport sys, json\nprint(json.dumps(sorted({{m.partition('.')[0] for m in sys.modules}})))"
    done = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True)
    return set(json.loads(done.stdout.splitlines()[-1]))


def test_help_loads_nothing_heavy():
    code = "from nanomorph.cli.main import main; assert main(['--help']) == 0"
    assert not loaded_by(code) & HEAVY


def test_import_loads_nothing_heavy():
    assert not loaded_by("import nanomorph") & (HEAVY | FORBIDDEN)


def test_inspecting_a_micrograph_loads_its_reader_and_no_engine(tmp_path):
    write_frames(tmp_path, 96, 1)
    code = f"from nanomorph.cli.main import main; assert main(['inspect', {str(tmp_path / '96-00000.tif')!r}]) == 0"
    assert loaded_by(code) & HEAVY == {"numpy", "cv2", "tifffile"}


def test_a_run_loads_what_its_frames_need(tiny_bundle, tmp_path):
    """Tables need no pandas; Matplotlib is for charts, skimage for particles that touch, rich for terminals."""
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "rod.tif").write_bytes(tiff(rod_image(0)))  # one domain: no distribution, no chart
    words = ["batch", str(tmp_path / "in"), "--out", str(tmp_path / "out"), "--bundle", str(tiny_bundle)]
    loaded = loaded_by(f"from nanomorph.cli.main import main; assert main({words!r}) == 0")
    assert "onnxruntime" in loaded
    assert not loaded & {"pandas", "matplotlib", "skimage", "rich", "openvino", "rapidocr", *FORBIDDEN}


def test_analysing_loads_neither_torch_nor_onnx(tiny_bundle):
    code = (
        "import numpy as np, nanomorph\n"
        f"nanomorph.analyze(np.eye(64, dtype=np.uint8), nanomorph.load_bundle({str(tiny_bundle)!r}))"
    )
    assert not loaded_by(code) & FORBIDDEN
