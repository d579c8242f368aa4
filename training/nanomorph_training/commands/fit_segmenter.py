"""Train foreground and interior maps from masks, on a pretrained encoder."""

from collections.abc import Callable
from dataclasses import dataclass, fields
from pathlib import Path

from nanomorph.cli.options import option
from nanomorph.errors import ConfigurationError


@dataclass(frozen=True)
class Options:
    data: list[Path] = option(
        "CSV lists (file, mask or instance_mask[, group]) or folders with images/ and masks/", type=Path, many=True
    )
    out: Path = option("folder of the run", type=Path)
    encoder: str = option(
        "a pretrain run, a segmenter to train further (a run, a bundle, or `embedded`), or `random`",
        default="random",
        metavar="RUN",
    )
    network: str = option("network of the encoder", default="resnet18", choices=("resnet18", "resnet34", "resnet50"))
    window: int = option("side of a training window in px", default=224, type=int)
    batch: int = option("windows a step", default=8, type=int)
    steps: int = option("length in steps (default: none; give this, epochs or minutes)", default=0, type=int)
    epochs: float = option("length in passes over the images (default: none)", default=0.0, type=float)
    minutes: float = option(
        "length in minutes of this machine, measured before the first step (default: none)", default=0.0, type=float
    )
    optimiser: str = option("adamw, sgd or lars", default="adamw", choices=("adamw", "sgd", "lars"))
    lr: float = option("peak learning rate of the decoder", default=1e-3, type=float)
    encoder_lr: float = option("the encoder's share of it; 0 freezes the encoder", default=0.3, type=float)
    weight_decay: float = option("weight decay", default=1e-4, type=float)
    warmup: float = option("share of the steps with a rising rate", default=0.05, type=float)
    scale_min: float = option("smallest scale of a window; smaller ones show more of a frame", default=0.55, type=float)
    scale_max: float = option("largest scale of a window", default=1.3, type=float)
    average: int = option("weights are averaged over about so many last steps; 1: not at all", default=100, type=int)
    interior_weight: float = option("weight of the interior's loss", default=1.0, type=float)
    seam_weight: float = option("more weight of the interior between touching instances", default=9.0, type=float)
    synthetic: float = option("largest share of the windows from synthetic fields", default=1.0, type=float)
    inscribed: float = option("share of the windows that text is drawn over", default=0.25, type=float)
    keep: float = option(
        "share of the starting segmenter's weights in the result: .5 learns what is new and forgets little",
        default=0.0,
        type=float,
    )
    validation: float = option("share of the groups that chooses the best epoch", default=0.12, type=float)
    validate_every: int = option("steps between validations (and checkpoints)", default=100, type=int)
    amp: str = option("precision of the forward pass", default="fp32", choices=("fp32", "bf16", "fp16"))
    seed: int = option("of every random draw", default=0, type=int)
    threads: int = option("CPU threads", default=2, type=int)
    device: str = option("auto, cpu or cuda", default="auto", choices=("auto", "cpu", "cuda"))
    cache: Path | None = option("folder of decoded images (default: the user's cache)", default=None, type=Path)
    resume: str = option("auto: go on from the checkpoint in --out", default="no", choices=("no", "auto"))
    train_on_all: bool = option(
        "use the held-out quarter of the groups too (its scores are then worth nothing)", default=False, type=bool
    )


def run(options: Options, report: Callable[[str], None] = print) -> int:
    """Train; 0 when done."""
    from nanomorph_training.cache import Cache, default_folder
    from nanomorph_training.segmentation.run import fit_segmenter
    from nanomorph_training.segmentation.settings import SegmenterSettings

    if options.resume == "no" and (options.out / "checkpoint.safetensors").exists():
        raise ConfigurationError(f"{options.out} already holds a run: add --resume auto, or give another --out")
    named = {f.name: getattr(options, f.name) for f in fields(SegmenterSettings) if f.name != "encoder"}
    settings = SegmenterSettings(encoder=options.network, **named)
    encoder = None if options.encoder == "random" else Path(options.encoder)
    cache = Cache(options.cache or default_folder())
    state = fit_segmenter(options.data, encoder, options.out, settings, cache, options.resume == "auto", options.device)
    step, dice, iou = (state["best"][name] for name in ("step", "dice", "iou"))
    validated = state["n_validation"] or state["n_synthetic_validation"]
    where = "validation groups" if validated else "the micrographs that it learned from: nothing was validated"
    report(f"best at step {step}: Dice {dice:.3f}, IoU {iou:.3f} at 0.5 ({where}); in {options.out}")
    return 0
