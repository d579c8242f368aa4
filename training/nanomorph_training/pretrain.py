"""Self-supervised pretraining of an encoder: SimCLR (Chen et al. 2020) and Barlow Twins (Zbontar et al. 2021).

Batch and augmentation of a step are functions of (seed, step), the learning rate of the step alone: a run
resumed from any checkpoint ends bit-identical (CPU) to one never stopped.
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
from torch import Tensor, nn

from nanomorph.errors import ConfigurationError, FatalError
from nanomorph_training import budget, data, losses, machine, windows
from nanomorph_training.augment import Ranges, view
from nanomorph_training.cache import Cache
from nanomorph_training.checkpoint import (
    Checkpoint,
    flatten,
    load_checkpoint,
    optimiser_tensors,
    restore_optimiser,
    save_checkpoint,
)
from nanomorph_training.models import MEAN, STD, Encoder, Projector, pool
from nanomorph_training.optim import build_optimiser, learning_rate
from nanomorph_training.resume import must_match, readable
from nanomorph_training.run_folder import RunFolder, plain, versions

METHODS = ("simclr", "barlow-twins")
# An embedding whose L2-normalised dimensions spread less than this share of the isotropic 1/sqrt(D) is one point.
COLLAPSED = 0.02


@dataclass(frozen=True)
class PretrainSettings:
    """What a run computes; everything in it is stored in the checkpoint.

    window: px. batch: images a step (two views each). warmup: share of the steps. zoom: +- share.
    steps, epochs, minutes: the first that is not 0 sets the length.
    """

    method: str = "simclr"
    encoder: str = "resnet18"
    weights: str = "random"
    window: int = 96
    batch: int = 128
    steps: int = 0
    epochs: float = 0.0
    minutes: float = 0.0
    optimiser: str = "adamw"
    lr: float = 1e-3
    weight_decay: float = 1e-4
    warmup: float = 0.1
    temperature: float = 0.2
    lambd: float = 0.005
    hidden: int = 512
    dim: int = 128
    zoom: float = 0.25
    seed: int = 0
    threads: int = 2
    train_on_all: bool = False

    def __post_init__(self) -> None:
        if self.method not in METHODS:
            raise ConfigurationError(f"--method {self.method} is unknown; choose {' or '.join(METHODS)}")
        if self.batch < 2:
            raise ConfigurationError("--batch must be at least 2: a batch of one has nothing to contrast")


@dataclass(eq=False)
class Trainer:
    """The state of a run: networks, optimiser and the images they learn from."""

    settings: PretrainSettings
    images: Sequence[np.ndarray]
    sources: Sequence[str]
    encoder: Encoder
    projector: Projector
    optimiser: torch.optim.Optimizer

    @classmethod
    def start(cls, settings: PretrainSettings, images: Sequence[np.ndarray], sources: Sequence[str]) -> Trainer:
        """Fresh weights from the seed."""
        torch.manual_seed(settings.seed)
        encoder = Encoder(settings.encoder, settings.weights).to(memory_format=torch.channels_last)
        projector = Projector(encoder.dim, settings.hidden, settings.dim, settings.method)
        optimiser = build_optimiser(settings.optimiser, [encoder, projector], settings.lr, settings.weight_decay)
        return cls(settings, images, sources, encoder, projector, optimiser)

    def batch(self, step: int) -> tuple[Tensor, Tensor]:
        """Two views, uint8 (N, 1, S, S), of the images of a step."""
        rng = np.random.default_rng([self.settings.seed, step])
        chosen = data.draw(data.shares(self.sources), self.settings.batch, rng)
        pairs = [windows.pair(self.images[n], self.settings.window, self.settings.zoom, rng) for n in chosen]
        first, second = (torch.from_numpy(np.stack(views))[:, None] for views in zip(*pairs, strict=True))
        return first, second

    def views(self, step: int) -> Tensor:
        """Both augmented views of a step, first ones first: float (2N, 1, S, S) in 0..1."""
        generator = torch.Generator().manual_seed(self.settings.seed * 1_000_003 + step)
        return torch.cat([view(images, generator, Ranges()) for images in self.batch(step)])

    def loss(self, step: int) -> tuple[Tensor, Tensor]:
        """The loss of a step and the embeddings it came from (2N, D)."""
        x = ((self.views(step) - MEAN) / STD).contiguous(memory_format=torch.channels_last)
        embedding = pool(self.encoder(x))
        if self.settings.method == "simclr":
            z1, z2 = self.projector(embedding).chunk(2)
            return losses.nt_xent(z1, z2, self.settings.temperature), embedding.detach()
        z1, z2 = (self.projector(half) for half in embedding.chunk(2))
        return losses.barlow_twins(z1, z2, self.settings.lambd), embedding.detach()

    def step(self, number: int, rate: float) -> tuple[float, float]:
        """One update; returns the loss and the embedding's spread (1 = isotropic, 0 = collapsed)."""
        for group in self.optimiser.param_groups:
            group["lr"] = rate
        self.optimiser.zero_grad(set_to_none=True)
        loss, embedding = self.loss(number)
        loss.backward()
        self.optimiser.step()
        return float(loss.detach()), spread(embedding)

    def checkpoint(self, state: dict[str, Any]) -> Checkpoint:
        tensors = flatten("model.encoder", self.encoder.state_dict())
        tensors |= flatten("projector", self.projector.state_dict())
        tensors |= flatten("optimiser", optimiser_tensors(self.optimiser))
        return Checkpoint(tensors, state)

    def restore(self, checkpoint: Checkpoint) -> None:
        self.encoder.load_state_dict(checkpoint.part("model.encoder"))
        self.projector.load_state_dict(checkpoint.part("projector"))
        restore_optimiser(self.optimiser, checkpoint.part("optimiser"))


