"""What is watched while an encoder learns: spread of the embedding, kNN accuracy on labels, TensorBoard."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor, nn

from nanomorph.errors import ConfigurationError, FatalError
from nanomorph.prepare import InputSpec, pad
from nanomorph_training import data
from nanomorph_training.micrographs.cache import Cache
from nanomorph_training.models import MEAN, STD, STRIDE, Encoder, pool
from nanomorph_training.pretraining.settings import PretrainSettings
from nanomorph_training.runs.resume import readable
from nanomorph_training.runs.run_folder import RunFolder

if TYPE_CHECKING:
    from torch.utils.tensorboard import SummaryWriter

# An embedding whose L2-normalised dimensions spread less than this share of the isotropic 1/sqrt(D) is one point.
COLLAPSED = 0.02
NEIGHBOURS, KERNEL = 5, 0.07


def spread(embedding: Tensor) -> float:
    """Mean standard deviation of the L2-normalised embedding's dimensions, times sqrt(D): near 1 if isotropic."""
    unit = nn.functional.normalize(embedding, dim=1)
    return float(unit.std(dim=0).mean() * math.sqrt(embedding.shape[1]))


def check(loss: float, width: float, step: int, settings: PretrainSettings) -> None:
    """Raise FatalError on a loss or an embedding that no further step can mend."""
    if not math.isfinite(loss):
        raise FatalError(
            f"the loss became {loss} at step {step + 1}; start again with a smaller --lr than {settings.lr}"
        )
    if step >= 20 and width < COLLAPSED:
        raise FatalError(
            f"the embedding collapsed to one point at step {step + 1} (spread {width:.4f}); "
            f"start again with a smaller --lr than {settings.lr} or a larger --batch than {settings.batch}"
        )


def embed(encoder: Encoder, images: Sequence[np.ndarray]) -> np.ndarray:
    """Embeddings float32 (n, D) of uint8 frames (H, W) of any size, one by one, as the runtime computes them."""
    device = next(encoder.parameters()).device
    was_training = encoder.training
    encoder.eval()
    with torch.inference_mode():
        rows = [pool(encoder(_normalised(image).to(device)))[0].cpu().numpy() for image in images]
    encoder.train(was_training)
    return np.stack(rows)


def _normalised(image: np.ndarray) -> Tensor:
    pixels = torch.from_numpy(np.array(pad(np.asarray(image), STRIDE)))
    return (pixels[None, None].float() / 255.0 - MEAN) / STD


def knn_balanced_accuracy(embeddings: np.ndarray, labels: Sequence[str], groups: Sequence[str]) -> float:
    """Share of each class that its five nearest neighbours (cosine) of other groups name right, mean over classes.

    Neighbours vote with exp(similarity / 0.07) (Wu et al. 2018). One without a neighbour counts as wrong.
    """
    unit = embeddings / np.maximum(np.linalg.norm(embeddings, axis=1, keepdims=True), 1e-12)
    similarity = unit @ unit.T
    of = np.asarray(groups, dtype=object)
    similarity[of[:, None] == of] = -np.inf
    classes, y = np.unique(np.asarray(labels), return_inverse=True)
    nearest = np.argsort(-similarity, axis=1)[:, :NEIGHBOURS]
    votes = np.zeros((len(y), len(classes)))
    weight = np.exp((np.take_along_axis(similarity, nearest, axis=1) - 1) / KERNEL)
    np.add.at(votes, (np.arange(len(y))[:, None], y[nearest]), weight)
    right = (votes.argmax(axis=1) == y) & (votes.max(axis=1) > 0)
    return float(np.mean([right[y == k].mean() for k in range(len(classes))]))


@dataclass(frozen=True, eq=False)
class Neighbours:
    """Labelled micrographs, as the runtime sees them, whose neighbours are asked for their label."""

    images: Sequence[np.ndarray]
    labels: Sequence[str]
    groups: Sequence[str]

    @classmethod
    def open(cls, paths: Sequence[Path], cache: Path, train_on_all: bool, run: RunFolder) -> Neighbours:
        """From folders per class or CSV lists. The held-out quarter of the groups is left out: who watches a figure
        chooses by it. Raises ConfigurationError where fewer than two classes remain."""
        samples = data.labelled_samples(paths, None)
        if not train_on_all:
            samples = data.without_held_out(samples)
        runtime = Cache(cache, InputSpec())
        opened = readable(samples, lambda sample: (sample, runtime.image(sample)), run)
        if len({sample.label for sample, _ in opened}) < 2:
            raise ConfigurationError("--monitor needs micrographs of two labels or more outside the held-out groups")
        known = [sample for sample, _ in opened]
        return cls([image for _, image in opened], [s.label for s in known], [s.group or s.name for s in known])

    def balanced_accuracy(self, encoder: Encoder) -> float:
        """Of an encoder as it is now."""
        return knn_balanced_accuracy(embed(encoder, self.images), self.labels, self.groups)


def tensorboard(run: Path, first: int) -> SummaryWriter:
    """A writer into `run`/tensorboard that forgets what a killed run wrote after step `first`."""
    import tensorboard as _  # noqa: F401 (torch's own error names no package)
    from torch.utils.tensorboard import SummaryWriter

    return SummaryWriter(str(run / "tensorboard"), purge_step=first + 1)


def write_scalars(writer: SummaryWriter, row: Mapping[str, Any]) -> None:
    """Every number of a row of metrics.csv."""
    for name, value in row.items():
        if name != "step" and value != "":
            writer.add_scalar(name, value, row["step"])
