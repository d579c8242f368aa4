"""What a backbone in torch says of single frames, and how good that is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from nanomorph.prepare import pad
from nanomorph_training.data import Sample
from nanomorph_training.models import STRIDE, Backbone
from nanomorph_training.scores import overlap
from nanomorph_training.targets import FOREGROUND, INTERIOR


@dataclass(frozen=True, eq=False)
class Labelled:
    """A frame, uint8 (H, W), its target bits, uint8 (H, W), and the sample they came from."""

    image: np.ndarray
    target: np.ndarray
    sample: Sample


@torch.no_grad()
def predict(backbone: Backbone, image: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Embedding (D,), foreground and interior probability (H, W) of a uint8 frame (H, W) of any size."""
    backbone.eval()
    height, width = image.shape
    padded = torch.from_numpy(np.array(pad(np.asarray(image), STRIDE)))[None, None]
    embedding, foreground, interior = backbone(padded)
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
