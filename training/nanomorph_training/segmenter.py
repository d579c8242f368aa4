"""Fine-tunes encoder and decoder on masks: foreground, and the interior that tells touching particles apart.

Loss: per-image Dice plus cross-entropy on both channels. The best epoch is chosen on groups (articles) that
are neither trained on nor part of the held-out test quarter.
"""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from nanomorph.errors import ConfigurationError, FatalError
from nanomorph_training import budget, data, losses, machine, windows
from nanomorph_training.augment import Ranges, apply_d4, draw_d4, intensity
from nanomorph_training.cache import Cache
from nanomorph_training.checkpoint import (
    Checkpoint,
    flatten,
    load_checkpoint,
    optimiser_tensors,
    restore_optimiser,
    save_checkpoint,
)
from nanomorph_training.data import Sample
from nanomorph_training.models import MEAN, STD, STRIDE, Backbone, build_backbone
from nanomorph_training.optim import build_optimiser, learning_rate
from nanomorph_training.predict import Labelled, evaluate
from nanomorph_training.resume import must_match, readable
from nanomorph_training.run_folder import RunFolder, plain, versions
from nanomorph_training.targets import FOREGROUND, INTERIOR


@dataclass(frozen=True)
class SegmenterSettings:
    """What a run computes; everything in it is stored in the checkpoint.

    window: px. validation: share of the real groups that choose the best epoch. validate_every: steps.
    encoder_lr: factor on lr for the pretrained encoder; 0 freezes it.
    steps, epochs, minutes: the first that is not 0 sets the length.
    """

    encoder: str = "resnet18"
    window: int = 256
    batch: int = 8
    steps: int = 0
    epochs: float = 0.0
    minutes: float = 0.0
    optimiser: str = "adamw"
    lr: float = 1e-3
    encoder_lr: float = 0.3
    weight_decay: float = 1e-4
    warmup: float = 0.05
    zoom: float = 0.4
    interior_weight: float = 1.0
    validation: float = 0.12
    validate_every: int = 100
    seed: int = 0
    threads: int = 2
    train_on_all: bool = False

    def __post_init__(self) -> None:
        if self.window % STRIDE:
            raise ConfigurationError(f"--window {self.window} must be a multiple of {STRIDE}")


@dataclass(eq=False)
class SegmenterTrainer:
    """The state of a run."""

    settings: SegmenterSettings
    labelled: Sequence[Labelled]
    backbone: Backbone
    optimiser: torch.optim.Optimizer

    @classmethod
    def start(
        cls, settings: SegmenterSettings, labelled: Sequence[Labelled], weights: dict[str, Tensor] | None
    ) -> SegmenterTrainer:
        """From a pretrain run's weights (`encoder.*`), a segmenter's (`decoder.*` too), or from random ones (None)."""
        torch.manual_seed(settings.seed)
        backbone = build_backbone(settings.encoder)
        if weights is not None:
            unknown = backbone.load_state_dict(weights, strict=False).unexpected_keys
            assert not unknown, unknown
        backbone = backbone.to(memory_format=torch.channels_last)
        optimiser = build_optimiser(settings.optimiser, [backbone.decoder], settings.lr, settings.weight_decay)
        for group in build_optimiser(
            settings.optimiser, [backbone.encoder], settings.lr, settings.weight_decay
        ).param_groups:
            optimiser.add_param_group({**group, "share": settings.encoder_lr})
        if settings.encoder_lr == 0:
            backbone.encoder.requires_grad_(False)
        return cls(settings, labelled, backbone, optimiser)

    def batch(self, step: int) -> tuple[Tensor, Tensor]:
        """Augmented images, float (N, 1, S, S) in 0..1, and targets, float (N, 2, S, S), of a step."""
        settings = self.settings
        rng = np.random.default_rng([settings.seed, step])
        generator = torch.Generator().manual_seed(settings.seed * 1_000_003 + step)
        chosen = [self.labelled[n] for n in data.draw([x.sample.source for x in self.labelled], settings.batch, rng)]
        pairs = [windows.single(x.image, x.target, settings.window, settings.zoom, rng) for x in chosen]
        stacked = torch.from_numpy(np.stack([np.stack(pair) for pair in pairs]))
        turned = apply_d4(stacked, draw_d4(len(stacked), generator))
        images = intensity(turned[:, :1].float() / 255.0, generator, SEGMENTER_RANGES)
        bits = [(turned[:, 1] & bit) > 0 for bit in (FOREGROUND, INTERIOR)]
        return images, torch.stack(bits, dim=1).float()

    def loss(self, step: int) -> Tensor:
        images, target = self.batch(step)
        x = ((images - MEAN) / STD).contiguous(memory_format=torch.channels_last)
        logits = self.backbone.decoder(x, self.backbone.encoder(x))
        interior = losses.dice_bce(logits[:, 1], target[:, 1])
        return losses.dice_bce(logits[:, 0], target[:, 0]) + self.settings.interior_weight * interior

    def step(self, number: int, rate: float) -> float:
        self.backbone.decoder.train()
        self.backbone.encoder.train(self.settings.encoder_lr > 0)
        for group in self.optimiser.param_groups:
            group["lr"] = rate * group.get("share", 1.0)
        self.optimiser.zero_grad(set_to_none=True)
        loss = self.loss(number)
        loss.backward()
        self.optimiser.step()
        return float(loss.detach())

    def checkpoint(self, state: dict[str, Any], best: dict[str, Tensor]) -> Checkpoint:
        """`model`: the best epoch's weights, what everyone loads. `last`: where a resumed run goes on."""
        tensors = flatten("model", best) | flatten("last", self.backbone.state_dict())
        return Checkpoint(tensors | flatten("optimiser", optimiser_tensors(self.optimiser)), state)

    def restore(self, checkpoint: Checkpoint) -> dict[str, Tensor]:
        self.backbone.load_state_dict(checkpoint.part("last"))
        restore_optimiser(self.optimiser, checkpoint.part("optimiser"))
        return checkpoint.part("model")


