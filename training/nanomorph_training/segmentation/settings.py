"""What a fit of the segmenter computes."""

from __future__ import annotations

from dataclasses import dataclass

from nanomorph.errors import ConfigurationError
from nanomorph_training.models import STRIDE
from nanomorph_training.ranges import ANY, require_ranges


@dataclass(frozen=True)
class SegmenterSettings:
    """What a run computes; everything in it is stored in the checkpoint.

    window: px. scale_min, scale_max: range of a window's scale relative to how the runtime sees a frame.
    amp: precision of the forward pass: fp32, bf16 or fp16.
    average: the weights that are kept are a moving average over the last steps, about so many.
    keep: share of the starting segmenter's weights in the result; what is new is then learned without forgetting.
    validation: share of the real groups that choose the best epoch. validate_every: steps.
    seam_weight: by how much more the interior's cross-entropy counts between touching instances.
    inscribed: share of the windows that text and bars are drawn over.
    encoder_lr: factor on lr for the pretrained encoder; 0 freezes it. synthetic: the largest share of the windows
    that synthetic fields get where there are real masks.
    steps, epochs, minutes: the first that is not 0 sets the length.
    """

    encoder: str = "resnet18"
    window: int = 224
    batch: int = 8
    steps: int = 0
    epochs: float = 0.0
    minutes: float = 0.0
    optimiser: str = "adamw"
    lr: float = 1e-3
    encoder_lr: float = 0.3
    weight_decay: float = 1e-4
    warmup: float = 0.05
    scale_min: float = 0.55
    scale_max: float = 1.3
    average: int = 100
    interior_weight: float = 1.0
    seam_weight: float = 9.0
    synthetic: float = 1.0
    inscribed: float = 0.25
    keep: float = 0.0
    validation: float = 0.12
    validate_every: int = 100
    amp: str = "fp32"
    seed: int = 0
    threads: int = 2
    train_on_all: bool = False

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
