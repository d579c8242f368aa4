"""What `nanomorph bench` found, for people: at most 80 columns."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

WHAT = {
    "read": "read and decode",
    "prepare": "scale, stretch, mask letters",
    "infer": "the model, second looks included",
    "measure": "segment, measure, judge",
    "write": "mask, wires, overlay, rows",
}


def table(found: Mapping[str, Any]) -> str:
    """Stages, engine, whole job; one block a size."""
    machine, bundle = found["machine"], found["bundle"]
    lines = [
        f"nanomorph {machine['nanomorph']}, bundle {bundle['name']} ({bundle['fingerprint']})",
        f"{machine['processor'] or 'processor unknown'}, {machine['cores']} cores",
    ]
    for case in found["cases"]:
        lines += ["", *_case(case)]
    return "\n".join(lines)


def _case(case: Mapping[str, Any]) -> Iterator[str]:
    yield f"== {case['images']} images, {case['pixels']}, {case['provider']} {case['precision']}"
    yield ""
    yield "each stage alone                    ms an image  (5 to 95 %)     CPU ms  share"
    total = sum(stage["cpu_ms"] for stage in case["stages"].values())
    for name, stage in case["stages"].items():
        spread = f"({stage['ms_5']:.0f} to {stage['ms_95']:.0f})"
        share = f"{100 * stage['cpu_ms'] / total:.0f} %" if total else "-"
        yield f"{name:8}{WHAT[name]:<33}{stage['ms']:6.0f}  {spread:14}{stage['cpu_ms']:8.0f}{share:>7}"
    yield ""
    yield "the model alone      ms a frame  (5 to 95 %)  frames/s   Mpx/s"
    for engine in case["engine"]:
        n = engine["batch"]
        spread = f"({engine['ms_5'] / n:.0f} to {engine['ms_95'] / n:.0f})"
        yield (
            f"  batch {n:<13}{engine['ms'] / n:8.1f}  {spread:14}{engine['frames_per_s']:7.2f}"
            f"{engine['megapixels_per_s']:9.2f}"
        )
    yield ""
    yield "the whole job      images/s  (least to most)  Mpx/s  CPU ms an image  peak MiB"
    for whole in case["whole"]:
        spread = f"({whole['images_per_s_least']:.2f} to {whole['images_per_s_most']:.2f})"
        peak = "?" if whole["peak_bytes"] is None else f"{whole['peak_bytes'] / 2**20:.0f}"
        yield (
            f"  {whole['workers']:>2} workers{'':7}{whole['images_per_s']:8.2f}  {spread:15}"
            f"{whole['megapixels_per_s']:6.2f}{whole['cpu_ms']:17.0f}{peak:>10}"
        )
    yield ""
    yield from case["limits"]
