"""What `nanomorph bench` found, for people: as wide as the terminal, from 60 to 80 columns."""

from __future__ import annotations

import shutil
import textwrap
from collections.abc import Iterator, Mapping
from typing import Any

NARROW, WIDE = 60, 80
# From this share of a machine's cores on, what other programs compute is said.
LOADED = 0.25
WHAT = {
    "read": "read, decode, fingerprint",
    "prepare": "stretch, scale, mask letters",
    "infer": "the model, with second looks",
    "measure": "segment, measure, judge",
    "write": "mask, wires, overlay, journal",
}


def terminal_width() -> int:
    """Columns that may be written to."""
    return min(WIDE, max(NARROW, shutil.get_terminal_size((WIDE, 24)).columns))


def head(found: Mapping[str, Any], width: int = WIDE) -> str:
    """What the figures were measured with, and on what."""
    machine, bundle = found["machine"], found["bundle"]
    sentences = [
        f"nanomorph {machine['nanomorph']}, bundle {bundle['name']} ({bundle['fingerprint']})",
        f"{machine['processor'] or 'processor unknown'}, {count(machine['cores'], 'core')}",
        *_load(machine),
    ]
    return "\n".join(line for sentence in sentences for line in textwrap.wrap(sentence, width))


def block(case: Mapping[str, Any], width: int = WIDE) -> str:
    """The figures of one case."""
    at_once = f"{case['workers']} at once" if case["workers"] > 1 else "one at a time"
    images = count(case["images"], "image")
    title = f"== {images}, {case['pixels']}, {case['provider']} {case['precision']}, {at_once}"
    parts = [textwrap.wrap(title, width), _whole(case, width), _stages(case, width), _model(case, width)]
    limits = [line for sentence in case["limits"] for line in textwrap.wrap(sentence, width)]
    return "\n\n".join("\n".join(lines) for lines in ([""], *parts, limits)).removeprefix("\n")


def count(number: int, what: str) -> str:
    """`1 image`, `8 images`."""
    return f"{number} {what}{'' if number == 1 else 's'}"


def _load(machine: Mapping[str, Any]) -> Iterator[str]:
    load, cores = machine["load"], machine["all_cores"]
    if load is not None and cores and load >= LOADED * cores:
        yield (
            f"The machine was at work before this began (load {load:.1f} on {count(cores, 'core')}): other programs "
            "slow these figures, measure again without them."
        )


def _row(label: str, figures: str, width: int) -> str:
    """What does not fit is cut off the label, never off the figures."""
    room = width - len(figures)
    if len(label) >= room:
        label = label[:room].rpartition(" ")[0]
    return f"{label:{room}}{figures}".rstrip()


def _whole(case: Mapping[str, Any], width: int) -> Iterator[str]:
    per_image = "CPU ms an image" if width == WIDE else "CPU ms"
    wide = len(per_image) + 2
    yield _row("the whole job", f"{'images/s':>8}  {'least to most':15}{'Mpx/s':>7}{per_image:>{wide}}{'n':>4}", width)
    for whole in case["whole"]:
        spread = f"{whole['images_per_s_least']:.2f} to {whole['images_per_s_most']:.2f}"
        figures = f"{whole['images_per_s']:8.2f}  {spread:15}{_number(whole['megapixels_per_s'], 2)}"
        yield _row(f"  {_batch(whole['batch'])}", f"{figures}{whole['cpu_ms']:{wide}.0f}{whole['n']:4}", width)
    host, device = _mib(case["peak_bytes"]), _mib(case["device_bytes"])
    yield f"  memory at its peak: {host}" + (f", on the device: {device}" if case["device_bytes"] else "")


def _stages(case: Mapping[str, Any], width: int) -> Iterator[str]:
    yield _row("each stage alone", f"{'ms':>7}{'5 %':>7}{'95 %':>7}{'99 %':>7}{'CPU ms':>7}{'':>5}", width)
    total = sum(stage["cpu_ms"] for stage in case["stages"].values())
    for name, stage in case["stages"].items():
        share = f"{100 * stage['cpu_ms'] / total:.0f}%" if total else ""
        label = f"  {name:8}{WHAT[name]}" if width == WIDE else f"  {name}"
        yield _row(label, f"{_times(stage)}{stage['cpu_ms']:7.0f}{share:>5}", width)
    yield _row("  one image through all of them", f"{_times(case['one_image'])}{total:7.0f}{'':5}", width)


def _model(case: Mapping[str, Any], width: int) -> Iterator[str]:
    sees = "{1} x {0} px".format(*case["model_sees"])
    titles = f"{'frames/s':>9}{'Mpx/s':>7}{'ms':>7}{'95 %':>7}{'99 %':>7}{'CPU ms':>7}"
    yield _row(f"the model alone at {sees}", titles, width)
    for one in case["model_alone"]:
        tail = "".join(_number(one[key], 1) for key in ("ms", "ms_95", "ms_99"))
        frames = f"{one['frames_per_s']:9.2f}{_number(one['megapixels_per_s'], 2)}"
        yield _row(f"  {_batch(one['batch'])}", f"{frames}{tail}{one['cpu_ms']:7.0f}", width)
    bare = case["bare"]
    yield f"  on the frames above: {bare['views']:.1f} views an image, {bare['cpu_ms']:.0f} CPU ms"


def _batch(frames: int | None) -> str:
    return "own batches" if frames is None else f"batches of {frames}"


def _times(facts: Mapping[str, Any]) -> str:
    return "".join(f"{facts[key]:7.0f}" for key in ("ms", "ms_5", "ms_95", "ms_99"))


def _number(value: float, decimals: int) -> str:
    """Seven columns, the first of them empty."""
    text = f"{value:.{decimals}f}"
    return f"{text if len(text) < 7 else round(value):>7}"


def _mib(size: int | None) -> str:
    return "not known" if size is None else f"{size / 2**20:.0f} MiB"
