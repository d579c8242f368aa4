"""What a graph must compute before it may leave: what the trained network computes, measured where a user sees it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch
from torch import nn

from nanomorph.analysis import Analysis
from nanomorph.engines import Engine
from nanomorph.infer import infer
from nanomorph.micrograph import Micrograph
from nanomorph.model import Model
from nanomorph.prepare import prepare
from nanomorph_export.graphs import OUTPUTS

# Tensors: onnxruntime against torch with the very weights of the graph (6e-8 relative has been seen).
TENSOR_LIMIT = 1e-4
DICE_LIMIT = 0.99
AGREEMENT_LIMIT = 0.995
WIDTH_LIMIT = 0.02


@dataclass(frozen=True)
class Gate:
    """A measured value against its limit; `passed` says whether the graph may leave."""

    name: str
    value: float
    limit: float
    passed: bool


class TorchEngine:
    """A network in torch behind the runtime's engine interface: the reference of every gate."""

    provider, precision = "torch", "fp32"

    def __init__(self, backbone: nn.Module) -> None:
        self._backbone = backbone.eval()

    def run(self, batch: np.ndarray) -> dict[str, np.ndarray]:
        with torch.inference_mode():
            outputs = self._backbone(torch.from_numpy(batch))
        return {name: output.numpy() for name, output in zip(OUTPUTS, outputs, strict=True)}


def tensor_gate(engine: Engine, reference: Engine, micrographs: Sequence[Micrograph], model: Model) -> Gate:
    """Largest difference of any output, relative to the reference's largest value."""
    worst = 0.0
    for micrograph in micrographs:
        batch = prepare(micrograph, model.bundle.input).pixels[None, None]
        ours, theirs = engine.run(batch), reference.run(batch)
        for name, expected in theirs.items():
            worst = max(worst, float(np.abs(ours[name] - expected).max() / max(np.abs(expected).max(), 1e-12)))
    return Gate("tensors: largest relative difference", worst, TENSOR_LIMIT, worst <= TENSOR_LIMIT)


def outcome_gates(model: Model, trained: Engine, micrographs: Sequence[Micrograph]) -> list[Gate]:
    """Mask Dice, label agreement and width change between the bundle and the network as it was trained."""
    pairs = [(_conclude(model, model.engine, one), _conclude(model, trained, one)) for one in micrographs]
    dice = float(np.mean([mask_dice(ours.mask > 0, theirs.mask > 0) for ours, theirs in pairs]))
    agreement = float(np.mean([_agree(ours, theirs) for ours, theirs in pairs]))
    changes = [abs(ours.field[WIDTH] / theirs.field[WIDTH] - 1) for ours, theirs in pairs if theirs.field[WIDTH] > 0]
    width = float(np.median(changes)) if changes else 0.0
    return [
        Gate("mask Dice, mean", dice, DICE_LIMIT, dice >= DICE_LIMIT),
        Gate("label agreement", agreement, AGREEMENT_LIMIT, agreement >= AGREEMENT_LIMIT),
        Gate("domain width, median relative change", width, WIDTH_LIMIT, width <= WIDTH_LIMIT),
    ]


WIDTH = "domain_width_median_px"


def _conclude(model: Model, engine: Engine, micrograph: Micrograph) -> Analysis:
    (inference,) = infer(engine, [prepare(micrograph, model.bundle.input)])
    return model.conclude(micrograph, "", inference)


def _agree(ours: Analysis, theirs: Analysis) -> float:
    """Share of tasks with the same label."""
    return float(np.mean([a.label == b.label for a, b in zip(ours.labels, theirs.labels, strict=True)]))


def mask_dice(ours: np.ndarray, theirs: np.ndarray) -> float:
    """2 |A and B| / (|A| + |B|) of two bool masks; two empty masks agree."""
    total = ours.sum() + theirs.sum()
    return 1.0 if total == 0 else float(2 * (ours & theirs).sum() / total)


def as_metrics(gates: Sequence[Gate]) -> list[dict[str, Any]]:
    """For bundle.json."""
    return [asdict(gate) for gate in gates]
