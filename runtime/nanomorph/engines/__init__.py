"""Compiled models on devices. The pipeline sees `Engine` and no provider's name."""

from nanomorph.engines.engine import Engine, open_engine

__all__ = ["Engine", "open_engine"]
