"""What a study compares; everything in it decides its numbers."""

from dataclasses import dataclass
from pathlib import Path

from nanomorph.cli.options import option
from nanomorph.errors import ConfigurationError
from nanomorph_training.ranges import ANY, ENCODERS, PRECISIONS, require_ranges

CLASSIFICATION, SEGMENTATION = "classification", "segmentation"
FIELD, GIVEN, PREDICTED, TRANSFER = "field", "given", "predicted", "given-to-predicted"
JUDGED = (FIELD, GIVEN, PREDICTED, TRANSFER)
FEATURES = ("embedding", "descriptors", "both")
BASELINES = ("random", "imagenet", "classical")
SIZES = {CLASSIFICATION: (1, 2, 4, 8, 16, 32, 80), SEGMENTATION: (4, 16, 64)}
DRAWS = {CLASSIFICATION: 20, SEGMENTATION: 3}
HELD_OUT = "held-out"
# Of the windows, where there are drawn fields beside masks: masks are few and real, fields many and not.
DRAWN_SHARE = 0.5


@dataclass(frozen=True)
class StudySettings:
    """Options of `nanomorph evaluate` that decide its numbers."""

    task: str = option("what is compared", default=CLASSIFICATION, choices=(CLASSIFICATION, SEGMENTATION))
    judged: tuple[str, ...] = option(
        "what is labelled: the field, or its domains from masks that are given, from predicted ones, or learned from "
        "given and tested on predicted ones (given-to-predicted)",
        default=(FIELD,),
        type=str,
        choices=JUDGED,
        metavar="JUDGED",
        many=True,
    )
    features: tuple[str, ...] = option(
        f"what a head of the field sees: {', '.join(FEATURES)}; descriptors need a segmenter",
        default=("embedding",),
        type=str,
        choices=FEATURES,
        metavar="FEATURES",
        many=True,
    )
    views: int = option(
        "8: embeddings are the mean of all turns and flips; 1: of the micrograph as it is, as the runtime sees it",
        default=8,
        type=int,
    )
    labels: tuple[str, ...] | None = option("classes, in this order (default: all)", default=None, type=str, many=True)
    labels_per_class: tuple[int, ...] = option(
        "sizes tried, of them those that the data allow; labelled images for segmentation, where all are tried too "
        "(default: 1 2 4 8 16 32 80, or 4 16 64)",
        default=(),
        type=int,
        metavar="N",
        many=True,
    )
    draws: int = option("draws of each size (default: 20, or 3 for segmentation)", default=0, type=int)
    test: str = option(
        "share of each class kept for the test in whole groups, drawn anew; or held-out: the groups that no encoder of "
        "this project has seen",
        default="0.2",
    )
    baselines: tuple[str, ...] = option(
        f"always beside the encoders, of {', '.join(BASELINES)}",
        default=BASELINES,
        type=str,
        choices=BASELINES,
        metavar="BASELINE",
        many=True,
    )
    random_seeds: int = option("random encoders", default=3, type=int)
    network: str = option("of the untrained encoders", default="resnet18", choices=ENCODERS)
    supervised_steps: int = option(
        "classification: also train the whole network on the labels alone, so many steps a draw (long; 0: left out)",
        default=0,
        type=int,
    )
    steps: tuple[int, ...] = option(
        "segmentation: training steps of each segmenter, or a number for each size, all masks last",
        default=(),
        type=int,
        many=True,
    )
    drawn: tuple[Path, ...] = option(
        "segmentation: lists of drawn fields (`synthesize`) that every segmenter learns from beside its masks, half of "
        "the windows",
        default=(),
        type=Path,
        many=True,
    )
    encoder_lr: float = option(
        "segmentation: factor on the encoder's learning rate, 0 freezes it", default=0.3, type=float
    )
    window: int = option("side of a training window in px", default=224, type=int)
    batch: int = option("windows a step", default=8, type=int)
    amp: str = option("segmentation: precision of the forward pass", default="fp32", choices=PRECISIONS)
    seed: int = option("of the draws", default=0, type=int)
    threads: int = option("CPU threads", default=2, type=int)

    def __post_init__(self) -> None:
        counts = ((name, 1, ANY) for name in ("window", "batch", "threads"))
        amounts = ("draws", "random_seeds", "supervised_steps", "encoder_lr")
        require_ranges(self, *counts, *((name, 0, ANY) for name in amounts), ("seed", 0, 2**32 - 1))
        if min(self.sizes) < 1:
            raise ConfigurationError(f"--labels-per-class {min(self.sizes)}: give numbers from 1 on.")
        if self.task == SEGMENTATION and (not self.steps or min(self.steps) < 1):
            raise ConfigurationError("say how long each segmenter is trained: --steps")
        if self.views not in (1, 8):
            raise ConfigurationError(f"--views {self.views}: 1, or 8 for all turns and flips")
        if not self._test_is_right():
            raise ConfigurationError(f"--test {self.test}: a share between 0 and 1, or {HELD_OUT}")

    def _test_is_right(self) -> bool:
        if self.test == HELD_OUT:
            return True
        try:
            return 0 < float(self.test) < 1
        except ValueError:
            return False

    @property
    def turned(self) -> bool:
        """Whether embeddings are the mean of all turns and flips."""
        return self.views > 1

    @property
    def test_share(self) -> float | None:
        """None: the held-out groups."""
        return None if self.test == HELD_OUT else float(self.test)

    @property
    def sizes(self) -> tuple[int, ...]:
        """Of the labelled part, ascending."""
        return tuple(sorted(set(self.labels_per_class or SIZES[self.task])))

    @property
    def n_draws(self) -> int:
        """Of each size."""
        return self.draws or DRAWS[self.task]
