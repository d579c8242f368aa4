"""Pretraining in images a second, beside lightly's SimCLR: same network, batch, window, augmentation and threads.

    pip install lightly
    python -m nanomorph_benchmarks.pretraining --out benchmarks/results/pretraining.json

Each contestant takes its steps in turn with the others. lightly is run as its documentation shows: a transform an
image, a DataLoader, its projection head and NT-Xent. Its images come from PNG files (as users have them) and, so that
decoding is not all that is compared, from memory. The bare network gets the same batch again and again.
"""

from __future__ import annotations

import itertools
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset

from nanomorph.bench.frames import frame
from nanomorph.cli.options import option
from nanomorph.prepare import to_uint8
from nanomorph_training.models import MEAN, STD, Encoder
from nanomorph_training.pretraining.settings import PretrainSettings
from nanomorph_training.pretraining.trainer import Trainer

SIDE, FRAMES = 384, 64
OURS, FILES, MEMORY, BARE = "nanomorph", "lightly, from PNG files", "lightly, from memory", "the bare network"
Steps = Callable[[int], None]
"""Takes so many training steps."""


@dataclass(frozen=True)
class Options:
    batch: int = option("images a step, two views of each", default=64, type=int)
    window: int = option("side of a window in px", default=96, type=int)
    threads: int = option("that PyTorch may use", default=2, type=int)
    steps: int = option("of a turn", default=4, type=int)
    rounds: int = option("turns of each", default=7, type=int)
    out: Path | None = option("file for the figures as JSON", default=None, type=Path)


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


def transform(window: int) -> Any:
    """Our augmentation in torchvision's terms, drawn for every image, in lightly's two views."""
    from lightly.transforms.multi_view_transform import MultiViewTransform
    from torchvision.transforms import v2

    view = v2.Compose(
        [
            v2.ToImage(),
            v2.RandomResizedCrop(
                window, scale=((window / SIDE / 1.25) ** 2, (window / SIDE * 1.25) ** 2), ratio=(1, 1)
            ),
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


def lightly_steps(images: list[np.ndarray] | list[Path], options: Options, settings: PretrainSettings) -> Steps:
    """lightly's SimCLR on our encoder."""
    from lightly.loss import NTXentLoss
    from lightly.models.modules import SimCLRProjectionHead

    encoder = Encoder(settings.encoder)
    head = SimCLRProjectionHead(encoder.dim, settings.hidden, settings.dim)
    criterion = NTXentLoss(temperature=settings.temperature)
    optimiser = torch.optim.AdamW([*encoder.parameters(), *head.parameters()], settings.lr)
    loader = DataLoader(
        Views(images, transform(options.window), options.batch * 10_000), options.batch, shuffle=True, drop_last=True
    )
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


def our_steps(images: list[np.ndarray], settings: PretrainSettings) -> Steps:
    """As `pretrain` goes."""
    trainer = Trainer.start(settings, images, ["drawn"] * len(images), workers=1)
    numbers = itertools.count()

    def steps(n: int) -> None:
        for number in itertools.islice(numbers, n):
            trainer.step(number, settings.lr)

    return steps


def bare_steps(options: Options, settings: PretrainSettings) -> Steps:
    """Forward, loss and backward of our network on one batch that never changes."""
    trainer = Trainer.start(settings, [np.zeros((SIDE, SIDE), np.uint8)] * 2, ["drawn"] * 2)
    views = torch.rand(2 * options.batch, 1, options.window, options.window)

    def steps(n: int) -> None:
        for _ in range(n):
            trainer.optimiser.zero_grad(set_to_none=True)
            trainer.contrast(trainer.embed(views)).backward()
            trainer.optimiser.step()

    return steps


def race(contestants: dict[str, Steps], options: Options) -> dict[str, Any]:
    """Images a second of every turn, and each contestant's share of ours turn by turn."""
    speeds: dict[str, list[float]] = {name: [] for name in contestants}
    for turn in range(options.rounds + 1):
        for name, steps in contestants.items():
            begun = time.perf_counter()
            steps(options.steps)
            if turn:  # the first warms up
                speeds[name].append(options.batch * options.steps / (time.perf_counter() - begun))
    ours = np.array(speeds[OURS])
    return {
        name: {
            "n": len(speed),
            "images_per_s": _quartiles(np.array(speed)),
            "ours_times": _quartiles(ours / np.array(speed)),
        }
        for name, speed in speeds.items()
    }


def _quartiles(values: np.ndarray) -> list[float]:
    return [float(q) for q in np.percentile(values, (25, 50, 75))]


def evaluate(options: Options) -> dict[str, Any]:
    """All contestants in one process."""
    from importlib.metadata import version

    from nanomorph.machine import machine

    torch.set_num_threads(options.threads)
    settings = PretrainSettings(batch=options.batch, window=options.window, threads=options.threads)
    images = [to_uint8(frame(SIDE, number), 0.5, 99.5) for number in range(FRAMES)]
    with tempfile.TemporaryDirectory(prefix="nanomorph-pretraining-") as folder:
        files = [Path(folder) / f"{number}.png" for number in range(FRAMES)]
        for file, image in zip(files, images, strict=True):
            cv2.imwrite(str(file), image)
        contestants = {
            OURS: our_steps(images, settings),
            FILES: lightly_steps(files, options, settings),
            MEMORY: lightly_steps(images, options, settings),
            BARE: bare_steps(options, settings),
        }
        table = race(contestants, options)
    made = machine() | {"torch": torch.__version__, "lightly": version("lightly")}
    return {"made": made, "batch": options.batch, "window": options.window, "threads": options.threads, "table": table}


def as_markdown(result: dict[str, Any]) -> str:
    """The table for people."""
    n = result["table"][OURS]["n"]
    lines = [
        f"SimCLR, ResNet-18, {result['batch']} images of {result['window']} px a step, {result['threads']} threads, "
        f"n = {n} turns each, median [quartiles]:",
        "",
        "| | images a second | nanomorph is so many times as fast |",
        "|---|---|---|",
    ]
    for name, row in result["table"].items():
        low, speed, high = row["images_per_s"]
        least, times, most = row["ours_times"]
        lines.append(f"| {name} | {speed:.1f} [{low:.1f}, {high:.1f}] | {times:.2f} [{least:.2f}, {most:.2f}] |")
    return "\n".join(lines)


def main() -> int:
    from nanomorph_benchmarks.options import run

    return run(Options, "pretraining", __doc__, evaluate, as_markdown)


if __name__ == "__main__":
    raise SystemExit(main())
