"""Compiled models on devices: each an `engine.Engine`. The pipeline knows none of their providers by name."""

from nanomorph.engines.two_graphs import joined, open_graphs

__all__ = ["joined", "open_graphs"]
