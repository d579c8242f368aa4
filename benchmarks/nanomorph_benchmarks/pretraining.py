"""Pretraining in images a second, beside lightly's SimCLR: same network, batch, window, augmentation and threads.

    pip install lightly
    python -m nanomorph_benchmarks.pretraining --out benchmarks/results/pretraining.json

Each contestant takes its steps in turn with the others. lightly's images come from PNG files (as users have them) and,
so that decoding is not all that is compared, from memory. The bare network gets the same batch again and again.
"""

from __future__ import annotations

import itertools
import tempfile
import time
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch

from nanomorph.bench.frames import frame
from nanomorph.cli.options import option
from nanomorph.machine import machine
from nanomorph.prepare import to_uint8
from nanomorph_benchmarks.lightly_simclr import Steps, lightly_steps
from nanomorph_benchmarks.options import main
from nanomorph_training.pretraining.settings import PretrainSettings
from nanomorph_training.pretraining.trainer import Trainer

SIDE, FRAMES = 384, 64
OURS, FILES, MEMORY, BARE = "nanomorph", "lightly, from PNG files", "lightly, from memory", "the bare network"


@dataclass(frozen=True)
class Options:
    batch: int = option("images a step, two views of each", default=64, type=int)
    window: int = option("side of a window in px", default=96, type=int)
    threads: int = option("that PyTorch may use", default=2, type=int)
    steps: int = option("of a turn", default=4, type=int)
    rounds: int = option("turns of each", default=7, type=int)
    out: Path | None = option("file for the figures as JSON", default=None, type=Path)


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
    torch.set_num_threads(options.threads)
    settings = PretrainSettings(batch=options.batch, window=options.window, threads=options.threads)
    images = [to_uint8(frame(SIDE, number)) for number in range(FRAMES)]
    with tempfile.TemporaryDirectory(prefix="nanomorph-pretraining-") as folder:
        files = [Path(folder) / f"{number}.png" for number in range(FRAMES)]
        for file, image in zip(files, images, strict=True):
            cv2.imwrite(str(file), image)
        contestants = {
            OURS: our_steps(images, settings),
            FILES: lightly_steps(files, SIDE, settings),
            MEMORY: lightly_steps(images, SIDE, settings),
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


if __name__ == "__main__":
    raise SystemExit(main(Options, __doc__, evaluate, as_markdown))
