"""Losses of self-supervised pretraining and of segmentation.

Several ranks (torch.distributed) are exact: the mean over ranks of loss and gradient equals one process
that holds the whole batch.
"""

from __future__ import annotations

import math
from typing import Any

import torch
import torch.distributed as dist
import torch.nn.functional as F
from torch import Tensor


class _Gather(torch.autograd.Function):
    """Rows of all ranks, in rank order; the backward pass sums every rank's gradient of this rank's rows."""

    @staticmethod
    def forward(ctx: Any, rows: Tensor) -> Tensor:
        ctx.n = len(rows)
        parts = [torch.empty_like(rows) for _ in range(dist.get_world_size())]
        dist.all_gather(parts, rows.contiguous())
        return torch.cat(parts)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        # A copy: autograd may hand the same gradient to others, and the sum is made in place.
        gradient = gradient.clone(memory_format=torch.contiguous_format)
        dist.all_reduce(gradient)
        start = dist.get_rank() * ctx.n
        return gradient[start : start + ctx.n]


def _is_distributed() -> bool:
    return dist.is_available() and dist.is_initialized() and dist.get_world_size() > 1


def _gather(rows: Tensor) -> Tensor:
    return _Gather.apply(rows) if _is_distributed() else rows


def _wide(z: Tensor) -> Tensor:
    """At least float32: similarities and covariances do not survive half precision."""
    return z if z.dtype == torch.float64 else z.float()


def nt_xent(z1: Tensor, z2: Tensor, temperature: float = 0.1) -> Tensor:
    """NT-Xent of SimCLR (Chen et al. 2020): cross-entropy of each anchor over the 2N-1 other rows.

    z1, z2: (N, D) projections of the two views, any scale. Returns the mean over the 2N anchors (the
    original TensorFlow code returns the sum of the two views' means: twice this).
    """
    with torch.autocast(device_type=z1.device.type, enabled=False):
        a, b = F.normalize(_wide(z1), dim=1), F.normalize(_wide(z2), dim=1)
        rows = torch.cat([_gather(a), _gather(b)])
        n, total = len(a), len(rows) // 2
        first = (dist.get_rank() * n if _is_distributed() else 0) + torch.arange(n, device=a.device)
        itself, partner = torch.cat([first, first + total]), torch.cat([first + total, first])
        logits = torch.cat([a, b]) @ rows.T / temperature
        logits = logits.scatter(1, itself[:, None], -math.inf)
        return F.cross_entropy(logits, partner)


def nt_xent_cross_view(z1: Tensor, z2: Tensor, temperature: float = 0.1) -> Tensor:
    """NT-Xent over the N rows of the other view alone, as in the notebooks of Lu et al. 2022. Shapes as `nt_xent`."""
    with torch.autocast(device_type=z1.device.type, enabled=False):
        a, b = F.normalize(_wide(z1), dim=1), F.normalize(_wide(z2), dim=1)
        n = len(a)
        partner = (dist.get_rank() * n if _is_distributed() else 0) + torch.arange(n, device=a.device)
        logits = torch.cat([a @ _gather(b).T, b @ _gather(a).T]) / temperature
        return F.cross_entropy(logits, torch.cat([partner, partner]))


def nt_xent_collapse(n: int, others: int | None = None) -> float:
    """NT-Xent where all rows are equal: ln(1 + others), by default the 2N-2 that are no partner: ln(2N-1)."""
    return math.log1p(2 * n - 2 if others is None else others)


def nt_xent_floor(n: int, temperature: float, others: int | None = None) -> float:
    """NT-Xent of aligned pairs with the N images spread evenly: ln(1 + others * exp(-N / ((N-1) t)))."""
    return math.log1p((2 * n - 2 if others is None else others) * math.exp(-n / ((n - 1) * temperature)))


def barlow_twins(z1: Tensor, z2: Tensor, lambd: float = 0.005, eps: float = 1e-5) -> Tensor:
    """Barlow Twins (Zbontar et al. 2021): sum_i (1 - C_ii)^2 + lambd * sum_{i != j} C_ij^2.

    z1, z2: (N, D) projections of the two views. C: correlation over the (global) batch, biased variance + eps.
    """
    diagonal, off_diagonal = _redundancy(z1, z2, eps)
    return diagonal + lambd * off_diagonal


def barlow_twins_mean(z1: Tensor, z2: Tensor, lambd: float = 0.005, eps: float = 1e-5) -> Tensor:
    """Barlow Twins with both sums divided by their number of terms, D and D(D-1), as in the notebooks of Lu et al."""
    diagonal, off_diagonal = _redundancy(z1, z2, eps)
    d = z1.shape[1]
    return diagonal / d + lambd * off_diagonal / (d * (d - 1))


def barlow_twins_off_diagonal_floor(n: int, d: int) -> float:
    """The least sum_{i != j} C_ij^2 beside a perfect diagonal: a correlation of N rows has rank N-1 at most."""
    return max(0.0, d * d / (n - 1) - d)


def _redundancy(z1: Tensor, z2: Tensor, eps: float) -> tuple[Tensor, Tensor]:
    """sum_i (1 - C_ii)^2 and sum_{i != j} C_ij^2."""
    with torch.autocast(device_type=z1.device.type, enabled=False):
        a, b = (_standardise(_gather(_wide(z)), eps) for z in (z1, z2))
        correlation = a.T @ b / len(a)
        diagonal = correlation.diagonal()
        off_diagonal = correlation.square().sum() - diagonal.square().sum()
        return (1 - diagonal).square().sum(), off_diagonal


def _standardise(z: Tensor, eps: float) -> Tensor:
    variance, mean = torch.var_mean(z, dim=0, correction=0)
    return (z - mean) / (variance + eps).sqrt()


def dice(probability: Tensor, target: Tensor, smooth: float = 1e-6) -> Tensor:
    """Mean over images of 1 - Dice (Milletari et al. 2016, without squares).

    probability, target: (N, ...) in 0..1. An empty image predicted empty costs nothing.
    """
    p, t = _wide(probability).flatten(1), target.to(probability.dtype).flatten(1)
    overlap = 2 * (p * t).sum(dim=1) + smooth
    return (1 - overlap / (p.sum(dim=1) + t.sum(dim=1) + smooth)).mean()


def dice_bce(logits: Tensor, target: Tensor, weight: Tensor | None = None, smooth: float = 1.0) -> Tensor:
    """Per-image Dice plus mean binary cross-entropy of one channel; logits and target (N, H, W).

    weight: of every pixel's cross-entropy, (N, H, W).
    The large `smooth` gives an empty image a gradient: with 1e-6 a false positive costs 1 however small.
    """
    target = target.to(logits.dtype)
    return dice(torch.sigmoid(logits), target, smooth) + F.binary_cross_entropy_with_logits(logits, target, weight)
