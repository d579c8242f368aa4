"""What a backbone in torch says of single frames, and how good that is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

from nanomorph.engine import CPU_BATCH_PIXELS
from nanomorph.prepare import pad
from nanomorph_training.data import Sample
from nanomorph_training.micrographs.targets import FOREGROUND, INTERIOR
from nanomorph_training.models import OUTPUTS, STRIDE, Backbone, pool
from nanomorph_training.scores import overlap


@dataclass(frozen=True, eq=False)
class Labelled:
    """A frame, uint8 (H, W), its target bits, uint8 (H, W), and the sample they came from."""

    image: np.ndarray
    target: np.ndarray
    sample: Sample


class TorchEngine:
    """A network in torch, float32, on the CPU, behind the runtime's engine interface."""

    provider, precision, batch_pixels = "torch", "fp32", CPU_BATCH_PIXELS

    def __init__(self, backbone: nn.Module) -> None:
        self._backbone = backbone.eval()
        with torch.inference_mode():
            self.dim = int(self._backbone(torch.zeros((1, 1, STRIDE, STRIDE), dtype=torch.uint8))[0].shape[1])

    def run(self, batch: np.ndarray) -> dict[str, np.ndarray]:
        """uint8 (N, 1, H, W) -> OUTPUTS by name, float32."""
        with torch.inference_mode():
            outputs = self._backbone(torch.from_numpy(batch))
        return {name: output.numpy() for name, output in zip(OUTPUTS, outputs, strict=True)}

    def close(self) -> None:
        """Nothing: its memory goes with it."""

    def embed(self, batch: np.ndarray) -> np.ndarray:
        """uint8 (N, 1, H, W) -> embeddings float32 (N, D); the decoder is left out."""
        assert isinstance(self._backbone, Backbone)
        with torch.inference_mode():
            pixels = self._backbone.normalise(torch.from_numpy(batch))
            return pool(self._backbone.encoder(pixels)).numpy()


@torch.no_grad()
def predict(backbone: Backbone, image: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Embedding (D,), foreground and interior probability (H, W) of a uint8 frame (H, W) of any size."""
    backbone.eval()
    height, width = image.shape
    padded = torch.from_numpy(np.array(pad(np.asarray(image), STRIDE)))[None, None]
    embedding, foreground, interior = (output.cpu() for output in backbone(padded.to(backbone.mean.device)))
    return (
        embedding[0].numpy(),
        foreground[0, 0, :height, :width].numpy(),
        interior[0, 0, :height, :width].numpy(),
    )


def evaluate(backbone: Backbone, labelled: Sequence[Labelled]) -> dict[str, float]:
    """Mean over images of Dice and IoU of the foreground and Dice of the interior, at probability 0.5."""
    rows = []
    for x in labelled:
        _, foreground, interior = predict(backbone, x.image)
        target = np.asarray(x.target)
        whole = overlap(foreground > 0.5, (target & FOREGROUND) > 0)
        rows.append((*whole, overlap(interior > 0.5, (target & INTERIOR) > 0)[0]))
    dice, iou, inner = np.mean(rows, axis=0).tolist()
    return {"dice": dice, "iou": iou, "interior_dice": inner}


THRESHOLDS = (0.3, 0.35, 0.4, 0.45, 0.5, 0.55, 0.6, 0.65, 0.7)


def best_threshold(backbone: Backbone, kinds: Sequence[Sequence[Labelled]]) -> tuple[float, dict[str, list[float]]]:
    """The foreground probability of the highest mean Dice, and for each threshold the mean Dice of every kind.

    Kinds of micrographs (real and synthetic) count the same, however many there are of each.
    """
    dice = np.array([np.mean([_dice_by_threshold(backbone, x) for x in kind], axis=0) for kind in kinds])
    table = {f"{t:.2f}": column for t, column in zip(THRESHOLDS, dice.T.round(4).tolist(), strict=True)}
    return THRESHOLDS[int(dice.mean(axis=0).argmax())], table


def _dice_by_threshold(backbone: Backbone, labelled: Labelled) -> list[float]:
    _, foreground, _ = predict(backbone, labelled.image)
    truth = (np.asarray(labelled.target) & FOREGROUND) > 0
    return [overlap(foreground >= threshold, truth)[0] for threshold in THRESHOLDS]
