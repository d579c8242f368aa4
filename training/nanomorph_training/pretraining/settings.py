"""What a pretraining run computes, its presets, and how a run is conducted. Nothing here imports torch."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nanomorph.errors import ConfigurationError
from nanomorph.prepare import InputSpec
from nanomorph_training.ranges import ANY, require_ranges

METHODS = ("simclr", "barlow-twins")
VARIANTS = ("published", "notebook")


@dataclass(frozen=True)
class PretrainSettings:
    """What a run computes; everything in it is stored in the checkpoint.

    window: px. batch: images a step (two views each), over all processes. warmup: share of the steps. zoom: +- share.
    variant: losses and head as the methods' papers define them, or as the notebooks of Lu et al. 2022 have them.
    accumulate: parts in which a batch goes through the encoder. amp: precision of the forward pass.
    max_side: px; longest side to which a frame is reduced. nm_per_px: finer calibrated frames are reduced to it (0: to
    what the runtime reduces them to).
    steps, epochs, minutes: the first that is not 0 sets the length.
    """

    method: str = "simclr"
    variant: str = "published"
    encoder: str = "resnet18"
    weights: str = "random"
    window: int = 96
    batch: int = 128
    accumulate: int = 1
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
    max_side: int = InputSpec.max_side
    nm_per_px: float = 0.0
    amp: str = "fp32"
    seed: int = 0
    threads: int = 2
    train_on_all: bool = False

    def __post_init__(self) -> None:
        if self.method not in METHODS:
            raise ConfigurationError(f"--method {self.method} is unknown; choose {' or '.join(METHODS)}")
        if self.batch < 2:
            raise ConfigurationError("--batch must be at least 2: a batch of one has nothing to contrast")
        counts = ((name, 1, ANY) for name in ("window", "accumulate", "hidden", "dim", "max_side", "threads"))
        amounts = ("steps", "epochs", "minutes", "lr", "weight_decay", "lambd", "nm_per_px")
        require_ranges(self, *counts, *((name, 0, ANY) for name in amounts), ("seed", 0, 2**32 - 1))
        require_ranges(self, ("zoom", 0, 0.99), ("warmup", 0, 1), ("temperature", 1e-6, ANY))

    @property
    def input(self) -> InputSpec:
        """How frames are reduced before windows are cut from them."""
        return InputSpec(max_side=self.max_side, nm_per_px_min=self.nm_per_px or InputSpec.nm_per_px_min)


# What differs from the defaults of PretrainSettings. `paper-2022` takes from the notebooks of Lu et al. what defines
# their encoders: network, weights, size, batch, epochs, head, losses. It does not take their mistakes: every image
# draws its own augmentation, the order is random, SGD has momentum (so a tenth of their rate of 0.2 makes the same
# step), and the cosine ends with the run.
PRESETS: dict[str, dict[str, Any]] = {
    "default": {},
    "paper-2022": {
        "variant": "notebook",
        "encoder": "resnet50",
        "weights": "imagenet",
        "window": 224,
        "batch": 64,
        "epochs": 200.0,
        "optimiser": "sgd",
        "lr": 0.02,
        "weight_decay": 0.0,
        "warmup": 0.05,
        "temperature": 0.1,
    },
    "cpu-small": {"batch": 64, "steps": 1000, "hidden": 256, "dim": 64},
}
LENGTHS = ("steps", "epochs", "minutes")


def from_preset(name: str, given: dict[str, Any]) -> PretrainSettings:
    """A preset with what the user gave beside it; a length that is given replaces the preset's, whatever its unit."""
    preset = {key: value for key, value in PRESETS[name].items() if key not in LENGTHS or not set(LENGTHS) & set(given)}
    return PretrainSettings(**{**preset, **given})


@dataclass(frozen=True)
class Conduct:
    """Where a run computes and what is watched meanwhile; nothing of it changes what a run on a CPU computes.

    workers: threads that cut windows ahead of the step. monitor: labelled folders or lists for the kNN accuracy;
    monitor_every: steps (0: ten times a run). save_seconds: between checkpoints; 0 saves after each step.
    """

    device: str = "auto"
    workers: int = 0
    monitor: tuple[Path, ...] = ()
    monitor_every: int = 0
    tensorboard: bool = False
    save_seconds: float = 60.0


UNWATCHED = Conduct()
