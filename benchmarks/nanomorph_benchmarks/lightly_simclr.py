"""SimCLR as lightly's documentation shows it: a transform an image, a DataLoader, its projection head and NT-Xent."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset

from nanomorph_training.models import MEAN, STD, Encoder
from nanomorph_training.pretraining.settings import PretrainSettings

Steps = Callable[[int], None]
"""Takes so many training steps."""


class Views(Dataset[list[torch.Tensor]]):
    """Two augmented views of an image, as a transform of lightly's makes them. images: arrays, or files to decode."""

    def __init__(self, images: list[np.ndarray] | list[Path], transform: Any, length: int) -> None:
        self.images, self.transform, self.length = images, transform, length

    def __len__(self) -> int:
        return self.length

    def __getitem__(self, index: int) -> list[torch.Tensor]:
        from PIL import Image

        image = self.images[index % len(self.images)]
        opened = Image.fromarray(image) if isinstance(image, np.ndarray) else Image.open(image)
        return self.transform(opened)  # type: ignore[no-any-return]


def gamma(x: torch.Tensor) -> torch.Tensor:
    """As `augment.intensity` draws it."""
    low, high = torch.tensor((0.7, 1.5)).log().tolist()
    return x.clamp(min=1e-4).pow((low + (high - low) * torch.rand(1)).exp())


def transform(window: int, side: int) -> Any:
    """Our augmentation in torchvision's terms, drawn for every image of this side, in lightly's two views."""
    from lightly.transforms.multi_view_transform import MultiViewTransform
    from torchvision.transforms import v2

    share = window / side
    view = v2.Compose(
        [
            v2.ToImage(),
            v2.RandomResizedCrop(window, scale=((share / 1.25) ** 2, (share * 1.25) ** 2), ratio=(1, 1)),
            v2.RandomHorizontalFlip(),
            v2.RandomChoice([v2.RandomRotation((turn, turn)) for turn in (0, 90, 180, 270)]),
            v2.ToDtype(torch.float32, scale=True),
            v2.ColorJitter(brightness=0.2, contrast=0.4),
            v2.Lambda(gamma),
            v2.GaussianBlur(7, sigma=(0.1, 1.0)),
            v2.GaussianNoise(sigma=0.03),
            v2.Normalize([MEAN], [STD]),
        ]
    )
    return MultiViewTransform([view, view])


def lightly_steps(
    images: list[np.ndarray] | list[Path], side: int, settings: PretrainSettings
) -> Callable[[int], None]:
    """lightly's SimCLR on our encoder. images: of this side."""
    from lightly.loss import NTXentLoss
    from lightly.models.modules import SimCLRProjectionHead

    encoder = Encoder(settings.encoder)
    head = SimCLRProjectionHead(encoder.dim, settings.hidden, settings.dim)
    criterion = NTXentLoss(temperature=settings.temperature)
    optimiser = torch.optim.AdamW([*encoder.parameters(), *head.parameters()], settings.lr)
    views = Views(images, transform(settings.window, side), settings.batch * 10_000)
    loader = DataLoader(views, settings.batch, shuffle=True, drop_last=True)
    batches: Iterator[list[torch.Tensor]] = iter(loader)

    def embed(view: torch.Tensor) -> torch.Tensor:
        return head(encoder(view)[-1].mean(dim=(2, 3)))  # type: ignore[no-any-return]

    def steps(n: int) -> None:
        for _ in range(n):
            first, second = next(batches)
            optimiser.zero_grad(set_to_none=True)
            criterion(embed(first), embed(second)).backward()
            optimiser.step()

    return steps
