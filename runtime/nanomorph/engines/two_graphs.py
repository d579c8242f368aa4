"""One engine of two graphs, for bundles whose heads were fitted on another encoder than the segmenter's."""

from __future__ import annotations

import numpy as np

from nanomorph.engines.engine import Engine


class TwoGraphs:
    """The maps of one engine and the embedding of another. Costs a second encoder pass."""

    def __init__(self, maps: Engine, embedder: Engine) -> None:
        self._maps, self._embedder = maps, embedder
        self.dim = embedder.dim
        self.provider, self.precision = maps.provider, maps.precision
        self.batch_pixels = maps.batch_pixels

    def run(self, batch: np.ndarray) -> dict[str, np.ndarray]:
        return self._maps.run(batch) | {"embedding": self._embedder.run(batch)["embedding"]}


def joined(maps: Engine, embedder: Engine | None) -> Engine:
    """`maps` alone where there is no second graph."""
    return maps if embedder is None else TwoGraphs(maps, embedder)
