"""Does every precision of a bundle say what the network in torch says? On real micrographs that calibrated nothing.

    python -m nanomorph_benchmarks.parity --data ../shared/data --out benchmarks/results/parity.json

Micrographs: those of held-out articles (never used to calibrate), the wires and fibres of other materials among them,
and the four exemplars of the reference paper. Figures are those of the gates of export.
"""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

from nanomorph.bundle import load_bundle
from nanomorph.engines import open_engine
from nanomorph.gates import Case, cases, gates, largest_difference
from nanomorph.micrograph import Micrograph
from nanomorph.model import Model
from nanomorph.readers import read_path
from nanomorph_training.data import collect, is_held_out

LISTS = ("nanoparticles/nanoparticles.csv", "unlabeled/unlabeled.csv", "nanowires/other.csv")


def held_out_micrographs(data: Path) -> list[Micrograph]:
    """Of held-out articles, and the exemplars."""
    samples = [sample for sample in collect([data / name for name in LISTS]) if is_held_out(sample.group)]
    exemplars = sorted((data / "nanowires" / "exemplars").iterdir())
    return [read_path(path) for path in [*(sample.path for sample in samples), *exemplars]]


def evaluate(data: Path, folder: Path | None = None) -> dict[str, Any]:
    """By precision: the gates against torch, and the largest difference of any output value."""
    from nanomorph.machine import machine
    from nanomorph_benchmarks.reference_network import torch_engine

    bundle = load_bundle(folder)
    model = Model(bundle, device="cpu", precision="fp32")
    references = list(cases(model, torch_engine(bundle.backbones["fp32"]), held_out_micrographs(data)))
    return {
        "bundle": {"name": bundle.name, "fingerprint": bundle.fingerprint},
        "made": machine(),
        "micrographs": len(references),
        "precisions": {precision: compare(model, precision, references) for precision in bundle.backbones},
    }


def compare(model: Model, precision: str, references: list[Case]) -> dict[str, Any]:
    """Gates of one precision on the CPU; the largest difference is no gate, only shown."""
    engine = open_engine(model.bundle, "cpu", precision)
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
    return "\n".join(lines)


def main() -> int:
    """Evaluate, print, write the JSON."""
    from nanomorph_benchmarks.options import parse, save

    options = parse("parity", __doc__)
    result = evaluate(options.data, options.bundle)
    print(as_markdown(result))
    save(result, options.out)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
