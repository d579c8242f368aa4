"""Tiny micrographs with masks, and torch kept to one thread."""

from __future__ import annotations

import csv
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


def draw_discs(seed: int, shape: tuple[int, int] = (96, 128)) -> tuple[np.ndarray, np.ndarray]:
    """Dark discs on a grainy film: image uint8 and instance numbers uint16."""
    rng = np.random.default_rng(seed)
    image = rng.normal(170, 12, shape)
    instances = np.zeros(shape, np.uint16)
    rows, columns = np.indices(shape)
    for number in range(1, 5):
        y, x = rng.integers(12, shape[0] - 12), rng.integers(12, shape[1] - 12)
        inside = (rows - y) ** 2 + (columns - x) ** 2 <= rng.integers(6, 11) ** 2
        image[inside] -= 90
        instances[inside] = number
    return np.clip(image, 0, 255).astype(np.uint8), instances


@pytest.fixture
def pool(tmp_path: Path) -> Path:
    """A CSV of eight micrographs with instance masks, labels and groups (article-3 is held out)."""
    folder = tmp_path / "pool"
    folder.mkdir()
    rows = []
    # Of these, `article-3` alone is held out (test_data says why).
    for number in range(8):
        image, instances = draw_discs(number)
        cv2.imwrite(str(folder / f"{number}.png"), image)
        cv2.imwrite(str(folder / f"{number}_mask.png"), instances)
        label = "ab"[number % 2]
        rows.append(
            {
                "file": f"{number}.png",
                "instance_mask": f"{number}_mask.png",
                "label": label,
                "group": f"article-{number}",
            }
        )
    with open(folder / "pool.csv", "w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return folder / "pool.csv"


@pytest.fixture
def offline(monkeypatch: pytest.MonkeyPatch) -> None:
    """Weights that are to be downloaded are not to be had."""
    from urllib.error import URLError

    from nanomorph_training import models

    build = models.torchvision.models.get_model

    def without_network(name: str, weights: str | None = None) -> object:
        if weights is not None:
            raise URLError("no network in tests")
        return build(name)

    monkeypatch.setattr(models.torchvision.models, "get_model", without_network)