# Masks forgive no blur wider than the thinnest wires; a few frames come with the contrast sign turned.
SEGMENTER_RANGES = Ranges(blur=0.8, noise=0.06, invert=0.05)


def fit_segmenter(
    paths: Sequence[Path],
    encoder: Path | None,
    out: Path,
    settings: SegmenterSettings,
    cache: Cache,
    resume: bool = False,
) -> dict[str, Any]:
    """Train and leave the best epoch's backbone in `out`; returns its state. `encoder`: a run; None = random."""
    machine.set_up(settings.threads)
    run = RunFolder(out)
    earlier = load_checkpoint(out) if resume and (out / "checkpoint.safetensors").exists() else None
    samples = _usable(paths, settings)
    fingerprint = data.fingerprint(samples)
    training, validation = _load(samples, settings, cache, run)
    start = None if encoder is None else load_checkpoint(encoder)
    if start is not None and start.state["encoder"] != settings.encoder:
        raise ConfigurationError(f"{encoder} is a {start.state['encoder']}: add --network {start.state['encoder']}")
    trainer = SegmenterTrainer.start(settings, training, None if start is None else start.part("model"))
    repeat = {"data": [str(p) for p in paths], "encoder": str(encoder or "random"), "out": str(out)}
    run.write_repeat("fit-segmenter", _command_options(repeat, settings), fingerprint)
    first, state, best = _resume_or_start(trainer, earlier, fingerprint, len(validation), run)
    state["pretrained_from"] = None if start is None else start.state
    return _loop(trainer, validation, first, state, best, run)


def _command_options(repeat: dict[str, Any], settings: SegmenterSettings) -> dict[str, Any]:
    options = plain(settings)
    return {**repeat, "network": options.pop("encoder"), **options}


def _usable(paths: Sequence[Path], settings: SegmenterSettings) -> list[Sample]:
    samples = [sample for sample in data.collect(paths) if sample.mask is not None]
    if not settings.train_on_all:
        samples = data.without_held_out(samples)
    if not samples:
        raise ConfigurationError(
            "no micrograph has a mask: give CSV lists with columns file and mask (or instance_mask)"
        )
    return samples


def _load(
    samples: Sequence[Sample], settings: SegmenterSettings, cache: Cache, run: RunFolder
) -> tuple[list[Labelled], list[Labelled]]:
    labelled = readable(samples, lambda sample: Labelled(cache.image(sample), cache.target(sample), sample), run)
    chosen = validation_split([x.sample for x in labelled], settings.validation)
    training = [x for x, out in zip(labelled, chosen, strict=True) if not out]
    return training, [x for x, out in zip(labelled, chosen, strict=True) if out]


MAX_VALIDATION = 40


def validation_split(samples: Sequence[Sample], fraction: float) -> np.ndarray:
    """Boolean (n,): whole groups of real images (of any, where none is real) that choose the best epoch.

    A sample without a group is a group of its own only where nothing else is known: then its folder counts
    as training, unless every sample is without one.
    """
    eligible = np.array([bool(s.group) and not s.is_synthetic for s in samples])
    if not eligible.any():
        eligible = np.ones(len(samples), dtype=bool)
    groups = [s.group or str(s.path) for s in samples]
    chosen = np.zeros(len(samples), dtype=bool)
    chosen[eligible] = group_split_of(groups, eligible, fraction)
    return chosen


