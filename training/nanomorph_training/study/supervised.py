"""Full supervised training as a baseline: the whole network learns from the few labels, with no other image."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from nanomorph_training.augment import view
from nanomorph_training.features import turns
from nanomorph_training.micrographs import windows
from nanomorph_training.micrographs.cache import Cache
from nanomorph_training.models import MEAN, STD, Encoder, pool
from nanomorph_training.optim import build_optimiser, learning_rate
from nanomorph_training.row_store import Row, RowStore
from nanomorph_training.runs import machine
from nanomorph_training.study.pool import Pool
from nanomorph_training.study.settings import StudySettings

# Of what is kept: another one learns otherwise.
VERSION = "1"
LR, WEIGHT_DECAY, WARMUP = 1e-3, 1e-4, 0.1
# Of a window, as in pretraining.
ZOOM = 0.25


class Classifier(nn.Module):
    """An encoder and one linear layer. forward: float (N, 1, H, W) in 0..1 -> logits (N, C)."""

    def __init__(self, network: str, n_classes: int) -> None:
        super().__init__()
        self.encoder = Encoder(network)
        self.out = nn.Linear(self.encoder.dim, n_classes)

    def forward(self, images: Tensor) -> Tensor:
        logits: Tensor = self.out(pool(self.encoder((images - MEAN) / STD)))
        return logits


@dataclass(frozen=True, eq=False)
class SupervisedJudge:
    """Trains anew for every draw, and keeps what was said: a study that was stopped goes on with the next draw.

    images: uint8 (H, W) of all micrographs, memory-mapped; files: where they come from; y: their classes.
    """

    images: Sequence[np.ndarray]
    files: Sequence[Path]
    y: np.ndarray
    settings: StudySettings
    store: RowStore

    @classmethod
    def of(cls, pool_: Pool, settings: StudySettings) -> SupervisedJudge:
        """With the pool's images decoded into its cache."""
        machine.set_up(settings.threads)
        cache = Cache(pool_.cache)
        images, files = [cache.image(sample) for sample in pool_.samples], [sample.path for sample in pool_.samples]
        return cls(images, files, pool_.y, settings, RowStore(pool_.cache / "features"))

    def __call__(self, labelled: np.ndarray, tested: np.ndarray) -> np.ndarray:
        these, s = np.concatenate([labelled, tested]), self.settings
        how = (VERSION, s.network, s.supervised_steps, s.window, s.batch, s.seed)
        row = self.store.row(
            "supervised",
            [self.files[n] for n in these],
            (*how, self.y[these].tolist(), len(labelled)),
            lambda: Row(self._said(labelled, tested), pd.DataFrame(index=[0])),
        )
        return row.embedding.astype(int)

    def _said(self, labelled: np.ndarray, tested: np.ndarray) -> np.ndarray:
        model = self._train(labelled)
        with torch.inference_mode():
            return np.array([self._judge(model, n) for n in tested])

    def _train(self, labelled: np.ndarray) -> Classifier:
        settings, steps = self.settings, self.settings.supervised_steps
        torch.manual_seed(settings.seed)
        model = Classifier(settings.network, int(self.y.max()) + 1).train()
        optimiser = build_optimiser("adamw", [model], LR, WEIGHT_DECAY)
        for step in range(steps):
            for group in optimiser.param_groups:
                group["lr"] = learning_rate(step, steps, max(1, round(WARMUP * steps)), LR)
            images, classes = self._batch(labelled, step)
            optimiser.zero_grad(set_to_none=True)
            F.cross_entropy(model(images), classes).backward()
            optimiser.step()
        return model.eval()

    def _batch(self, labelled: np.ndarray, step: int) -> tuple[Tensor, Tensor]:
        """Augmented windows of labelled micrographs, float (N, 1, S, S), and their classes; classes evenly drawn."""
        size, seed = self.settings.window, self.settings.seed
        rng = np.random.default_rng([seed, step])
        kinds = rng.integers(0, int(self.y.max()) + 1, self.settings.batch)
        chosen = [int(rng.choice(labelled[self.y[labelled] == kind])) for kind in kinds]
        pixels = np.stack([windows.pair(self.images[n], size, ZOOM, rng)[0] for n in chosen])[:, None]
        generator = torch.Generator().manual_seed(seed * 1_000_003 + step)
        return view(torch.from_numpy(pixels), generator), torch.from_numpy(self.y[chosen])

    def _judge(self, model: Classifier, n: int) -> int:
        """The class of the whole frame, its eight turns and flips averaged."""
        views = [torch.from_numpy(np.stack(same))[:, None].float() / 255 for same in turns(np.asarray(self.images[n]))]
        return int(torch.cat([model(one).softmax(dim=1) for one in views]).mean(dim=0).argmax())
