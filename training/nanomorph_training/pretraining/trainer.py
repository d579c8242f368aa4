"""The state of a run and how a step goes.

`accumulate` does not weaken the loss: the encoder works part by part without keeping its maps, projector and loss see
the whole batch, and a second pass part by part carries the gradient of each embedding through the encoder (GradCache,
Gao et al. 2021). Only the encoder's batch norm counts over a part. It costs one more forward pass.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from nanomorph.errors import ConfigurationError
from nanomorph_training.models import MEAN, STD, Encoder, pool
from nanomorph_training.optim import build_optimiser
from nanomorph_training.pretraining.batches import Batches
from nanomorph_training.pretraining.monitors import spread
from nanomorph_training.pretraining.objective import Objective, objective, projector
from nanomorph_training.pretraining.ranks import ALONE, Ranks, synchronise
from nanomorph_training.pretraining.settings import PretrainSettings
from nanomorph_training.runs.checkpoint import Checkpoint, flatten, optimiser_tensors, restore_optimiser
from nanomorph_training.runs.precision import autocast, gradient_scaler


@dataclass(eq=False)
class Trainer:
    """Networks, optimiser, and the batches they learn from."""

    settings: PretrainSettings
    ranks: Ranks
    batches: Batches
    objective: Objective
    encoder: Encoder
    projector: nn.Module
    optimiser: torch.optim.Optimizer
    scaler: torch.amp.GradScaler

    @classmethod
    def start(
        cls,
        settings: PretrainSettings,
        images: Sequence[np.ndarray],
        sources: Sequence[str],
        ranks: Ranks = ALONE,
        workers: int = 0,
    ) -> Trainer:
        """Fresh weights from the seed. Raises ConfigurationError where the batch cannot be cut into equal parts."""
        parts = ranks.world * settings.accumulate
        if settings.batch % parts or settings.batch // parts < 2:
            raise ConfigurationError(
                f"--batch {settings.batch} cannot be cut into {parts} equal parts of at least 2 images "
                f"({ranks.world} processes, --accumulate {settings.accumulate})"
            )
        torch.manual_seed(settings.seed)
        encoder = Encoder(settings.encoder, settings.weights)
        head = projector(encoder.dim, settings)
        for module in (encoder, head) if ranks.world > 1 else ():
            synchronise(module)
        encoder = encoder.to(ranks.device).to(memory_format=torch.channels_last)
        head = head.to(ranks.device)
        optimiser = build_optimiser(settings.optimiser, [encoder, head], settings.lr, settings.weight_decay)
        batches = Batches(settings, images, sources, parts, ranks.device, workers)
        scaler = gradient_scaler(ranks.device, settings.amp)
        trainer = cls(settings, ranks, batches, objective(settings), encoder, head, optimiser, scaler)
        trainer.share()
        return trainer

    def share(self) -> None:
        """All processes go on from the first one's weights."""
        self.ranks.share(self.encoder)
        self.ranks.share(self.projector)

    def views(self, step: int) -> list[Tensor]:
        """This process's parts of a step's views, each float (2n, 1, S, S) in 0..1, first views first."""
        mine = range(self.settings.accumulate)
        return [self.batches.views(step, self.ranks.rank * self.settings.accumulate + k) for k in mine]

    def embed(self, views: Tensor) -> Tensor:
        """Embeddings float32 (2n, D)."""
        x = ((views - MEAN) / STD).contiguous(memory_format=torch.channels_last)
        with self._precision():
            return pool(self.encoder(x)).float()

    def contrast(self, embedding: Tensor) -> Tensor:
        """The loss of embeddings (2N, D), first views first."""
        with self._precision():
            if self.objective.together:
                z1, z2 = self.projector(embedding).chunk(2)
            else:
                z1, z2 = (self.projector(half) for half in embedding.chunk(2))
        return self.objective.loss(z1, z2)

    def backward(self, step: int) -> tuple[Tensor, Tensor]:
        """Leave the gradients of a step in the parameters; the loss and the embeddings (2N, D) it came from."""
        parts = self.views(step)
        if len(parts) == 1:
            embedding = self.embed(parts[0])
            loss = self.contrast(embedding)
            self.scaler.scale(loss).backward()
            return loss.detach(), embedding.detach()
        with torch.no_grad(), _statistics_untouched(self.encoder):
            embedding = _whole([self.embed(part) for part in parts])
        embedding.requires_grad_()
        loss = self.contrast(embedding)
        self.scaler.scale(loss).backward()
        assert embedding.grad is not None
        for part, gradient in zip(parts, _parts(embedding.grad, len(parts)), strict=True):
            self.embed(part).backward(gradient)
        return loss.detach(), embedding.detach()

    def step(self, number: int, rate: float) -> tuple[float, float]:
        """One update; returns the loss and the embedding's spread (1 = isotropic, 0 = collapsed)."""
        for group in self.optimiser.param_groups:
            group["lr"] = rate
        self.optimiser.zero_grad(set_to_none=True)
        loss, embedding = self.backward(number)
        self.ranks.average_gradients(p for group in self.optimiser.param_groups for p in group["params"])
        self.scaler.step(self.optimiser)
        self.scaler.update()
        mean_loss, mean_spread = self.ranks.mean([float(loss), spread(embedding)])
        return mean_loss, mean_spread

    def checkpoint(self, state: dict[str, Any]) -> Checkpoint:
        """Everything that a resumed run goes on from. state: what is said of the run beside it."""
        tensors = flatten("model.encoder", self.encoder.state_dict())
        tensors |= flatten("projector", self.projector.state_dict())
        tensors |= flatten("optimiser", optimiser_tensors(self.optimiser))
        scaler = {"scaler": self.scaler.state_dict()} if self.scaler.is_enabled() else {}
        return Checkpoint(tensors, {**state, **scaler})

    def restore(self, checkpoint: Checkpoint) -> None:
        """Go on from what `checkpoint` kept."""
        self.encoder.load_state_dict(checkpoint.part("model.encoder"))
        self.projector.load_state_dict(checkpoint.part("projector"))
        restore_optimiser(self.optimiser, checkpoint.part("optimiser"))
        if self.scaler.is_enabled():
            self.scaler.load_state_dict(checkpoint.state["scaler"])

    def _precision(self) -> torch.autocast:
        return autocast(self.ranks.device, self.settings.amp)


def _whole(parts: Sequence[Tensor]) -> Tensor:
    """Parts (2n, D), first views first -> (2N, D), first views first."""
    return torch.cat([part.unflatten(0, (2, -1)) for part in parts], dim=1).flatten(0, 1)


def _parts(whole: Tensor, n: int) -> list[Tensor]:
    """Undo `_whole`."""
    return [part.flatten(0, 1) for part in whole.unflatten(0, (2, -1)).chunk(n, dim=1)]


@contextmanager
def _statistics_untouched(module: nn.Module) -> Iterator[None]:
    """Batch norms count over the batch as in training, but leave their running statistics alone."""
    norms = [m for m in module.modules() if isinstance(m, nn.modules.batchnorm._BatchNorm)]
    for norm in norms:
        norm.track_running_stats = False
    try:
        yield
    finally:
        for norm in norms:
            norm.track_running_stats = True
