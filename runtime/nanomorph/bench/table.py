"""What `nanomorph bench` found, for people: at most 80 columns."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping
from typing import Any

COLUMNS = 80
WHAT = {
    "read": "read, decode, fingerprint",
    "prepare": "stretch, scale, mask letters",
    "infer": "the model, with second looks",
    "measure": "segment, measure, judge",
    "write": "mask, wires, overlay, journal",
}


def table(found: Mapping[str, Any]) -> str:
    """One block a case."""
    machine, bundle = found["machine"], found["bundle"]
    lines = [
        f"nanomorph {machine['nanomorph']}, bundle {bundle['name']} ({bundle['fingerprint']})",
        f"{machine['processor'] or 'processor unknown'}, {machine['cores']} cores",
    ]
    for case in found["cases"]:
        lines += ["", *_case(case)]
    return "\n".join(line[:COLUMNS] for line in lines)


def _case(case: Mapping[str, Any]) -> Iterator[str]:
    workers = f"{case['workers']} at once" if case["workers"] > 1 else "one at a time"
    yield f"== {case['images']} images, {case['pixels']}, {case['provider']} {case['precision']}, {workers}"
    yield ""
    yield from _whole(case)
    yield ""
    yield from _stages(case)
    yield ""
    yield from _model(case)
    yield ""
    for sentence in case["limits"]:
        yield from textwrap.wrap(sentence, COLUMNS)


def _whole(case: Mapping[str, Any]) -> Iterator[str]:
    yield f"{'the whole job':22}{'images/s':>8}  {'least to most':15}{'Mpx/s':>7}{'CPU ms an image':>17}{'n':>4}"
    for whole in case["whole"]:
        spread = f"{whole['images_per_s_least']:.2f} to {whole['images_per_s_most']:.2f}"
        yield (
            f"  {_batch(whole['batch']):20}{whole['images_per_s']:8.2f}  {spread:15}"
            f"{whole['megapixels_per_s']:7.2f}{whole['cpu_ms']:17.0f}{whole['n']:4}"
        )
    host, device = _mib(case["peak_bytes"]), _mib(case["device_bytes"])
    yield f"  memory at its peak: {host}" + (f", on the device: {device}" if case["device_bytes"] else "")


def _stages(case: Mapping[str, Any]) -> Iterator[str]:
    yield f"{'each stage alone':40}{'ms':>7}{'5 %':>7}{'95 %':>7}{'99 %':>7}{'CPU ms':>7}{'':>5}"
    total = sum(stage["cpu_ms"] for stage in case["stages"].values())
    for name, stage in case["stages"].items():
        share = f"{100 * stage['cpu_ms'] / total:.0f}%" if total else ""
        yield f"  {name:8}{WHAT[name]:30}{_times(stage)}{stage['cpu_ms']:7.0f}{share:>5}"
    yield f"  {'one image through all of them':38}{_times(case['one_image'])}{total:7.0f}"


def _model(case: Mapping[str, Any]) -> Iterator[str]:
    height, width = case["model_sees"]
    seen = f"the model alone, {width} x {height} px"
    yield f"{seen:36}{'frames/s':>9}{'Mpx/s':>7}{'ms':>7}{'95 %':>7}{'99 %':>7}{'CPU ms':>7}"
    for one in case["model_alone"]:
        tail = "".join(f"{one[key]:7.1f}" for key in ("ms", "ms_95", "ms_99"))
        frames = f"{one['frames_per_s']:9.2f}{one['megapixels_per_s']:7.2f}"
        yield f"  {_batch(one['batch']):34}{frames}{tail}{one['cpu_ms']:7.0f}"
    bare = case["bare"]
    yield f"  on the frames above: {bare['views']:.1f} views an image, {bare['cpu_ms']:.0f} CPU ms"


def _batch(frames: int | None) -> str:
    return "batches of its own" if frames is None else f"batches of {frames}"


def _times(facts: Mapping[str, Any]) -> str:
    return "".join(f"{facts[key]:7.0f}" for key in ("ms", "ms_5", "ms_95", "ms_99"))


def _mib(size: int | None) -> str:
    return "not known" if size is None else f"{size / 2**20:.0f} MiB"
