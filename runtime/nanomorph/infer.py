"""Prepared frames in, embedding and foreground out, several frames of equal shape at a time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from nanomorph.engines import Engine
from nanomorph.prepare import Prepared, material
from nanomorph.stages import FLUSH, Flush

# Results come back on recorded pixels, 8 bytes each: large frames go in small batches, or alone.
BATCH_RECORDED_PIXELS = 64 * 1024 * 1024


@dataclass(frozen=True, eq=False)
class Inference:
    """embedding: float32 (D,); foreground, interior: float32 (H, W) probabilities in recorded pixels.

    scale: px in which it was seen per recorded px; of the finest look, where there were several.
    """

    embedding: np.ndarray
    foreground: np.ndarray
    interior: np.ndarray | None
    scale: float


def infer(engine: Engine, frames: Sequence[Prepared]) -> list[Inference]:
    """Run frames of one shape as one batch."""
    return inferences(engine.run(np.stack([frame.pixels for frame in frames])[:, None]), frames)


def inferences(outputs: Mapping[str, np.ndarray], frames: Sequence[Prepared]) -> list[Inference]:
    """An engine's outputs for a batch, frame by frame on the recorded pixels."""
    interior = outputs.get("interior")
    return [
        Inference(
            embedding=outputs["embedding"][n],
            foreground=material(outputs["foreground"][n, 0], frame),
            interior=None if interior is None else material(interior[n, 0], frame),
            scale=frame.scale,
        )
        for n, frame in enumerate(frames)
    ]


T = TypeVar("T")


def recorded(frame: Prepared) -> int:
    """Pixels of a frame as recorded."""
    return frame.recorded_shape[0] * frame.recorded_shape[1]


def batches(
    work: Iterable[tuple[T, Prepared] | Flush], pixels: int, frames: int | None = None
) -> Iterator[list[tuple[T, Prepared]] | Flush]:
    """Group consecutive frames of equal shape, at most `frames` a batch, or, where that is None, `pixels`.

    Order is kept; FLUSH ends a batch. How work falls into batches depends on its order alone.
    """
    batch: list[tuple[T, Prepared]] = []
    for piece in work:
        if piece is FLUSH:
            if batch:
                yield batch
            batch = []
            yield FLUSH
            continue
        tag, frame = piece
        shape = frame.pixels.shape
        most = max(1, pixels // (shape[0] * shape[1])) if frames is None else frames
        full = len(batch) >= most or (sum(recorded(one) for _, one in batch) + recorded(frame) > BATCH_RECORDED_PIXELS)
        if batch and (full or batch[0][1].pixels.shape != shape):
            yield batch
            batch = []
        batch.append((tag, frame))
    if batch:
        yield batch
