"""Compiled models on devices. The pipeline sees `Engine` and no provider's name."""

from nanomorph.engines.engine import Engine
from nanomorph.engines.two_graphs import joined, open_graphs

__all__ = ["Engine", "joined", "open_graphs"]
