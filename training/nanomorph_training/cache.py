"""Decoded images and training targets on disk, so that the second epoch decodes nothing."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

import cv2
import numpy as np

from nanomorph.atomic import atomic_open
from nanomorph.errors import ConfigurationError
from nanomorph.micrograph import Calibration, Micrograph, ReadError
from nanomorph.prepare import InputSpec, prepare
from nanomorph.readers import read_micrograph, read_path
from nanomorph.sources import Item, Rejected
from nanomorph_training.listing import members
from nanomorph_training.samples import Sample
from nanomorph_training.targets import target

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


def read_mask(path: Path, annotated: bool = False) -> np.ndarray:
    """A mask as integers (H, W): its ids, or 0 and 1. Colour masks: every pixel that is neither black nor transparent.

    annotated: a micrograph with foreground painted in: every pixel whose green and blue differ (Lu et al. 2022).
    Raises ConfigurationError for what is no image, and for a colour image that is material everywhere.
    """
    pixels = _pixels(path)
    if annotated:
        pixels = pixels[..., 0] != pixels[..., 1] if pixels.ndim == 3 else np.zeros(pixels.shape)
    elif pixels.ndim == 3:
        pixels = _painted(pixels)
        if pixels.all():
            raise ConfigurationError(
                f"the mask {path} is material everywhere: is it a copy of the micrograph that was painted on? A mask "
                "is black (0), or transparent, outside of the material"
            )
    if pixels.dtype.kind == "f":
        pixels = np.rint(pixels)
    return pixels.astype(np.int32)


def read_instances(path: Path) -> np.ndarray:
    """As `read_mask`, a number for each particle: its id, or a colour's or a single id's connected pieces."""
    numbers, pixels = read_mask(path), _pixels(path)
    if pixels.ndim == 3:
        colours = np.zeros(numbers.shape, np.int64)
        for channel in np.moveaxis(pixels[..., :3], 2, 0):
            colours = 256 * colours + channel
        numbers = np.where(numbers > 0, np.unique(colours, return_inverse=True)[1].reshape(numbers.shape) + 1, 0)
    elif len(np.unique(numbers[numbers > 0])) > 1:
        return numbers
    return _pieces(numbers)


def _pieces(numbers: np.ndarray) -> np.ndarray:
    """The connected pieces of each number, int32 (H, W), numbered anew."""
    found, n = np.zeros(numbers.shape, np.int32), 0
    for number in np.unique(numbers[numbers > 0]):
        count, pieces = cv2.connectedComponents((numbers == number).view(np.uint8), connectivity=8)
        found[pieces > 0] = pieces[pieces > 0] + n
        n += count - 1
    return found


def _painted(pixels: np.ndarray) -> np.ndarray:
    opaque = pixels[..., 3] > 0 if pixels.shape[2] == 4 else True
    return (pixels[..., :3].max(axis=2) > 0) & opaque


def _pixels(path: Path) -> np.ndarray:
    pixels = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
    if pixels is None:
        raise ConfigurationError(f"the mask {path} is missing or no image that can be read (PNG or TIFF, 8 or 16 bit)")
    return pixels
