"""The interface every engine has, and what every engine is asked for."""

from __future__ import annotations

from typing import Protocol

import numpy as np

from nanomorph.bundle import Bundle
from nanomorph.errors import ConfigurationError, FatalError

# What `auto` takes. int8 is for those who ask: it turns more labels than auto may change between two machines. CPUs
# compute fp16 files in fp32, slower than the fp32 file.
ON_CPU, ON_GPU = ("fp32",), ("fp16", "fp32")
# A core gains nothing by a batch: frames one by one need less memory, and any number of cores shares them evenly.
CPU_BATCH_PIXELS = 1
# Two frames of 1024 x 1024: little enough to keep memory flat.
GPU_BATCH_PIXELS = 2 * 1024 * 1024
# Characters of a library's own words that are shown.
WORDS = 300
# Providers that compute on the cores that read and measure, too.
ON_CORES = ("CPU", "OpenVINO")


class Engine(Protocol):
    """A backbone ready to run.

    dim: length of its embedding. batch_pixels: model pixels of a batch that feeds it well; one frame is always taken.
    """

    provider: str
    precision: str
    dim: int
    batch_pixels: int

    def run(self, batch: np.ndarray) -> dict[str, np.ndarray]:
        """uint8 (N, 1, H, W), H and W multiples of 32 -> outputs by name, each float32 (N, ...).

        Any number of threads may call at once; a frame's result is the same in any batch.
        """
        ...

    def close(self) -> None:
        """Give back what the device holds for it; nothing runs it any more."""
        ...


def computed(engine: Engine, batch: np.ndarray) -> dict[str, np.ndarray]:
    """`engine.run`. Raises FatalError, one sentence, where the device or its library fails, in whatever way."""
    try:
        return engine.run(batch)
    except (ConfigurationError, FatalError):
        raise
    except Exception as error:
        why = " ".join(str(error).split())[:WORDS] or type(error).__name__
        raise FatalError(
            f"{engine.provider} failed while it computed ({why}); what is done is kept, and the same command goes on "
            "from there."
        ) from error


def choose_precision(bundle: Bundle, asked: str, preferred: tuple[str, ...]) -> str:
    """The precision asked for, or the first that the bundle has. Raises ConfigurationError."""
    available = bundle.backbones
    if asked != "auto":
        if asked not in available:
            raise ConfigurationError(f"bundle {bundle.name} has no {asked} backbone; it has: {', '.join(available)}.")
        return asked
    return next(precision for precision in preferred if precision in available)
