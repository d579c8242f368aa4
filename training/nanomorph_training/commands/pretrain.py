"""Pretrain an encoder on unlabelled micrographs (SimCLR or Barlow Twins)."""

from collections.abc import Callable
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from nanomorph.cli.options import option
from nanomorph_training.pretraining.settings import (
    METHODS,
    PRESETS,
    VARIANTS,
    Conduct,
    PretrainSettings,
    from_preset,
)
from nanomorph_training.ranges import ENCODERS, OPTIMISERS, PRECISIONS
from nanomorph_training.runs.run_folder import require_new


def setting(help: str, *, type: Any, choices: Any = None) -> Any:
    """An option whose default is the preset's."""
    return option(help, default=None, type=type, choices=choices)


@dataclass(frozen=True)
class Options:
    data: list[Path] = option(
        "folders, files, archives or CSV lists (column `file`) of micrographs", type=Path, many=True
    )
    out: Path = option("folder of the run", type=Path)
    preset: str = option(
        "where options come from that are not given: default, paper-2022 (as Lu et al. 2022), cpu-small",
        default="default",
        choices=tuple(PRESETS),
    )
    method: str | None = setting("simclr (default) or barlow-twins", type=str, choices=METHODS)
    variant: str | None = setting(
        "losses and head as published (default), or as the notebooks of Lu et al. 2022", type=str, choices=VARIANTS
    )
    encoder: str | None = setting("network (default: resnet18)", type=str, choices=ENCODERS)
    weights: str | None = setting("starting weights (default: random)", type=str, choices=("random", "imagenet"))
    window: int | None = setting("side of a training window in px (default: 96)", type=int)
    batch: int | None = setting("images a step over all processes, two views of each (default: 128)", type=int)
    accumulate: int | None = setting(
        "parts in which a batch goes through the encoder, to save memory; the loss sees the whole batch (default: 1)",
        type=int,
    )
    steps: int | None = setting("length in steps", type=int)
    epochs: float | None = setting("length in passes over the images", type=float)
    minutes: float | None = setting("length in minutes of this machine, measured before the first step", type=float)
    optimiser: str | None = setting("adamw (default), sgd or lars", type=str, choices=OPTIMISERS)
    lr: float | None = setting("peak learning rate (default: 1e-3)", type=float)
    weight_decay: float | None = setting("weight decay (default: 1e-4)", type=float)
    warmup: float | None = setting("share of the steps with a rising rate (default: 0.1)", type=float)
    temperature: float | None = setting("of NT-Xent (simclr; default: 0.2)", type=float)
    lambd: float | None = setting("weight of the off-diagonal (barlow-twins; default: 0.005)", type=float)
    hidden: int | None = setting("projector's hidden width (default: 512)", type=int)
    dim: int | None = setting("projector's output width (default: 128)", type=int)
    zoom: float | None = setting("windows are zoomed by up to this share (default: 0.25)", type=float)
    max_side: int | None = setting(
        "longest side in px to which frames are reduced; more of it gives more windows (default: the runtime's, 384)",
        type=int,
    )
    nm_per_px: float | None = setting(
        "reduce finer calibrated frames to this pixel size (default: as the runtime does, 0.3)", type=float
    )
    amp: str | None = setting("precision of the forward pass (default: fp32)", type=str, choices=PRECISIONS)
    seed: int | None = setting("of every random draw (default: 0)", type=int)
    threads: int | None = setting("CPU threads (default: 2)", type=int)
    device: str = option("auto, cpu or cuda", default="auto", choices=("auto", "cpu", "cuda"))
    workers: int = option("threads that cut windows ahead of the step", default=0, type=int)
    monitor: list[Path] | None = option(
        "labelled folders or lists: accuracy of nearest neighbours while training", default=None, type=Path, many=True
    )
    monitor_every: int = option("steps between two looks at --monitor (0: ten looks a run)", default=0, type=int)
    tensorboard: bool = option("write curves for TensorBoard too (extra tensorboard)", default=False, type=bool)
    save_seconds: float = option("between two checkpoints; 0: after each step", default=60.0, type=float)
    cache: Path | None = option("folder of decoded images (default: the user's cache)", default=None, type=Path)
    resume: str = option("auto: go on from the checkpoint in --out", default="no", choices=("no", "auto"))
    train_on_all: bool = option(
        "use the held-out quarter of the groups too (its scores are then worth nothing)", default=False, type=bool
    )


def settings_of(options: Options) -> PretrainSettings:
    """The preset, and what was given beside it."""
    named = {field.name: getattr(options, field.name) for field in fields(PretrainSettings)}
    return from_preset(options.preset, {name: value for name, value in named.items() if value is not None})


def run(options: Options, report: Callable[[str], None] = print) -> int:
    """Pretrain; 0 when done."""
    require_new(options.out, options.resume)
    settings = settings_of(options)
    from nanomorph_training.micrographs.cache import Cache, default_folder
    from nanomorph_training.pretraining.run import pretrain

    conduct = Conduct(
        options.device,
        options.workers,
        tuple(options.monitor or ()),
        options.monitor_every,
        options.tensorboard,
        options.save_seconds,
    )
    cache = Cache(options.cache or default_folder())
    steps = pretrain(options.data, options.out, settings, cache, options.resume == "auto", conduct)
    report(f"{steps} steps done; the encoder is in {options.out}")
    return 0
