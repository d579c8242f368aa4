"""What holds a case back, in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from nanomorph.bench.table import count

# From this share of the cores on, the processor is what limits: no pipeline keeps all of them busy to the last.
BUSY = 0.85
# Of fewer images for each worker most of the time is a run's beginning and its end.
ROUNDS_LEAST, ROUNDS_GOOD = 2, 4


def limits(case: Mapping[str, Any]) -> list[str]:
    """The stage that limits, named; and what the whole job costs beside the model alone on the same frames."""
    few = case["images"] < ROUNDS_LEAST * case["workers"]
    whole, bare = max(case["whole"], key=lambda one: one["images_per_s"]), case["bare"]
    where = "the same frames" if bare["n"] == case["images"] else f"{bare['n']} of the frames"
    beside = whole["cpu_ms"] / max(bare["cpu_ms"], 1e-9)
    if case["device_bytes"] is None:  # computed on the cores
        first = _too_few(case) if few else _on_cpu(case, whole)
        return [first, f"An image costs {beside:.2f} x the processor time of the model alone on {where}."]
    rate = whole["images_per_s"] * bare["ms"] / 1000
    first = _too_few(case) if few else _on_gpu(case)
    return [first, f"The whole job runs at {rate:.2f} x the rate of the model alone on {where}."]


def _too_few(case: Mapping[str, Any]) -> str:
    good = ROUNDS_GOOD * case["workers"]
    return f"Too few images to say what limits: {case['images']} with {case['workers']} at once; {good} would tell."


def _usable(case: Mapping[str, Any]) -> int:
    """Cores that can be busy at once."""
    return int(min(case["workers"], case["cores"], case["images"]))


def _on_cpu(case: Mapping[str, Any], whole: Mapping[str, Any]) -> str:
    """All stages share the cores: the one that takes most of their time limits, if they are busy."""
    usable = _usable(case)
    stages = case["stages"]
    if whole["cores_busy"] < BUSY * usable:
        slowest = max(stages, key=lambda name: stages[name]["ms"] - stages[name]["cpu_ms"])
        busy = f"{whole['cores_busy']:.1f} of {count(usable, 'core')} busy"
        return f"What limits: waiting for disks or for other programs ({busy}), most of it in {slowest}."
    name, share = costliest(stages)
    return f"What limits: {name}, {100 * share:.0f} % of the processor's work on an image (all cores are busy)."


def _on_gpu(case: Mapping[str, Any]) -> str:
    """The device works beside the cores: whoever needs longer for an image limits."""
    device = case["bare"]["ms"]
    others = {name: stage for name, stage in case["stages"].items() if name != "infer"}
    cores = sum(stage["cpu_ms"] for stage in others.values()) / _usable(case)
    times = f"{case['provider']} {device:.1f} ms an image, the cores {cores:.1f} ms"
    return f"What limits: {'infer' if device >= cores else costliest(others)[0]} ({times})."


def costliest(stages: Mapping[str, Mapping[str, Any]]) -> tuple[str, float]:
    """The stage that takes most processor time, and its share."""
    name = max(stages, key=lambda name: stages[name]["cpu_ms"])
    return name, stages[name]["cpu_ms"] / max(sum(stage["cpu_ms"] for stage in stages.values()), 1e-9)
