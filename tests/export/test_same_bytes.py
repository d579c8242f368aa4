"""The same weights give the same bytes, whatever the order in which Python's sets come out."""

import hashlib
import os
import subprocess
import sys
from pathlib import Path

EXPORT = """
import sys
from pathlib import Path
import torch
from conftest import SmallEncoder, WIDTHS
from nanomorph_export.graphs import export_backbone, fuse
from nanomorph_training.models import Backbone, Decoder
torch.manual_seed(0)
export_backbone(fuse(Backbone(SmallEncoder(), Decoder(WIDTHS))), Path(sys.argv[1]))
"""


def test_a_backbone_exported_by_two_processes(tmp_path):
    """torch's exporter prints a set (`range_constraints`) into the graph's metadata; these two seeds turn its order."""
    files = {seed: tmp_path / f"{seed}.onnx" for seed in ("1", "3")}
    path = os.pathsep.join([str(Path(__file__).parent), *sys.path])
    started = [
        subprocess.Popen(
            [sys.executable, "-W", "ignore", "-c", EXPORT, str(file)],
            env=os.environ | {"PYTHONHASHSEED": seed, "PYTHONPATH": path, "OMP_NUM_THREADS": "1"},
        )
        for seed, file in files.items()
    ]
    assert [process.wait() for process in started] == [0, 0]
    assert len({hashlib.sha256(file.read_bytes()).hexdigest() for file in files.values()}) == 1
