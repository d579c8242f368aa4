"""Measures against exact geometry, beside scikit-image regionprops and skan on the same masks.

    python -m nanomorph_benchmarks.measures --data ../shared/data --out benchmarks/results/measures.json

Wires 4 to 40 px wide at 12 angles, straight and curved; discs, rods and polygons; crossings by angle and fields of 1 to
50 wires; networks of known mesh; each from its exact mask, and from the model's mask of a micrograph drawn from it. And
on real particles: equivalent circular diameters of the model's domains against those of the given instance masks.
"""

from __future__ import annotations

import math
import platform
import sys
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from nanomorph.bundle import load_bundle
from nanomorph.measure import measure
from nanomorph.model import Model
from nanomorph_benchmarks.measures_crossings import DEVELOPMENT, TEST, crossing_pairs, random_fields
from nanomorph_benchmarks.measures_particles import real_particles
from nanomorph_benchmarks.measures_tables import markdown
from nanomorph_benchmarks.micrographs import seen_by
from nanomorph_benchmarks.options import Options, parse, save
from nanomorph_benchmarks.rulers import RULERS, Reading
from nanomorph_benchmarks.shapes import Wire, disc, grid_chord, grid_network, polygon

# Not multiples of 45 degrees: there whole rows of pixels enter and leave the mask at once, and the mask itself
# is up to 0.7 px off the width it was drawn with.
ANGLES = (0, 7, 22.5, 30, 52, 67.5, 83, 90, 112.5, 128, 150, 173)
WIDTHS = (4, 6, 8, 12, 16, 24, 32, 40)
# The model looks at every so many of the cases: a mask costs it as much as a micrograph.
MODEL_EVERY = 5
README = Path(__file__).parents[1] / "README.md"
Mask = Callable[[np.ndarray], np.ndarray]


def wire_cases(turning: float) -> Iterable[tuple[np.ndarray, Reading]]:
    """Masks of single wires and their truth; `turning` rad from end to end."""
    for width in WIDTHS:
        for deg in ANGLES:
            length = max(160.0, 6.0 * width)
            side = int(length + 2 * width) + 40
            wire = Wire((side / 2 + 0.23, side / 2 - 0.31), length, width, deg, turning)
            truth = {"width": width, "length": length, "area": length * width, "orientation": deg}
            yield wire.inside((side, side)), truth


def particle_cases(kind: str) -> Iterable[tuple[np.ndarray, Reading]]:
    """Masks of discs, rods (4 : 1) and polygons (3 to 8 corners), and their truth."""
    for radius in (5, 8, 12, 20, 40, 80):
        if kind == "discs":
            area = math.pi * radius**2
            yield (
                disc(radius),
                {"area": area, "ecd": 2 * radius, "perimeter": 2 * math.pi * radius, "feret": 2 * radius},
            )
            continue
        for deg in ANGLES[::2]:
            if kind == "rods":
                side = 5 * radius + 20
                mask = Wire((side / 2 + 0.2, side / 2 - 0.3), 4 * radius, radius, deg).inside((side, side))
                yield mask, {"area": 4 * radius**2, "perimeter": 10 * radius, "feret": math.sqrt(17) * radius}
            elif radius >= 12:
                for corners in (3, 4, 5, 6, 8):
                    step = 2 * math.pi / corners
                    area = 0.5 * corners * radius**2 * math.sin(step)
                    around = 2 * corners * radius * math.sin(step / 2)
                    yield polygon(radius, corners, deg), {"area": area, "perimeter": around}


def compare(cases: Iterable[tuple[np.ndarray, Reading]], mask_of: Mask | None = None) -> dict[str, Any]:
    """By ruler and quantity: bias and sd of the errors, relative (of widths also in px, of orientation in degrees)."""
    errors: dict[str, dict[str, list[float]]] = {name: {} for name in RULERS}
    n = missed = 0
    for mask, truth in cases:
        n += 1
        seen = mask if mask_of is None else mask_of(mask)
        if not seen.any():
            missed += 1
            continue
        for name, ruler in RULERS.items():
            reading = ruler(seen)
            for quantity, value in _errors(reading, truth).items():
                errors[name].setdefault(quantity, []).append(value)
    return {"n": n, "missed": missed} | {name: {q: _spread(v) for q, v in one.items()} for name, one in errors.items()}


