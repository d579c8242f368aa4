"""Decoded images and training targets on disk, so that the second epoch decodes nothing."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

import numpy as np

from nanomorph.atomic import atomic_open
from nanomorph.errors import ConfigurationError
from nanomorph.micrograph import Calibration, Micrograph, ReadError
from nanomorph.prepare import InputSpec, prepare
from nanomorph.readers import read_micrograph, read_path
from nanomorph.sources import Item, Rejected
from nanomorph_training.micrographs.listing import members
from nanomorph_training.micrographs.masks import read_instances, read_mask
from nanomorph_training.micrographs.samples import Sample
from nanomorph_training.micrographs.targets import target

# Raise when what is stored changes meaning.
VERSION = "5"


def default_folder() -> Path:
    """The user's cache folder (XDG_CACHE_HOME or ~/.cache)."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "nanomorph" / "decoded"


@dataclass(frozen=True)
class Cache:
    """Arrays under `folder`, keyed by file, its size and time, and the input spec."""

    folder: Path
    spec: InputSpec = InputSpec()
    # What an archive's members were found to be when it was read through.
    _unreadable: dict[Path, ReadError] = field(default_factory=dict, compare=False, repr=False)

    def image(self, sample: Sample) -> np.ndarray:
        """uint8 (H, W), as `prepare` makes it, without padding; memory-mapped. Raises ReadError."""
        if sample.member:
            return self._member(sample)
        # A pixel size that the sample states belongs to the key: it may change the scale.
        kind = f"image {sample.nm_per_px}" if sample.nm_per_px else "image"
        return self._stored(kind, [sample.path], lambda: self._decode(read_sample(sample)))

    def target(self, sample: Sample) -> np.ndarray:
        """uint8 (H, W) on the pixels of `image`: bit 0 foreground, bit 1 interior; memory-mapped.

        Raises ConfigurationError where the mask's size differs from the micrograph's.
        """
        assert sample.mask is not None
        kind = "annotated" if sample.annotated else "instances, numbered" if sample.by_instance else "union"
        kind += f" {sample.nm_per_px}" if sample.nm_per_px else ""
        return self._stored(kind, [sample.path, sample.mask], lambda: self._target(sample))

    def _decode(self, micrograph: Micrograph) -> np.ndarray:
        prepared = prepare(micrograph, self.spec)
        return prepared.pixels[: prepared.shape[0], : prepared.shape[1]]

    def _member(self, sample: Sample) -> np.ndarray:
        path = self._path(f"member {sample.member}", [sample.path])
        if not path.exists() and path not in self._unreadable:
            self._decode_archive(sample.path)
        if path in self._unreadable:
            raise self._unreadable[path]
        if not path.exists():
            raise _no_member(sample)
        return np.load(path, mmap_mode="r", allow_pickle=False)

    def _decode_archive(self, archive: Path) -> None:
        """All its members in one pass: a .tar.gz is a stream, and going back to its start costs all of it."""
        for name, entry in members(archive):
            path = self._path(f"member {name}", [archive])
            try:
                _save(path, self._decode(_read_entry(entry)))
            except ReadError as error:
                self._unreadable[path] = error

    def _target(self, sample: Sample) -> np.ndarray:
        assert sample.mask is not None
        read = read_instances if sample.by_instance else partial(read_mask, annotated=sample.annotated)
        mask, recorded = read(sample.mask), read_sample(sample).pixels.shape
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
        path = self._path(kind, files)
        if not path.exists():
            _save(path, compute())
        return np.load(path, mmap_mode="r", allow_pickle=False)

    def _path(self, kind: str, files: list[Path]) -> Path:
        stats = [(str(file.resolve()), file.stat().st_size, file.stat().st_mtime_ns) for file in files]
        digest = hashlib.sha256(repr((VERSION, kind, stats, self.spec)).encode()).hexdigest()
        return self.folder / f"{digest[:32]}.npy"


def _save(path: Path, array: np.ndarray) -> None:
    with atomic_open(path) as stream:
        np.save(stream, np.ascontiguousarray(array), allow_pickle=False)


def read_sample(sample: Sample) -> Micrograph:
    """The micrograph, with the pixel size that the sample states where its file holds none."""
    micrograph = _read_member(sample) if sample.member else read_path(sample.path)
    if sample.nm_per_px is None or micrograph.nm_per_px is not None:
        return micrograph
    return replace(micrograph, nm_per_px=(sample.nm_per_px,) * 2, calibration=Calibration.USER)


def _read_member(sample: Sample) -> Micrograph:
    """From the archive's start: for the few that have labels; pools of many go through `Cache`."""
    for name, entry in members(sample.path):
        if name == sample.member:
            return _read_entry(entry)
    raise _no_member(sample)


def _read_entry(entry: Item | Rejected) -> Micrograph:
    if isinstance(entry, Rejected):
        raise ReadError(entry.reason, entry.detail)
    return read_micrograph(entry.name, entry.load())


def _no_member(sample: Sample) -> ReadError:
    return ReadError("unreadable", f"{sample.path} holds no micrograph called {sample.member}")
