"""Pretrain an encoder on unlabelled micrographs (SimCLR or Barlow Twins)."""

from collections.abc import Callable
from dataclasses import dataclass, fields
from pathlib import Path

from nanomorph.cli.options import option
from nanomorph.errors import ConfigurationError

METHODS, ENCODERS = ("simclr", "barlow-twins"), ("resnet18", "resnet34", "resnet50")


@dataclass(frozen=True)
class Options:
    data: list[Path] = option("folders, files or CSV lists (column `file`) of micrographs", type=Path, many=True)
    out: Path = option("folder of the run", type=Path)
    method: str = option("simclr or barlow-twins", default="simclr", choices=METHODS)
    encoder: str = option("network", default="resnet18", choices=ENCODERS)
    weights: str = option("starting weights", default="random", choices=("random", "imagenet"))
    window: int = option("side of a training window in px", default=96, type=int)
    batch: int = option("images a step, two views of each", default=128, type=int)
    steps: int = option("length in steps", default=0, type=int)
    epochs: float = option("length in passes over the images", default=0.0, type=float)
    minutes: float = option(
        "length in minutes of this machine, measured before the first step", default=0.0, type=float
    )
    optimiser: str = option("adamw, sgd or lars", default="adamw", choices=("adamw", "sgd", "lars"))
    lr: float = option("peak learning rate", default=1e-3, type=float)
    weight_decay: float = option("weight decay", default=1e-4, type=float)
    warmup: float = option("share of the steps with a rising rate", default=0.1, type=float)
    temperature: float = option("of NT-Xent (simclr)", default=0.2, type=float)
    lambd: float = option("weight of the off-diagonal (barlow-twins)", default=0.005, type=float)
    hidden: int = option("projector's hidden width", default=512, type=int)
    dim: int = option("projector's output width", default=128, type=int)
    zoom: float = option("windows are zoomed by up to this share", default=0.25, type=float)
    seed: int = option("of every random draw", default=0, type=int)
    threads: int = option("CPU threads", default=2, type=int)
    cache: Path | None = option("folder of decoded images (default: the user's cache)", default=None, type=Path)
    resume: str = option("auto: go on from the checkpoint in --out", default="no", choices=("no", "auto"))
    train_on_all: bool = option(
        "use the held-out quarter of the groups too (its scores are then worth nothing)", default=False, type=bool
    )


def run(options: Options, report: Callable[[str], None] = print) -> int:
    """Pretrain; 0 when done."""
    from nanomorph_training.cache import Cache, default_folder
    from nanomorph_training.pretrain import PretrainSettings, pretrain

    if options.resume == "no" and (options.out / "checkpoint.safetensors").exists():
        raise ConfigurationError(f"{options.out} already holds a run: add --resume auto, or give another --out")
    settings = PretrainSettings(**{f.name: getattr(options, f.name) for f in fields(PretrainSettings)})
    cache = Cache(options.cache or default_folder())
    steps = pretrain(options.data, options.out, settings, cache, resume=options.resume == "auto")
    report(f"{steps} steps done; the encoder is in {options.out}")
    return 0
