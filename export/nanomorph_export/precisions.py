"""Each precision of a backbone: made, held against the trained network, and kept only where every gate holds."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from torch import nn

from nanomorph.engine import Engine
from nanomorph.engines import joined
from nanomorph.engines.onnx_runtime import OnnxRuntimeEngine
from nanomorph.inference.gates import (
    MEAN_LIMIT,
    Case,
    Gate,
    as_metrics,
    at_most,
    cases,
    exact_gate,
    gates,
    mean_difference,
)
from nanomorph.model import Model
from nanomorph_export.calibration import Micrographs
from nanomorph_export.graphs import HalfBackbone, export_backbone
from nanomorph_export.mirror import int8_agreement_limit
from nanomorph_export.quantise import BUDGETS, plan_int8, write_int8
from nanomorph_export.reference import rounded_to_half
from nanomorph_training.models import Backbone
from nanomorph_training.predict import TorchEngine

FILES = {"fp32": "backbone.onnx", "int8": "backbone.int8.onnx", "fp16": "backbone.fp16.onnx"}
# Frames on which a graph is held against torch with the very same weights: one differing node shows on the first.
EXACT_FRAMES = 8
TIMED_RUNS = 7


@dataclass(frozen=True)
class Tried:
    """A precision with its gates; `details` for the card."""

    precision: str
    gates: list[Gate]
    details: dict[str, Any] = field(default_factory=dict)

    @property
    def passed(self) -> bool:
        return all(gate.passed for gate in self.gates)

    @property
    def failures(self) -> str:
        """The gates that failed, for people."""
        return "; ".join(str(gate) for gate in self.gates if not gate.passed)

    def entry(self) -> dict[str, Any]:
        """For bundle.json."""
        return {"written": self.passed, "gates": as_metrics(self.gates), **self.details}


def try_fp32(model: Model, stored: Engine, references: Sequence[Case]) -> Tried:
    """The graph against torch with its own weights (`stored`), tensor by tensor, and against the network as trained."""
    frames = [case.frame.pixels[None, None] for case in references[:EXACT_FRAMES]]
    exact = exact_gate(model.engine, stored, frames)
    return Tried("fp32", [exact, *gates(model, model.engine, references)])


def try_int8(draft: Path, model: Model, micrographs: Micrographs, references: Sequence[Case]) -> Tried:
    """Quantise the fp32 graph for CPUs; it must also be faster, or there is no reason for it.

    How many layers stay fp32 is settled on the micrographs that give the ranges; the gates are measured on others.
    """
    fp32_layers = make_int8(draft / FILES["int8"], model, micrographs)
    engine = _whole(model, OnnxRuntimeEngine(draft / FILES["int8"], "int8"))
    speed = times_faster(engine, model.engine, references[-1].frame.pixels[None, None])
    faster = Gate("speed, times fp32 on this CPU", speed, 1.0, speed > 1, TIMED_RUNS)
    details = {"fp32_layers": list(fp32_layers), "n_ranges": len(micrographs.ranges)}
    limit = int8_agreement_limit(model, model.engine, references)
    return _kept(draft, Tried("int8", [*gates(model, engine, references, limit), faster], details))


def make_int8(target: Path, model: Model, micrographs: Micrographs) -> tuple[str, ...]:
    """Write the int8 sibling of a bundle's fp32 graph, gated by nothing yet; the layers that stayed fp32.

    Only `micrographs.ranges` are looked at.
    """
    bundle = model.bundle
    plan = plan_int8(bundle.backbones["fp32"], micrographs.frames(bundle.input), bundle.foreground_threshold)
    tuning = list(cases(model, model.engine, micrographs.ranges))
    limit = int8_agreement_limit(model, model.engine, tuning)
    for budget in BUDGETS:
        fp32_layers = write_int8(plan, target, budget)
        engine = _whole(model, OnnxRuntimeEngine(target, "int8"))
        if all(gate.passed for gate in gates(model, engine, tuning, limit)):
            break
    return fp32_layers


def try_fp16(draft: Path, model: Model, backbone: nn.Module, stored: Backbone, references: Sequence[Case]) -> Tried:
    """Export for GPUs. No GPU is needed: fp16's rounding is done in torch, and the file is held against that.

    Engines on a GPU are gated again where they are built (TensorRT) or opened (CUDA).
    """
    rounded = TorchEngine(rounded_to_half(backbone))
    export_backbone(HalfBackbone(stored).eval(), draft / FILES["fp16"])
    engine = OnnxRuntimeEngine(draft / FILES["fp16"], "fp16")
    frames = [case.frame.pixels[None, None] for case in references[:EXACT_FRAMES]]
    differences = [mean_difference(engine.run(frame), rounded.run(frame)) for frame in frames]
    graph = at_most("graph: mean relative difference from rounded torch", max(differences), MEAN_LIMIT, len(frames))
    found = [graph, *gates(model, _whole(model, rounded), references)]
    return _kept(draft, Tried("fp16", found, {"rounded_in": "torch, on the CPU"}))


def _whole(model: Model, maps: Engine) -> Engine:
    """With the embedding of the bundle's second graph, where it has one."""
    embedder = model.bundle.embedder
    return joined(maps, None if embedder is None else OnnxRuntimeEngine(embedder, "fp32"))


def times_faster(engine: Engine, than: Engine, frame: np.ndarray) -> float:
    """Ratio of median times for one frame, the two taking turns: a machine's other work then slows both."""
    times: dict[int, list[float]] = {0: [], 1: []}
    for turn in range(2 * (TIMED_RUNS + 1)):
        begun = time.perf_counter()
        (engine, than)[turn % 2].run(frame)
        times[turn % 2].append(time.perf_counter() - begun)
    ours, theirs = (float(np.median(times[side][1:])) for side in (0, 1))
    return theirs / ours


def _kept(draft: Path, tried: Tried) -> Tried:
    if not tried.passed:
        (draft / FILES[tried.precision]).unlink()
    return tried
