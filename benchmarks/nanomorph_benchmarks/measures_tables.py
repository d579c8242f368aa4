"""The JSON of `measures` as Markdown tables."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

SHAPES = ("straight wires", "curved wires", "discs", "rods", "polygons")
QUANTITIES = {
    "width_px": "width, px",
    "width": "width",
    "length": "length",
    "area": "area",
    "orientation_deg": "orientation, deg",
    "ecd": "ECD",
    "perimeter": "perimeter",
    "feret": "Feret max",
}
OF_NETWORKS = {"mesh_size": "mesh size (mean background chord)", "local_thickness_p25": "width (25 % local thickness)"}
ABSOLUTE = ("width_px", "orientation_deg")
RULERS = ("nanomorph", "regionprops", "skan")


def markdown(result: Mapping[str, Any]) -> str:
    """All tables."""
    made = result["made_by"]
    lines = [f"Bundle {made['bundle']}. Errors as bias ± sd (worst); relative in %, but px and degrees where named.\n"]
    for source, words in (("exact", "the exact mask"), ("model", "the model's mask of a micrograph drawn from it")):
        lines += ["", f"**From {words}**", "", *_shapes(result[source]), "", *_crossings(result[source])]
    return "\n".join([*lines, "", *_particles(result["particles"])]) + "\n"


def _shapes(found: Mapping[str, Any]) -> Iterator[str]:
    yield "| shape | quantity | n | " + " | ".join(RULERS) + " |"
    yield "|---|---|---|" + "---|" * len(RULERS)
    for shape in SHAPES:
        n = found[shape]["n"] - found[shape]["missed"]
        for quantity, words in QUANTITIES.items():
            if found[shape]["nanomorph"].get(quantity):
                cells = [_error(found[shape][ruler].get(quantity), quantity in ABSOLUTE) for ruler in RULERS]
                yield f"| {shape} | {words} | {n} of {found[shape]['n']} | " + " | ".join(cells) + " |"
    for name, words in OF_NETWORKS.items():
        yield f"| networks | {words} | {found['networks'][name]['n']} | {_error(found['networks'][name], False)} | | |"


def _error(spread: Mapping[str, float] | None, absolute: bool) -> str:
    if not spread:
        return ""
    factor = 1.0 if absolute else 100.0
    bias, sd, worst = (factor * spread[name] for name in ("bias", "sd", "worst"))
    return f"{bias:+.2f} ± {sd:.2f} ({worst:.2f})"


def _crossings(found: Mapping[str, Any]) -> Iterator[str]:
    yield "| two wires crossing at | " + " | ".join(f"{angle}°" for angle in found["crossings"]) + " |"
    yield "|---|" + "---|" * len(found["crossings"])
    yield "| right | " + " | ".join(_share(one) for one in found["crossings"].values()) + " |"
    yield ""
    yield "| wires in a field | " + " | ".join(found["fields"]) + " |"
    yield "|---|" + "---|" * len(found["fields"])
    for name, words in (("development_fields", "seeds the rules were made on"), ("fields", "test seeds")):
        if name not in found:
            continue
        yield f"| crossings right, {words} | " + " | ".join(_share(one) for one in found[name].values()) + " |"
    unclear = (str(one["unclear"]) for one in found["fields"].values())
    yield "| crossings without four clear arms, not judged | " + " | ".join(unclear) + " |"
    drawn = (f"{one['found_per_drawn']:.2f}" for one in found["fields"].values())
    yield "| wires found per wire drawn | " + " | ".join(drawn) + " |"


def _share(one: Mapping[str, float]) -> str:
    return f"{100 * one['right']:.0f} % of {one['n']}" if one["n"] else "none"


def _particles(found: Mapping[str, Any]) -> Iterator[str]:
    yield "**Real particles: ECD of the model's domains against the given instances, whole particles, per image**"
    yield ""
    yield "| articles | images with 5 or more on both sides | KS distance, median [quartiles] | error of the median |"
    yield "|---|---|---|---|"
    for name, words in (("held_out", "held out"), ("all", "all (most trained on)")):
        one = found[name]
        if "ks" not in one:
            yield f"| {words} | 0 of {one['n']} | | |"
            continue
        low, middle, high = one["ks"]
        error = [100 * value for value in one["median_error"]]
        yield (
            f"| {words} | {one['n_compared']} of {one['n']} | {middle:.2f} [{low:.2f}, {high:.2f}] | "
            f"{error[1]:+.1f} % [{error[0]:+.1f}, {error[2]:+.1f}], absolute {100 * one['median_abs_error']:.1f} % |"
        )
