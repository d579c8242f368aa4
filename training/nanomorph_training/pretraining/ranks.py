"""One process or several (torchrun): which device each has, and what they must agree on.

Gradients are averaged in one call after the last backward pass, not by DistributedDataParallel: with `--accumulate`
there are several backward passes a step, and the losses are already exact across processes.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor, nn

from nanomorph_training.runs.machine import choose_device


@dataclass(frozen=True)
class Ranks:
    """rank: of this process, of `world` many."""

    rank: int = 0
    world: int = 1
    device: torch.device = torch.device("cpu")

    @property
    def is_first(self) -> bool:
        return self.rank == 0

    def mean(self, values: Sequence[float]) -> list[float]:
        """The mean over processes of each value; the same everywhere, so that all decide alike."""
        if self.world == 1:
            return list(values)
        sums = torch.tensor(values, dtype=torch.float64, device=self.device)
        dist.all_reduce(sums)
        return (sums / self.world).tolist()

    def average_gradients(self, parameters: Iterable[nn.Parameter]) -> None:
        """Replace every gradient by its mean over processes."""
        if self.world == 1:
            return
        gradients = [p.grad for p in parameters if p.grad is not None]
        flat = torch.cat([g.flatten() for g in gradients])
        dist.all_reduce(flat)
        for gradient, mean in zip(gradients, (flat / self.world).split([g.numel() for g in gradients]), strict=True):
            gradient.copy_(mean.view_as(gradient))

    def share(self, module: nn.Module) -> None:
        """Give every process the first one's weights and buffers."""
        if self.world > 1:
            for tensor in module.state_dict().values():
                dist.broadcast(tensor, 0)


ALONE = Ranks()


def join(device: str = "auto") -> Ranks:
    """Meet the other processes where torchrun started several. Raises ConfigurationError where a GPU is asked for that
    is not there."""
    world, local = int(os.environ.get("WORLD_SIZE", "1")), int(os.environ.get("LOCAL_RANK", "0"))
    chosen = choose_device(device, local)
    if world == 1:
        return Ranks(device=chosen)
    if chosen.type == "cuda":
        torch.cuda.set_device(chosen)
    dist.init_process_group("nccl" if chosen.type == "cuda" else "gloo")
    return Ranks(dist.get_rank(), world, chosen)


@contextmanager
def together(device: str = "auto") -> Iterator[Ranks]:
    """As `join`; at the end they part."""
    try:
        yield join(device)
    finally:
        if dist.is_available() and dist.is_initialized():
            dist.destroy_process_group()


class _Mean(torch.autograd.Function):
    """The mean over processes; backwards, the mean of their gradients."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:  # noqa: ARG004 (torch's signature)
        return _mean(x)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:  # noqa: ARG004
        return _mean(gradient)


def _mean(x: Tensor) -> Tensor:
    mean = x.clone(memory_format=torch.contiguous_format)
    dist.all_reduce(mean)
    return mean / dist.get_world_size()


class SyncBatchNorm(nn.SyncBatchNorm):
    """torch's, which knows GPUs only, and the same thing for CPUs: statistics of the whole batch of all processes."""

    def forward(self, input: Tensor) -> Tensor:
        if input.is_cuda or not self.training:
            return super().forward(input)
        over = [axis for axis in range(input.ndim) if axis != 1]
        shape = [-1 if axis == 1 else 1 for axis in range(input.ndim)]
        mean = _Mean.apply(input.mean(over))
        centred = input - mean.view(shape)
        variance = _Mean.apply(centred.square().mean(over))
        self._remember(mean.detach(), variance.detach(), input.numel() // len(mean) * dist.get_world_size())
        scaled = centred * (variance + self.eps).rsqrt().view(shape)
        return scaled * self.weight.view(shape) + self.bias.view(shape)

    def _remember(self, mean: Tensor, variance: Tensor, n: int) -> None:
        if not self.track_running_stats:
            return
        assert self.running_mean is not None
        assert self.running_var is not None
        assert self.num_batches_tracked is not None
        assert self.momentum is not None
        self.num_batches_tracked.add_(1)
        self.running_mean.lerp_(mean, self.momentum)
        self.running_var.lerp_(variance * n / (n - 1), self.momentum)


def synchronise(module: nn.Module) -> None:
    """Let every batch norm below `module` count over all processes; weights and names stay."""
    for name, child in list(module.named_children()):
        if isinstance(child, nn.BatchNorm1d | nn.BatchNorm2d):
            synced = SyncBatchNorm(child.num_features, child.eps, child.momentum)
            synced.load_state_dict(child.state_dict())
            setattr(module, name, synced.train(child.training))
        else:
            synchronise(child)
