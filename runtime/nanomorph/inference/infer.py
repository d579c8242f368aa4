"""Prepared frames in, embedding and foreground out, several frames of equal shape at a time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

import cv2
import numpy as np

from nanomorph.engine import Engine, computed
from nanomorph.prepare import Prepared, material
from nanomorph.stages import FLUSH, Flush

# Outputs of a backbone that are maps of its frame.
MAPS = ("foreground", "interior")
# The frames of a batch are held together: large ones go in small batches, or alone.
BATCH_RECORDED_PIXELS = 64 * 1024 * 1024


@dataclass(frozen=True, eq=False)
class Seen:
    """A probability map float32 (h, w) as a network gave it for a `frame`: a hundredth of one on large recorded pixels.

    again: a second look, and how much (float32 (h, w) of any scale, 0..1) it counts.
    """

    map_: np.ndarray
    frame: Prepared
    again: tuple[Seen, np.ndarray] | None = None

    def recorded(self) -> np.ndarray:
        """float32 (H, W) in recorded pixels, made anew by every call; burnt-in annotation is 0."""
        first = material(self.map_, self.frame)
        if self.again is None:
            return first
        # first + share x (second - first), with few arrays at once: frames can be large.
        second, share = self.again
        blended = second.recorded() - first
        blended *= cv2.resize(share, first.shape[::-1], interpolation=cv2.INTER_LINEAR)
        blended += first
        return blended


@dataclass(frozen=True, eq=False)
class Inference:
    """What a backbone saw in a frame, as small as it was seen, because frames wait with it.

    embedding: float32 (D,). scale: px in which it was seen per recorded px, in its finest look.
    """

    embedding: np.ndarray
    maps: Mapping[str, Seen]
    scale: float

    @property
    def field_rows(self) -> slice:
        """As `Prepared.field_rows`."""
        return self.maps["foreground"].frame.field_rows

    @property
    def annotation(self) -> np.ndarray | None:
        """As `Prepared.annotation`."""
        return self.maps["foreground"].frame.annotation

    @property
    def foreground(self) -> np.ndarray:
        """float32 (H, W) probabilities in recorded pixels, made when asked for."""
        return self.maps["foreground"].recorded()

    @property
    def interior(self) -> np.ndarray | None:
        """As `foreground`; None where no segmenter has learned it."""
        return self.maps["interior"].recorded() if "interior" in self.maps else None


def infer(engine: Engine, frames: Sequence[Prepared]) -> list[Inference]:
    """Run frames of one shape as one batch."""
    return inferences(computed(engine, np.stack([frame.pixels for frame in frames])[:, None]), frames)


def inferences(outputs: Mapping[str, np.ndarray], frames: Sequence[Prepared]) -> list[Inference]:
    """An engine's outputs for a batch, frame by frame."""
    return [
        Inference(
            outputs["embedding"][n],
            {name: Seen(outputs[name][n, 0], frame) for name in MAPS if name in outputs},
            frame.scale,
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
