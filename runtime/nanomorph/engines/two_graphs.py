"""One engine of two graphs, for bundles whose heads were fitted on another encoder than the segmenter's."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from nanomorph.bundle import Bundle
from nanomorph.engine import Engine


class TwoGraphs:
    """The maps of one engine and the embedding of another. Costs a second encoder pass."""

    def __init__(self, maps: Engine, embedder: Engine) -> None:
        self._maps, self._embedder = maps, embedder
        self.dim = embedder.dim
        self.provider, self.precision = maps.provider, maps.precision
        self.batch_pixels = maps.batch_pixels

    def run(self, batch: np.ndarray) -> dict[str, np.ndarray]:
        return self._maps.run(batch) | {"embedding": self._embedder.run(batch)["embedding"]}

    def close(self) -> None:
        """As every engine."""
        self._maps.close()
        self._embedder.close()


def joined(maps: Engine, embedder: Engine | None) -> Engine:
    """`maps` alone where there is no second graph."""
    return maps if embedder is None else TwoGraphs(maps, embedder)


def open_graphs(bundle: Bundle, precision: str, open_: Callable[[Path, str], Engine]) -> Engine:
    """The bundle's backbone of a precision, with its second graph (fp32) where it has one; `open_` takes either.

    Raises BundleError where what was opened is not what was verified with the heads.
    """
    files = [bundle.manifest["backbone"][precision], *filter(None, [bundle.manifest.get("embedder")])]
    try:
        embedder = None if bundle.embedder is None else open_(bundle.embedder, "fp32")
        return joined(open_(bundle.backbones[precision], precision), embedder)
    finally:
        bundle.require_unchanged(files)
