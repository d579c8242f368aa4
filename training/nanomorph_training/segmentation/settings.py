"""What a fit of the segmenter computes."""

from dataclasses import dataclass

from nanomorph.cli.options import option
from nanomorph.errors import ConfigurationError
from nanomorph.manifest import STRIDE
from nanomorph_training.ranges import ANY, ENCODERS, OPTIMISERS, PRECISIONS, require_ranges


@dataclass(frozen=True)
class SegmenterSettings:
    """Options of `nanomorph fit-segmenter` that decide what a run computes; all are stored in the checkpoint.

    The weights that are kept are averaged over about the last `average` steps. Of steps, epochs and minutes the first
    that is not 0 sets the length.
    """

    encoder: str = option("network of the encoder", default="resnet18", choices=ENCODERS, flag="--network")
    window: int = option("side of a training window in px", default=224, type=int)
    batch: int = option("windows a step", default=8, type=int)
    steps: int = option("length in steps (default: none; give this, epochs or minutes)", default=0, type=int)
    epochs: float = option("length in passes over the images (default: none)", default=0.0, type=float)
    minutes: float = option(
        "length in minutes of this machine, measured before the first step (default: none)", default=0.0, type=float
    )
    optimiser: str = option("adamw, sgd or lars", default="adamw", choices=OPTIMISERS)
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
    amp: str = option("precision of the forward pass", default="fp32", choices=PRECISIONS)
    seed: int = option("of every random draw", default=0, type=int)
    threads: int = option("CPU threads", default=2, type=int)
    train_on_all: bool = option(
        "use the held-out quarter of the groups too (its scores are then worth nothing)", default=False, type=bool
    )

    def __post_init__(self) -> None:
        counts = ((name, 1, ANY) for name in ("window", "batch", "average", "validate_every", "threads"))
        amounts = ("steps", "epochs", "minutes", "lr", "encoder_lr", "weight_decay", "interior_weight", "seam_weight")
        shares = ((name, 0, 1) for name in ("synthetic", "inscribed", "validation", "warmup"))
        require_ranges(self, *counts, *((name, 0, ANY) for name in amounts), *shares, ("seed", 0, 2**32 - 1))
        if self.window % STRIDE:
            raise ConfigurationError(f"--window {self.window} must be a multiple of {STRIDE}")
        if not 0 < self.scale_min <= self.scale_max:
            raise ConfigurationError(
                f"--scale-min {self.scale_min:g} and --scale-max {self.scale_max:g} must be above 0, in this order"
            )
        if not 0 <= self.keep < 1:
            raise ConfigurationError(f"--keep {self.keep:g} is a share of the weights: from 0, below 1")