def spread(embedding: Tensor) -> float:
    """Mean standard deviation of the L2-normalised embedding's dimensions, times sqrt(D): near 1 if isotropic."""
    unit = nn.functional.normalize(embedding, dim=1)
    return float(unit.std(dim=0).mean() * math.sqrt(embedding.shape[1]))


def pretrain(paths: Sequence[Path], out: Path, settings: PretrainSettings, cache: Cache, resume: bool = False) -> int:
    """Train and leave a checkpoint in `out`; returns the number of steps done. Raises FatalError on NaN or collapse."""
    machine.set_up(settings.threads)
    run = RunFolder(out)
    earlier = load_checkpoint(out) if resume and (out / "checkpoint.safetensors").exists() else None
    samples = data.collect(paths)
    if not settings.train_on_all:
        samples = data.without_held_out(samples)
    opened = readable(samples, lambda sample: (sample, cache.image(sample)), run)
    samples, images = [sample for sample, _ in opened], [image for _, image in opened]
    if len(images) < 2:
        raise ConfigurationError("fewer than two readable micrographs: name more with --data")
    fingerprint = data.fingerprint(samples)
    trainer = Trainer.start(settings, images, [sample.source for sample in samples])
    first, state = _resume_or_start(trainer, earlier, settings, fingerprint, len(samples), run)
    run.write_repeat("pretrain", {"data": [str(p) for p in paths], "out": str(out), **plain(settings)}, fingerprint)
    _write_contact_sheet(trainer, out / "views.png")
    _loop(trainer, first, state, run)
    return state["total_steps"]


def _resume_or_start(
    trainer: Trainer, earlier: Checkpoint | None, settings: PretrainSettings, fingerprint: str, n: int, run: RunFolder
) -> tuple[int, dict[str, Any]]:
    if earlier is not None:
        must_match(earlier.state, settings, fingerprint)
        trainer.restore(earlier)
        run.forget_after(earlier.state["step"])
        run.say(f"resumed at step {earlier.state['step']} of {earlier.state['total_steps']}")
        return earlier.state["step"], {**earlier.state}
    run.forget_after(-1)

    def trial_second() -> float:
        return budget.seconds_per_step(lambda k: trainer.loss(k)[0].backward(), [trainer.encoder, trainer.projector])

    steps = budget.total_steps(settings.steps, settings.epochs, settings.minutes, n, settings.batch, trial_second)
    run.say(f"{settings.method} on {n} micrographs: {steps} steps of {settings.batch} images, {settings.window} px")
    state = {
        "kind": "encoder",
        "encoder": settings.encoder,
        "settings": plain(settings),
        "mean": MEAN,
        "std": STD,
        "data_fingerprint": fingerprint,
        "n_images": n,
        "total_steps": steps,
        "step": 0,
        "versions": versions(),
    }
    return 0, state


SAVE_SECONDS = 60.0


def _loop(trainer: Trainer, first: int, state: dict[str, Any], run: RunFolder) -> None:
    settings, total = trainer.settings, state["total_steps"]
    warmup = max(1, round(settings.warmup * total))
    began = saved = time.monotonic()
    for step in range(first, total):
        rate = learning_rate(step, total, warmup, settings.lr)
        loss, width = trainer.step(step, rate)
        _check(loss, width, step, settings)
        speed = (step + 1 - first) * settings.batch / (time.monotonic() - began)
        run.record({"step": step + 1, "loss": loss, "lr": rate, "spread": width, "images_per_s": round(speed, 2)})
        state["step"] = step + 1
        last = step + 1 == total
        if last or time.monotonic() - saved > SAVE_SECONDS:
            save_checkpoint(run.path, trainer.checkpoint({**state, "loss": loss, "spread": width}))
            saved = time.monotonic()
        if last or step == first or (step + 1) % 10 == 0:
            left = (total - step - 1) * settings.batch / speed
            run.say(
                f"step {step + 1}/{total}  loss {loss:.4f}  spread {width:.2f}  {speed:.1f} images/s  {left:.0f} s left"
            )


def _check(loss: float, width: float, step: int, settings: PretrainSettings) -> None:
    """Stop on a loss or an embedding that no further step can mend."""
    if not math.isfinite(loss):
        raise FatalError(
            f"the loss became {loss} at step {step + 1}; start again with a smaller --lr than {settings.lr}"
        )
    if step >= 20 and width < COLLAPSED:
        raise FatalError(
            f"the embedding collapsed to one point at step {step + 1} (spread {width:.4f}); "
            f"start again with a smaller --lr than {settings.lr} or a larger --batch than {settings.batch}"
        )


def _write_contact_sheet(trainer: Trainer, path: Path, pairs: int = 16) -> None:
    """Sixteen images' two views, one above the other, for a person to look at before the run goes on."""
    from PIL import Image

    n = min(pairs, trainer.settings.batch)
    views = (trainer.views(0) * 255).to(torch.uint8)[:, 0].numpy()
    rows = [np.hstack(list(half[:n])) for half in (views[: len(views) // 2], views[len(views) // 2 :])]
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.vstack(rows)).save(path)
