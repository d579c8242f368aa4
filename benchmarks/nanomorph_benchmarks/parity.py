"""Does every precision of a bundle say what the network in torch says? On real micrographs that calibrated nothing.

    python -m nanomorph_benchmarks.parity --data ../shared/data --try-int8 --out benchmarks/results/parity.json

Micrographs: those of held-out articles (never used to calibrate), the wires and fibres of other materials among them,
and the four exemplars of the reference paper. Figures are those of the gates of export. With --try-int8 a bundle that
ships no int8 gets a row for one made on the spot (`tried_int8`).
"""

import tempfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from nanomorph.bundle import Bundle, load_bundle
from nanomorph.cli.options import option
from nanomorph.engine import Engine
from nanomorph.inference.gates import Case, cases, gates, largest_difference
from nanomorph.machine import machine
from nanomorph.micrograph import Micrograph
from nanomorph.model import Model
from nanomorph.readers import read_path
from nanomorph_benchmarks.cases import named
from nanomorph_benchmarks.options import LISTS, main
from nanomorph_benchmarks.options import Options as RealOptions
from nanomorph_benchmarks.other_engines import in_both
from nanomorph_benchmarks.reference_network import torch_engine
from nanomorph_benchmarks.tried_int8 import TriedInt8, files_of, make
from nanomorph_training.data import collect, is_held_out


@dataclass(frozen=True, kw_only=True)
class Options(RealOptions):
    try_int8: bool = option("make an int8 file where the bundle ships none, and judge it too", default=False)


def held_out_micrographs(data: Path) -> list[Micrograph]:
    """Of held-out articles, and the exemplars."""
    listed = collect([data / name for name in (*LISTS, "nanowires/other.csv")])
    samples = [sample for sample in listed if is_held_out(sample.group)]
    exemplars = sorted((data / "nanowires" / "exemplars").iterdir())
    return [read_path(path) for path in [*(sample.path for sample in samples), *exemplars]]


def evaluate(options: Options) -> dict[str, Any]:
    """By precision: the gates against torch, and the largest difference of any output value."""
    bundle = load_bundle(options.bundle)
    model = Model(bundle, device="cpu", precision="fp32")
    references = list(cases(model, torch_engine(bundle.backbones["fp32"]), held_out_micrographs(options.data)))
    with tempfile.TemporaryDirectory(prefix="nanomorph-parity-") as folder:
        wanted = options.try_int8 and "int8" not in bundle.backbones
        tried = make(bundle, options.data, Path(folder)) if wanted else None
        rows = {name: compare(model, engine, references) for name, engine in engines(bundle, tried)}
    return {
        "bundle": named(bundle),
        "made": machine(),
        "micrographs": len(references),
        "precisions": rows,
        "tried": None if tried is None else str(tried),
    }


def engines(bundle: Bundle, tried: TriedInt8 | None = None) -> Iterator[tuple[str, Engine]]:
    """By the name of its row: every precision of the bundle and the file that was tried, then both in OpenVINO."""
    for kind, name, engine in in_both(bundle, files_of(bundle, tried)):
        yield f"OpenVINO, {name}" if kind == "OpenVINO" else name, engine


def compare(model: Model, engine: Engine, references: list[Case]) -> dict[str, Any]:
    """Gates of one engine; the largest difference is no gate, only shown."""
    largest = max(
        largest_difference(engine.run(case.frame.pixels[None, None]), case.outputs) for case in references[:16]
    )
    found = [asdict(gate) for gate in gates(model, engine, references)]
    return {"provider": engine.provider, "gates": found, "largest_difference_of_16": largest}


def as_markdown(result: dict[str, Any]) -> str:
    """The table for people."""
    names = list(dict.fromkeys(gate["name"] for row in result["precisions"].values() for gate in row["gates"]))
    lines = [f"Against the network in torch (fp32), {result['micrographs']} real micrographs:", ""]
    lines += [f"| | provider | {' | '.join(names)} | largest difference |", "|---" * (len(names) + 3) + "|"]
    for precision, row in result["precisions"].items():
        values = {gate["name"]: f"{gate['value']:.4g}" for gate in row["gates"]}
        cells = " | ".join(values.get(name, "") for name in names)
        lines.append(f"| {precision} | {row['provider']} | {cells} | {row['largest_difference_of_16']:.2g} |")
    return "\n".join([*lines, "", result["tried"]] if result.get("tried") else lines)


if __name__ == "__main__":
    raise SystemExit(main(Options, __doc__, evaluate, as_markdown))
