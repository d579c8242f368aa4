"""Decoded images and training targets on disk, so that the second epoch decodes nothing."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from nanomorph.atomic import atomic_open
from nanomorph.errors import ConfigurationError
from nanomorph.prepare import InputSpec, prepare
from nanomorph_training.data import Sample
from nanomorph_training.targets import target

# Raise when what is stored changes meaning.
VERSION = "3"


def default_folder() -> Path:
    """The user's cache folder (XDG_CACHE_HOME or ~/.cache)."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "nanomorph" / "decoded"


@dataclass(frozen=True)
class Cache:
    """Arrays under `folder`, keyed by file, its size and time, and the input spec."""

    folder: Path
    spec: InputSpec = InputSpec()

    def image(self, sample: Sample) -> np.ndarray:
        """uint8 (H, W), as `prepare` makes it, without padding; memory-mapped. Raises ReadError."""
        return self._stored("image", [sample.path], lambda: self._decode(sample.path))

    def target(self, sample: Sample) -> np.ndarray:
        """uint8 (H, W) on the pixels of `image`: bit 0 foreground, bit 1 interior; memory-mapped.

        Raises ConfigurationError where the mask's size differs from the micrograph's.
        """
        assert sample.mask is not None
        kind = "instances" if sample.by_instance else "union"
        return self._stored(kind, [sample.path, sample.mask], lambda: self._target(sample))

    def _decode(self, path: Path) -> np.ndarray:
        from nanomorph.readers import read_path

        prepared = prepare(read_path(path), self.spec)
        return prepared.pixels[: prepared.shape[0], : prepared.shape[1]]

    def _target(self, sample: Sample) -> np.ndarray:
        from nanomorph.readers import read_path

        assert sample.mask is not None
        mask, recorded = read_mask(sample.mask), read_path(sample.path).pixels.shape
        if mask.shape != recorded:
            raise ConfigurationError(
                f"the mask {sample.mask} is {mask.shape[1]} x {mask.shape[0]} px, its micrograph {sample.path} "
                f"{recorded[1]} x {recorded[0]} px; they must lie on the same pixels"
            )
        height, width = self.image(sample).shape
        if mask.shape != (height, width):
            rows, columns = (np.arange(n) * m // n for n, m in zip((height, width), mask.shape, strict=True))
            mask = mask[np.ix_(rows, columns)]
        return target(mask, sample.by_instance)

    def _stored(self, kind: str, files: list[Path], compute: Callable[[], np.ndarray]) -> np.ndarray:
        path = self.folder / f"{self._key(kind, files)}.npy"
        if not path.exists():
            array = np.ascontiguousarray(compute())
            with atomic_open(path) as stream:
                np.save(stream, array, allow_pickle=False)
        return np.load(path, mmap_mode="r", allow_pickle=False)

    def _key(self, kind: str, files: list[Path]) -> str:
        stats = [(str(file.resolve()), file.stat().st_size, file.stat().st_mtime_ns) for file in files]
        return hashlib.sha256(repr((VERSION, kind, stats, self.spec)).encode()).hexdigest()[:32]


def read_mask(path: Path) -> np.ndarray:
    """A mask as integers (H, W): its ids, or 0 and 1. Colour masks: every pixel that is not black."""
    pixels = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
    if pixels is None:
        raise ConfigurationError(f"the mask {path} is missing or no image that can be read (PNG or TIFF, 8 or 16 bit)")
    if pixels.ndim == 3:
        pixels = pixels[..., :3].max(axis=2) > 0
    if pixels.dtype.kind == "f":
        pixels = np.rint(pixels)
    return pixels.astype(np.int32)
