"""Optimisers and the learning rate as a pure function of the step."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable

import torch
from torch import Tensor, nn

from nanomorph_training.ranges import OPTIMISERS


def learning_rate(step: int, total_steps: int, warmup_steps: int, peak: float, final: float = 0.0) -> float:
    """Linear warm-up to `peak` over `warmup_steps`, then half a cosine that reaches `final` at the last step."""
    if step < warmup_steps:
        return peak * (step + 1) / warmup_steps
    decay_steps = max(1, total_steps - 1 - warmup_steps)
    progress = min(1.0, (step - warmup_steps) / decay_steps)
    return final + (peak - final) * 0.5 * (1 + math.cos(math.pi * progress))


class LARS(torch.optim.Optimizer):
    """Layer-wise adaptive rate scaling (You et al. 2017) as Barlow Twins uses it.

    Parameters with one dimension (biases, batch norm) get neither weight decay nor the adaptive rate.
    """

    def __init__(
        self,
        params: Iterable[Tensor],
        lr: float,
        weight_decay: float = 1e-6,
        momentum: float = 0.9,
        eta: float = 1e-3,
    ) -> None:
        super().__init__(params, {"lr": lr, "weight_decay": weight_decay, "momentum": momentum, "eta": eta})

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> float | None:  # type: ignore[override]
        loss = closure() if closure is not None else None
        for group in self.param_groups:
            for parameter in group["params"]:
                if parameter.grad is not None:
                    self._update(parameter, group)
        return loss

    def _update(self, parameter: Tensor, group: dict) -> None:
        gradient = parameter.grad
        assert gradient is not None
        if parameter.ndim > 1:
            gradient = gradient + group["weight_decay"] * parameter
            weight_norm, gradient_norm = parameter.norm(), gradient.norm()
            if weight_norm > 0 and gradient_norm > 0:
                gradient = gradient * (group["eta"] * weight_norm / gradient_norm)
        state = self.state[parameter]
        velocity = state.setdefault("momentum_buffer", torch.zeros_like(parameter))
        velocity.mul_(group["momentum"]).add_(gradient)
        parameter.add_(velocity, alpha=-group["lr"])


def build_optimiser(name: str, modules: Iterable[nn.Module], lr: float, weight_decay: float) -> torch.optim.Optimizer:
    """One of OPTIMISERS over all parameters of `modules`; biases and norms without weight decay. Else ValueError."""
    parameters = [parameter for module in modules for parameter in module.parameters()]
    groups = [
        {"params": [p for p in parameters if p.ndim > 1], "weight_decay": weight_decay},
        {"params": [p for p in parameters if p.ndim <= 1], "weight_decay": 0.0},
    ]
    if name == "adamw":
        return torch.optim.AdamW(groups, lr=lr)
    if name == "sgd":
        return torch.optim.SGD(groups, lr=lr, momentum=0.9)
    if name == "lars":
        return LARS(groups, lr=lr, weight_decay=weight_decay)  # type: ignore[arg-type]
    raise ValueError(f"optimiser {name!r} is unknown; choose one of {', '.join(OPTIMISERS)}")
