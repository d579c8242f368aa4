"""How a step of the segmenter goes: foreground, and the interior that tells touching particles apart.

Loss: per-image Dice plus cross-entropy on both channels; between touching instances the interior's cross-entropy
weighs more, as in U-Net (Ronneberger et al. 2015, equation 2).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.optim.swa_utils import AveragedModel

from nanomorph_training import data, losses
from nanomorph_training.augment import Ranges, apply_d4, draw_d4, intensity
from nanomorph_training.micrographs import windows
from nanomorph_training.micrographs.targets import FOREGROUND, INTERIOR, SEAM
from nanomorph_training.models import MEAN, STD, Backbone, build_backbone
from nanomorph_training.optim import build_optimiser
from nanomorph_training.predict import Labelled
from nanomorph_training.runs.checkpoint import Checkpoint, flatten, optimiser_tensors, restore_optimiser
from nanomorph_training.runs.precision import autocast, gradient_scaler
from nanomorph_training.segmentation.settings import SegmenterSettings
from nanomorph_training.synthesis.inscriptions import inscribed

CPU = torch.device("cpu")
Tensors = tuple[Tensor, ...] | list[Tensor]


@dataclass(eq=False)
class SegmenterTrainer:
    """The state of a run. backbone: what is trained; averaged: its moving average."""

    settings: SegmenterSettings
    labelled: Sequence[Labelled]
    backbone: Backbone
    optimiser: torch.optim.Optimizer
    averaged: AveragedModel
    scaler: torch.amp.GradScaler
    device: torch.device

    @classmethod
    def start(
        cls,
        settings: SegmenterSettings,
        labelled: Sequence[Labelled],
        weights: dict[str, Tensor] | None,
        device: torch.device = CPU,
    ) -> SegmenterTrainer:
        """From a pretrain run's weights (`encoder.*`), a segmenter's (`decoder.*` too), or from random ones (None)."""
        torch.manual_seed(settings.seed)
        backbone = build_backbone(settings.encoder)
        if weights is not None:
            unknown = backbone.load_state_dict(weights, strict=False).unexpected_keys
            assert not unknown, unknown
        backbone = backbone.to(device).to(memory_format=torch.channels_last)
        optimiser = build_optimiser(settings.optimiser, [backbone.decoder], settings.lr, settings.weight_decay)
        for group in build_optimiser(
            settings.optimiser, [backbone.encoder], settings.lr, settings.weight_decay
        ).param_groups:
            optimiser.add_param_group({**group, "share": settings.encoder_lr})
        if settings.encoder_lr == 0:
            backbone.encoder.requires_grad_(False)
        averaged = moving_average(backbone, settings.average)
        scaler = gradient_scaler(device, settings.amp)
        return cls(settings, labelled, backbone, optimiser, averaged, scaler, device)

    @cached_property
    def shares(self) -> np.ndarray:
        """How often each micrograph is drawn: float64 (n,)."""
        samples = [x.sample for x in self.labelled]
        return data.shares([s.source for s in samples], [s.is_synthetic for s in samples], self.settings.synthetic)

    def batch(self, step: int) -> tuple[Tensor, Tensor]:
        """Augmented images, float (N, 1, S, S) in 0..1, and targets, float (N, 3, S, S), of a step."""
        settings = self.settings
        rng = np.random.default_rng([settings.seed, step])
        generator = torch.Generator(self.device).manual_seed(settings.seed * 1_000_003 + step)
        # Text has draws of its own: with and without it windows are the same.
        pen = np.random.default_rng([settings.seed, step, 1])
        chosen = data.draw(self.shares, settings.batch, rng)
        pairs = [self._window(self.labelled[n], rng, pen) for n in chosen]
        stacked = torch.from_numpy(np.stack(pairs)).to(self.device)
        turned = apply_d4(stacked, draw_d4(len(stacked), generator))
        images = intensity(turned[:, :1].float() / 255.0, generator, SEGMENTER_RANGES)
        bits = [(turned[:, 1] & bit) > 0 for bit in (FOREGROUND, INTERIOR, SEAM)]
        return images, torch.stack(bits, dim=1).float()

    def _window(self, labelled: Labelled, rng: np.random.Generator, pen: np.random.Generator) -> np.ndarray:
        """A window and its target, uint8 (2, S, S). What text is drawn over stays what it is."""
        settings = self.settings
        scales = (settings.scale_min, settings.scale_max)
        window, target = windows.single(labelled.image, labelled.target, settings.window, scales, rng)
        return np.stack([inscribed(window, pen) if pen.random() < settings.inscribed else window, target])

    @property
    def kept(self) -> Backbone:
        """The averaged weights: what is validated, and kept where it is best."""
        module = self.averaged.module
        assert isinstance(module, Backbone)
        return module

    def loss(self, step: int) -> Tensor:
        """Of the batch of that step, float32 (): foreground, and the interior with its seams."""
        images, target = self.batch(step)
        x = ((images - MEAN) / STD).contiguous(memory_format=torch.channels_last)
        with autocast(self.device, self.settings.amp):
            logits = self.backbone.decoder(x, self.backbone.encoder(x)).float()
        foreground, interior, seam = target.unbind(dim=1)
        apart = losses.dice_bce(logits[:, 1], interior, 1 + self.settings.seam_weight * seam)
        return losses.dice_bce(logits[:, 0], foreground) + self.settings.interior_weight * apart

    def step(self, number: int, rate: float) -> float:
        """Learn from batch `number` at that learning rate; its loss."""
        self.backbone.decoder.train()
        self.backbone.encoder.train(self.settings.encoder_lr > 0)
        for group in self.optimiser.param_groups:
            group["lr"] = rate * group.get("share", 1.0)
        self.optimiser.zero_grad(set_to_none=True)
        loss = self.loss(number)
        self.scaler.scale(loss).backward()
        self.scaler.step(self.optimiser)
        self.scaler.update()
        self.averaged.update_parameters(self.backbone)
        return float(loss.detach())

    def checkpoint(self, state: dict[str, Any], best: dict[str, Tensor]) -> Checkpoint:
        """`model`: the best epoch's weights, what everyone loads. `last`, `averaged`: where a resumed run goes on."""
        tensors = flatten("model", best) | flatten("last", self.backbone.state_dict())
        tensors |= flatten("averaged", self.averaged.state_dict())
        tensors |= flatten("optimiser", optimiser_tensors(self.optimiser))
        scaler = {"scaler": self.scaler.state_dict()} if self.scaler.is_enabled() else {}
        return Checkpoint(tensors, {**state, **scaler})

    def restore(self, checkpoint: Checkpoint) -> dict[str, Tensor]:
        """Go on from what `checkpoint` kept; the best epoch's weights."""
        self.backbone.load_state_dict(checkpoint.part("last"))
        self.averaged.load_state_dict(checkpoint.part("averaged"))
        restore_optimiser(self.optimiser, checkpoint.part("optimiser"))
        if self.scaler.is_enabled():
            self.scaler.load_state_dict(checkpoint.state["scaler"])
        return checkpoint.part("model")


def moving_average(backbone: Backbone, steps: int) -> AveragedModel:
    """A copy that `update_parameters` draws towards the trained weights (Polyak and Juditsky 1992), buffers included.

    It reaches back over about a tenth of the steps so far, at most `steps`: few examples make single steps noisy.
    """

    def update(averaged: Tensors, current: Tensors, number: Tensor | int) -> None:
        weight = max(1 / steps, 10 / (10 + float(number)))
        for kept, new in zip(averaged, current, strict=True):
            kept.copy_(torch.lerp(kept, new, weight) if kept.is_floating_point() else new)

    return AveragedModel(backbone, multi_avg_fn=update, use_buffers=True)


# Masks forgive no blur wider than the thinnest wires; a few frames come with the contrast sign turned.
SEGMENTER_RANGES = Ranges(blur=0.8, noise=0.06, invert=0.05)
