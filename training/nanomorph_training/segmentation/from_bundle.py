"""A bundle's network in torch again, so that it can be trained further where its runs are not at hand.

An exported graph has its batch norms folded into the convolutions. Here each gets back one that computes the same, with
the mean and variance that its layer has on given frames: training then goes on from what it would have measured itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from nanomorph.bundle import Bundle
from nanomorph.errors import ConfigurationError
from nanomorph.prepare import pad
from nanomorph_training.models import STRIDE, Backbone, build_backbone, fold_batch_norm, normalised_convolutions
from nanomorph_training.runs.checkpoint import Checkpoint, flatten

# Frames that mean and variance are taken from: a square one has 144 pixels even in the coarsest map.
FRAMES = 64


def checkpoint_of(bundle: Bundle, frames: Sequence[np.ndarray]) -> Checkpoint:
    """The bundle's segmenter as a run of `fit-segmenter` leaves it: `model` and the state that a run goes on from.

    frames: prepared micrographs, uint8 (H, W); FRAMES of them, spread evenly, are looked at. Weights are those of the
    fp32 graph. Raises ConfigurationError where the bundle does not say which network it has, or has another one.
    """
    trained = bundle.manifest.get("provenance", {}).get("segmenter", {})
    if "encoder" not in trained:
        raise ConfigurationError(f"{bundle.path} does not say which network it holds: it cannot be trained further")
    folded = build_backbone(trained["encoder"])
    fold_batch_norm(folded.eval())
    try:
        folded.load_state_dict(weights_of(bundle.backbones["fp32"]))
    except RuntimeError as error:
        raise ConfigurationError(f"{bundle.path} holds another network than {trained['encoder']}: {error}") from error
    backbone = unfolded(folded, build_backbone(trained["encoder"]), frames[:: max(1, len(frames) // FRAMES)][:FRAMES])
    return Checkpoint(flatten("model", backbone.state_dict()), _state(bundle, trained, backbone))


def _state(bundle: Bundle, trained: dict[str, Any], backbone: Backbone) -> dict[str, Any]:
    scales = {"mean": float(backbone.mean), "std": float(backbone.std)}
    return {**trained, **scales, "kind": "backbone", "threshold": bundle.foreground_threshold}


def weights_of(graph: Path) -> dict[str, Tensor]:
    """Of an exported backbone, by dotted name, float32; large ones are stored as fp16 under `NAME.half`."""
    import onnx
    from onnx import numpy_helper

    stored = onnx.load(graph).graph.initializer
    found = {one.name.removesuffix(".half"): numpy_helper.to_array(one).astype(np.float32) for one in stored}
    # Whatever else the graph holds (axes, sizes) has names that the exporter made up.
    named = {name for name in found if "." in name or name in ("mean", "std")}
    return {name: torch.from_numpy(found[name].copy()) for name in sorted(named)}


@torch.inference_mode()
def unfolded(folded: Backbone, fresh: Backbone, frames: Sequence[np.ndarray]) -> Backbone:
    """`fresh` with the weights of `folded` and batch norms that change nothing: in eval mode both compute the same."""
    moments = _moments(folded, frames)
    state = {name: tensor for name, tensor in folded.state_dict().items() if name in fresh.state_dict()}
    fresh.load_state_dict(state, strict=False)
    names = {module: name for name, module in fresh.named_modules()}
    for parent, conv, norm in normalised_convolutions(fresh):
        layer, batch_norm = getattr(parent, conv), getattr(parent, norm)
        mean, variance = moments[names[layer]]
        batch_norm.running_mean.copy_(mean - folded.get_parameter(names[layer] + ".bias"))
        batch_norm.running_var.copy_(variance)
        batch_norm.weight.copy_((variance + batch_norm.eps).sqrt())
        batch_norm.bias.copy_(mean)
    return fresh.eval()


def _moments(folded: Backbone, frames: Sequence[np.ndarray]) -> dict[str, tuple[Tensor, Tensor]]:
    """Mean and variance (C,) of what every convolution returns, each frame counting the same."""
    seen: dict[str, list[Tensor]] = {}

    def keep(name: str) -> Any:
        def hook(_module: nn.Module, _inputs: Any, output: Tensor) -> None:
            seen.setdefault(name, []).append(torch.stack([output.mean((0, 2, 3)), output.square().mean((0, 2, 3))]))

        return hook

    layers = [(name, module) for name, module in folded.named_modules() if isinstance(module, nn.Conv2d)]
    hooks = [module.register_forward_hook(keep(name)) for name, module in layers]
    for frame in frames:
        folded(torch.from_numpy(np.array(pad(frame, STRIDE)))[None, None])
    for hook in hooks:
        hook.remove()
    means = {name: torch.stack(of).mean(dim=0) for name, of in seen.items()}
    return {name: (mean, (square - mean.square()).clamp(min=1e-6)) for name, (mean, square) in means.items()}
