"""What a person sees of a run while it goes on, beside its loss."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from nanomorph_training.micrographs.cache import Cache
from nanomorph_training.pretraining.monitors import Neighbours, tensorboard
from nanomorph_training.pretraining.ranks import Ranks
from nanomorph_training.pretraining.settings import Conduct, PretrainSettings
from nanomorph_training.pretraining.trainer import Trainer
from nanomorph_training.runs.run_folder import RunFolder

if TYPE_CHECKING:
    from torch.utils.tensorboard import SummaryWriter


@dataclass(frozen=True, eq=False)
class Watch:
    """What is watched in a run; on other processes than the first, nothing."""

    neighbours: Neighbours | None = None
    every: int = 0
    writer: SummaryWriter | None = None

    @classmethod
    def open(
        cls, conduct: Conduct, settings: PretrainSettings, cache: Cache, run: RunFolder, first: int, ranks: Ranks
    ) -> Watch:
        """first: the step that the run goes on at."""
        if not ranks.is_first:
            return cls()
        neighbours = None
        if conduct.monitor:
            neighbours = Neighbours.open(conduct.monitor, cache.folder, settings.train_on_all, run)
        return cls(neighbours, conduct.monitor_every, tensorboard(run.path, first) if conduct.tensorboard else None)

    def figures(self, trainer: Trainer, step: int, total: int) -> dict[str, Any]:
        """The column of the kNN accuracy, empty at steps that do not ask for it; none where nobody is to be asked."""
        if self.neighbours is None:
            return {}
        every = self.every or max(1, total // 10)
        due = step == total or step % every == 0
        return {"knn_balanced_accuracy": self.neighbours.balanced_accuracy(trainer.encoder) if due else ""}
