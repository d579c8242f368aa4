"""What a graph in fp16 is held against: the network in torch, every result rounded."""

from __future__ import annotations

import copy
from typing import Any

import torch
from torch import Tensor, nn


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