def _errors(reading: Reading, truth: Reading) -> dict[str, float]:
    found = {q: reading.get(q, math.nan) / value - 1 for q, value in truth.items() if q != "orientation"}
    if "width" in truth:
        found["width_px"] = reading["width"] - truth["width"]
        found["orientation_deg"] = (reading["orientation"] - truth["orientation"] + 90) % 180 - 90
    return found


def _spread(values: list[float]) -> dict[str, float]:
    known = np.array(values)[~np.isnan(values)]
    if not len(known):
        return {}
    return {"bias": float(known.mean()), "sd": float(known.std()), "worst": float(np.abs(known).max()), "n": len(known)}


def networks(mask_of: Mask | None = None) -> dict[str, Any]:
    """Mesh size (mean chord of the background) and width (local thickness of the material) of turned grids."""
    mesh, thickness = [], []
    for pitch, width in ((40, 6), (60, 12), (90, 20)):
        for deg in ANGLES[::2]:
            mask = grid_network(600, pitch, width, deg)
            field = measure((mask if mask_of is None else mask_of(mask)).astype(np.int32), None).field
            mesh.append(field["chord_background_mean_px"] / grid_chord(pitch, width, deg) - 1)
            thickness.append(field["local_thickness_foreground_p25_px"] / width - 1)
    return {"mesh_size": _spread(mesh), "local_thickness_p25": _spread(thickness)}


def geometry(mask_of: Mask | None = None, every: int = 1) -> dict[str, Any]:
    """All tables from exact geometry; with `mask_of` from the masks that it makes of every so many exact ones."""
    found: dict[str, Any] = {}
    for name, cases in (
        ("straight wires", wire_cases(0.0)),
        ("curved wires", wire_cases(1.0)),
        *((kind, particle_cases(kind)) for kind in ("discs", "rods", "polygons")),
    ):
        _say(name)
        # Discs are few: all of them.
        found[name] = compare(islice(cases, 0, None, 1 if name == "discs" else every), mask_of)
    _say("crossings")
    found["crossings"] = crossing_pairs(mask_of, every)
    found["fields"] = random_fields(TEST, mask_of, every)
    if mask_of is None:
        found["development_fields"] = random_fields(DEVELOPMENT)
    return found | {"networks": networks(mask_of)}


def parts(data: Path, bundle: Path | None = None) -> Iterator[tuple[str, Any]]:
    """Everything, part by part, as it goes into the JSON."""
    model = Model(load_bundle(bundle), device="cpu", threads=1)
    yield (
        "made_by",
        {
            "bundle": f"{model.bundle.name} {model.bundle.fingerprint}",
            "python": platform.python_version(),
            "machine": platform.machine(),
        },
    )
    yield "exact", geometry()
    yield "particles", real_particles(data, model)
    yield "model", geometry(lambda mask: seen_by(model, mask), MODEL_EVERY)


def _say(what: str) -> None:
    print(what, file=sys.stderr, flush=True)


def main() -> int:
    """Evaluate, print the tables, write the JSON and the tables into the README."""
    options = parse(Options, __doc__)
    result: dict[str, Any] = {}
    for name, part in parts(options.data, options.bundle):
        result[name] = part
        save(result, options.out)
    text = markdown(result)
    print(text)
    if options.out is not None:
        begin, end = "<!-- measures -->\n", "<!-- /measures -->"
        readme = README.read_text(encoding="utf-8")
        head, rest = readme.split(begin)
        README.write_text(head + begin + text + end + rest.split(end)[1], encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
