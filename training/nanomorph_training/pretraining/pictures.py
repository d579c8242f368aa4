"""The two pictures of a run: what it learns from, and what it holds alike."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch

from nanomorph_training.micrographs.samples import Sample
from nanomorph_training.pretraining import embedding_map
from nanomorph_training.pretraining.monitors import embed
from nanomorph_training.pretraining.trainer import Trainer

VIEWS, MAP = "views.png", "map.png"


def write_contact_sheet(trainer: Trainer, path: Path) -> None:
    """Sixteen images' two views, one above the other, for a person to look at before the run goes on."""
    from PIL import Image

    views = (trainer.views(0)[0] * 255).to(torch.uint8)[:, 0].cpu().numpy()
    n = min(16, len(views) // 2)
    rows = [np.hstack(list(half[:n])) for half in (views[: len(views) // 2], views[len(views) // 2 :])]
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.vstack(rows)).save(path)


def write_map(trainer: Trainer, samples: Sequence[Sample], images: Sequence[np.ndarray], path: Path) -> None:
    """Where the encoder puts its micrographs; a frame tells the label, or the source where there are no labels."""
    chosen = embedding_map.choose(len(images))
    squares = [embedding_map.middle(images[n], max(trainer.settings.window, 224)) for n in chosen]
    labelled = any(samples[n].label for n in chosen)
    kinds = [samples[n].label or "no label" if labelled else samples[n].source for n in chosen]
    at = embedding_map.lay_out(embed(trainer.encoder, squares), trainer.settings.seed)
    embedding_map.write(path, embedding_map.draw(at, squares, kinds), kinds, len(chosen))
