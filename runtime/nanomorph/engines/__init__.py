"""Compiled models on devices. The pipeline sees `Engine` and no provider's name."""

from nanomorph.engines.engine import Engine, computed
from nanomorph.engines.two_graphs import joined, open_graphs

__all__ = ["Engine", "computed", "joined", "open_graphs"]