def group_split_of(groups: Sequence[str], eligible: np.ndarray, fraction: float) -> np.ndarray:
    """`data.group_split` of the eligible ones, at most MAX_VALIDATION images or so."""
    names = [group for group, yes in zip(groups, eligible, strict=True) if yes]
    return data.group_split(names, min(fraction, MAX_VALIDATION / len(names)), salt="segmenter-validation")


def _resume_or_start(
    trainer: SegmenterTrainer, earlier: Checkpoint | None, fingerprint: str, n_validation: int, run: RunFolder
) -> tuple[int, dict[str, Any], dict[str, Tensor]]:
    settings = trainer.settings
    if earlier is not None:
        must_match(earlier.state, settings, fingerprint)
        best = trainer.restore(earlier)
        run.forget_after(earlier.state["step"])
        run.say(f"resumed at step {earlier.state['step']} of {earlier.state['total_steps']}")
        return earlier.state["step"], dict(earlier.state), best
    run.forget_after(-1)
    n = len(trainer.labelled)

    def trial_second() -> float:
        trainer.backbone.train()
        return budget.seconds_per_step(lambda k: trainer.loss(k).backward(), [trainer.backbone])

    steps = budget.total_steps(settings.steps, settings.epochs, settings.minutes, n, settings.batch, trial_second)
    run.say(f"segmenter on {n} micrographs, {n_validation} more for validation: {steps} steps of {settings.batch}")
    state = {
        "kind": "backbone",
        "encoder": settings.encoder,
        "settings": plain(settings),
        "mean": MEAN,
        "std": STD,
        "data_fingerprint": fingerprint,
        "n_images": n,
        "n_validation": n_validation,
        "total_steps": steps,
        "step": 0,
        "best": {"step": 0, "dice": -1.0},
        "versions": versions(),
    }
    return 0, state, trainer.backbone.state_dict()


def _loop(
    trainer: SegmenterTrainer,
    validation: Sequence[Labelled],
    first: int,
    state: dict[str, Any],
    best: dict[str, Tensor],
    run: RunFolder,
) -> dict[str, Any]:
    settings, total = trainer.settings, state["total_steps"]
    warmup = max(1, round(settings.warmup * total))
    began, recent = time.monotonic(), []
    for step in range(first, total):
        loss = trainer.step(step, learning_rate(step, total, warmup, settings.lr))
        if not math.isfinite(loss):
            raise FatalError(
                f"the loss became {loss} at step {step + 1}; start again with a smaller --lr than {settings.lr}"
            )
        recent.append(loss)
        state["step"] = step + 1
        if (step + 1) % settings.validate_every and step + 1 < total:
            continue
        scores = evaluate(trainer.backbone, validation or trainer.labelled[:MAX_VALIDATION])
        speed = (step + 1 - first) * settings.batch / (time.monotonic() - began)
        run.record({"step": step + 1, "loss": float(np.mean(recent)), **scores, "images_per_s": round(speed, 2)})
        run.say(_progress(state, float(np.mean(recent)), scores, speed))
        recent = []
        if scores["dice"] > state["best"]["dice"]:
            state["best"] = {"step": step + 1, **scores}
            best = {name: tensor.clone() for name, tensor in trainer.backbone.state_dict().items()}
        save_checkpoint(run.path, trainer.checkpoint(state, best))
    return state


def _progress(state: dict[str, Any], loss: float, scores: dict[str, float], speed: float) -> str:
    left = (state["total_steps"] - state["step"]) * state["settings"]["batch"] / speed
    return (
        f"step {state['step']}/{state['total_steps']}  loss {loss:.4f}  Dice {scores['dice']:.4f} "
        f"IoU {scores['iou']:.4f} interior Dice {scores['interior_dice']:.4f}  {speed:.1f} images/s  {left:.0f} s left"
    )


def load_backbone(run: Path) -> Backbone:
    """The trained backbone of a fit-segmenter run, in eval mode; of a pretrain run with an untrained decoder."""
    checkpoint = load_checkpoint(run)
    state = checkpoint.state
    backbone = build_backbone(state["encoder"], mean=state["mean"], std=state["std"])
    if state["kind"] == "backbone":
        backbone.load_state_dict(checkpoint.part("model"))
    else:
        backbone.encoder.load_state_dict(checkpoint.part("model.encoder"))
    return backbone.eval()
