"""What a study compares; everything in it decides its numbers."""

from __future__ import annotations

from dataclasses import dataclass

from nanomorph.errors import ConfigurationError
from nanomorph_training.ranges import ANY, require_ranges

CLASSIFICATION, SEGMENTATION = "classification", "segmentation"
FIELD, GIVEN, PREDICTED, TRANSFER = "field", "given", "predicted", "given-to-predicted"
JUDGED = (FIELD, GIVEN, PREDICTED, TRANSFER)
FEATURES = ("embedding", "descriptors", "both")
BASELINES = ("random", "imagenet", "classical")
SIZES = {CLASSIFICATION: (1, 2, 4, 8, 16, 32, 80), SEGMENTATION: (4, 16, 64)}
DRAWS = {CLASSIFICATION: 20, SEGMENTATION: 3}
HELD_OUT = "held-out"


@dataclass(frozen=True)
class StudySettings:
    """labels_per_class: sizes tried, of them those that the data allow; for segmentation labelled images.

    test: share of every class that each draw keeps for the test in whole groups, or `held-out`: the groups that
    no encoder of this project has seen, the same in every draw. judged: what is labelled, `field` or domains, and
    where domains come from: `given` masks, `predicted` ones, or learned from given and tested on predicted ones.
    features: of the field. views: 8, embeddings are the mean of all turns and flips; 1, of the micrograph as it is, as
    the runtime sees it. supervised_steps: of the whole network trained on the labels alone, 0 leaves it out.
    Of each segmenter: steps (one number for all, or one for each size), encoder_lr, window, batch, amp.
    """

    task: str = CLASSIFICATION
    judged: tuple[str, ...] = (FIELD,)
    features: tuple[str, ...] = ("embedding",)
    views: int = 8
    labels: tuple[str, ...] | None = None
    labels_per_class: tuple[int, ...] = ()
    n_draws: int = 0
    test: str = "0.2"
    baselines: tuple[str, ...] = BASELINES
    random_seeds: int = 3
    network: str = "resnet18"
    supervised_steps: int = 0
    steps: tuple[int, ...] = ()
    encoder_lr: float = 0.3
    window: int = 224
    batch: int = 8
    amp: str = "fp32"
    seed: int = 0
    threads: int = 2

    def __post_init__(self) -> None:
        counts = ((name, 1, ANY) for name in ("window", "batch", "threads"))
        amounts = ("n_draws", "random_seeds", "supervised_steps", "encoder_lr")
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
    def draws(self) -> int:
        """How many."""
        return self.n_draws or DRAWS[self.task]
