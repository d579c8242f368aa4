"""The augmented views of a step, as functions of (seed, step) and of the part of the batch.

A batch is cut into equal parts: one for each process, and in a process one for each pass through the encoder. Which
images a step sees does not depend on the parts; how their windows and views are drawn does.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor

from nanomorph_training import data
from nanomorph_training.augment import Ranges, view
from nanomorph_training.micrographs import windows
from nanomorph_training.pretraining.settings import PretrainSettings

# Steps whose windows are cut ahead, where threads do that.
AHEAD = 3


@dataclass(eq=False)
class Batches:
    """images: uint8 (H, W). sources: the list or folder that each came from. parts: of a batch. device: of the views.

    workers: threads that cut windows ahead; 0 cuts them when they are asked for.
    """

    settings: PretrainSettings
    images: Sequence[np.ndarray]
    sources: Sequence[str]
    parts: int = 1
    device: torch.device = torch.device("cpu")
    workers: int = 0
    _pool: ThreadPoolExecutor | None = field(default=None, init=False)
    _ahead: dict[tuple[int, int], Future[np.ndarray]] = field(default_factory=dict, init=False)

    def __post_init__(self) -> None:
        self._shares = data.shares(self.sources)
        if self.workers:
            self._pool = ThreadPoolExecutor(self.workers, thread_name_prefix="windows")

    def views(self, step: int, part: int = 0) -> Tensor:
        """Both augmented views of a part, first ones first: float (2n, 1, S, S) in 0..1, on the device."""
        seed = self.settings.seed * 1_000_003 + step
        if self.parts > 1:
            seed = int(np.random.SeedSequence([self.settings.seed, step, part]).generate_state(1, np.uint64)[0] >> 1)
        generator = torch.Generator(self.device).manual_seed(seed)
        pixels = torch.from_numpy(self._windows(step, part)).to(self.device)
        return torch.cat([view(images, generator, Ranges()) for images in pixels])

    def _windows(self, step: int, part: int) -> np.ndarray:
        if self._pool is None:
            return self.cut(step, part)
        for later in range(step, step + AHEAD):
            if (later, part) not in self._ahead:
                self._ahead[later, part] = self._pool.submit(self.cut, later, part)
        return self._ahead.pop((step, part)).result()

    def cut(self, step: int, part: int) -> np.ndarray:
        """Two windows of the same place of each image of a part: uint8 (2, n, 1, S, S)."""
        rng = np.random.default_rng([self.settings.seed, step])
        chosen = data.draw(self._shares, self.settings.batch, rng)
        if self.parts > 1:
            chosen = np.array_split(chosen, self.parts)[part]
            rng = np.random.default_rng([self.settings.seed, step, part])
        pairs = [windows.pair(self.images[n], self.settings.window, self.settings.zoom, rng) for n in chosen]
        return np.array(pairs).swapaxes(0, 1)[:, :, None].copy()

    def close(self) -> None:
        """Stop the threads."""
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)
