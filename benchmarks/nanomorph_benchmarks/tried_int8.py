"""An int8 file made on the spot: what int8 would be worth where a bundle ships none.

Made as `export` makes it, from micrographs that are not held out; no gate keeps it out of a table of figures, and it
is in no bundle.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from nanomorph.bundle import Bundle
from nanomorph.model import Model
from nanomorph_benchmarks.options import LISTS

MARK = "int8 (tried, not shipped)"


@dataclass(frozen=True)
class TriedInt8:
    """file: the graph. fp32_layers: those of its `n_layers` that stayed fp32. n_ranges: micrographs it is made from."""

    file: Path
    fp32_layers: tuple[str, ...]
    n_layers: int
    n_ranges: int

    def __str__(self) -> str:
        fp32, all_ = len(self.fp32_layers), self.n_layers
        return f"{MARK}: {fp32} of {all_} layers stayed fp32, ranges from {self.n_ranges} micrographs"


def files_of(bundle: Bundle, tried: TriedInt8 | None) -> list[tuple[str, str, Path]]:
    """Name of its row, precision and file of every graph of a bundle, and of the one that was tried."""
    files = [(precision, precision, file) for precision, file in bundle.backbones.items()]
    return files if tried is None else [*files, (MARK, "int8", tried.file)]


def make(bundle: Bundle, data: Path, folder: Path) -> TriedInt8:
    """Write the int8 sibling of a bundle's fp32 graph into `folder`. Takes minutes."""
    import onnx

    from nanomorph_export.calibration import gather
    from nanomorph_export.precisions import FILES, make_int8
    from nanomorph_export.quantise import layer_names

    micrographs = gather([data / name for name in LISTS], print)
    file = folder / FILES["int8"]
    stayed = make_int8(file, Model(bundle, device="cpu", precision="fp32"), micrographs)
    n_layers = len(layer_names(onnx.load(str(bundle.backbones["fp32"]))))
    return TriedInt8(file, stayed, n_layers, len(micrographs.ranges))
