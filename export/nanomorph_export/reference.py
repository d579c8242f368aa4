"""Networks in torch behind the runtime's engine interface: what every exported graph is held against."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from nanomorph_export.graphs import MULTIPLE, OUTPUTS


class TorchEngine:
    """A network in torch, float32, on the CPU."""

    provider, precision = "torch", "fp32"

    def __init__(self, backbone: nn.Module) -> None:
        self._backbone = backbone.eval()
        with torch.inference_mode():
            self.dim = int(self._backbone(torch.zeros((1, 1, MULTIPLE, MULTIPLE), dtype=torch.uint8))[0].shape[1])

    def run(self, batch: np.ndarray) -> dict[str, np.ndarray]:
        with torch.inference_mode():
            outputs = self._backbone(torch.from_numpy(batch))
        return {name: output.numpy() for name, output in zip(OUTPUTS, outputs, strict=True)}


def rounded_to_half(backbone: nn.Module) -> nn.Module:
    """A copy whose every layer's result is rounded to what fp16 holds (too large: infinity).

    What a GPU's tensor cores compute: products of 16-bit numbers, summed in 32 bits, stored in 16. The CPU provider
    of onnxruntime is no reference for it (it computes fp16 graphs in fp32), torch's own fp16 on a CPU takes
    ten times as long as fp32. No substitute for the gate on the device itself.
    """
    copied = copy.deepcopy(backbone)
    with torch.no_grad():
        for parameter in copied.parameters():
            parameter.copy_(parameter.half().float())
    for module in copied.modules():
        if not list(module.children()):
            module.register_forward_hook(_round)
    return copied


def _round(_module: nn.Module, _inputs: Any, output: Tensor) -> Tensor:
    return output.half().float()
