"""From a micrograph as recorded to what the model sees: the one resize and normalisation of the project.

Training, calibration of precisions and the runtime all call `prepare`, so a model meets at the
microscope what it met in training (reference: the recurring resize bug of anomalib#2266, rf-detr#1203).
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from nanomorph.annotations import burnt_in
from nanomorph.micrograph import Micrograph

# Enough for a percentile that no eye tells from the exact one, at a fiftieth of its cost on a large frame.
PERCENTILE_SAMPLE = 512 * 512
# Rows that are converted at once: what they are on the way stays in the cache, and takes no memory for a whole frame.
ROWS = 64


# Percentiles of a frame's gray values that are its black and white: a hot pixel must not darken all others.
LOW, HIGH = 0.5, 99.5


@dataclass(frozen=True)
class InputSpec:
    """What a model accepts.

    max_side: longest side in px that is seen in one pass; larger frames are reduced to it.
    multiple: height and width are padded to a multiple of this many px.
    nm_per_px_min: finer calibrated frames are reduced to this pixel size, the finest trained on.
    nm_per_px_max: coarsest pixel size trained on (nothing is enlarged; callers may warn).
    low, high: percentiles of the frame's gray values that become 0 and 255.
    """

    max_side: int = 384
    multiple: int = 32
    nm_per_px_min: float = 0.3
    nm_per_px_max: float = 4.0
    low: float = LOW
    high: float = HIGH


@dataclass(frozen=True, eq=False)
class Prepared:
    """A frame as the model sees it.

    pixels: uint8 (H, W), padded; its top left `shape` is the field. scale: model px per recorded px.
    annotation: bool, recorded pixels, True on burnt-in letters and bars; None where there are none.
    """

    pixels: np.ndarray
    shape: tuple[int, int]
    scale: float
    recorded_shape: tuple[int, int]
    annotation: np.ndarray | None = None

    @property
    def field_rows(self) -> slice:
        """Recorded rows of the field of view: without info bars, burnt-in rows above and below it."""
        if self.annotation is None:
            return slice(0, self.recorded_shape[0])
        rows = np.flatnonzero(~self.annotation.all(axis=1))
        return slice(int(rows[0]), int(rows[-1]) + 1) if len(rows) else slice(0, self.recorded_shape[0])


def prepare(micrograph: Micrograph, spec: InputSpec) -> Prepared:
    """Normalise to uint8, take burnt-in annotation out, reduce to the model's scale, pad (mirrored) to its multiple."""
    annotation = burnt_in(micrograph.pixels, micrograph.drawn, micrograph.lines)
    return at_scale(micrograph, spec, model_scale(micrograph, spec), annotation)


def at_scale(micrograph: Micrograph, spec: InputSpec, scale: float, annotation: np.ndarray | None) -> Prepared:
    """As `prepare`, at so many model px per recorded px (see `detail`), of a frame whose annotation is known."""
    gray = to_uint8(micrograph.pixels, spec.low, spec.high, annotation)
    resized = resize(gray, scale)
    return Prepared(pad(resized, spec.multiple), resized.shape, scale, gray.shape, annotation)


def to_uint8(
    pixels: np.ndarray, low: float = LOW, high: float = HIGH, annotation: np.ndarray | None = None
) -> np.ndarray:
    """Stretch the percentiles `low` to `high` of a frame over 0..255, outliers clipped.

    A constant frame becomes 0, and so does a pixel that is not a number. Where `annotation` (bool) is True, pixels
    count for no percentile and become the frame's median: letters must not take the contrast of what they label.
    """
    if annotation is not None:
        rest = pixels[~annotation]
        median = np.median(rest[np.isfinite(rest)]) if np.isfinite(rest).any() else 0
        pixels = np.where(annotation, np.asarray(median).astype(pixels.dtype), pixels)
    black, white = limits(pixels, low, high)
    stretched = np.empty(pixels.shape, np.uint8)
    for first in range(0, len(pixels), ROWS):
        stretched[first : first + ROWS] = _stretch(pixels[first : first + ROWS], black, white)
    return stretched


def _stretch(values: np.ndarray, black: float, white: float) -> np.ndarray:
    gain = np.float32(255 / (white - black) if white > black else 0.0)
    # Numbers of more digits than float32 holds keep them until the offset is gone.
    if values.dtype.itemsize > 2 and values.dtype != np.float32:
        above = (values.astype(np.float64) - black).astype(np.float32)
    else:
        above = values.astype(np.float32)
        above -= np.float32(black)
    above *= gain
    np.clip(above, 0, 255, out=above)
    above += np.float32(0.5)
    if values.dtype.kind == "f":
        np.nan_to_num(above, copy=False, nan=0.0)
    return above.astype(np.uint8)


def limits(pixels: np.ndarray, low: float, high: float) -> tuple[float, float]:
    """The percentiles `low` and `high` of the finite pixels, from at most about PERCENTILE_SAMPLE of them."""
    step = max(1, int(np.sqrt(pixels.size / PERCENTILE_SAMPLE)))
    sample = pixels[::step, ::step]
    if sample.size and sample.dtype in (np.uint8, np.uint16):
        return _counted(np.bincount(sample.ravel()), low, high)
    finite = sample[np.isfinite(sample)].astype(np.float64)
    if not finite.size:
        return 0.0, 0.0
    black, white = np.percentile(finite, (low, high))
    return float(black), float(white)


def _counted(counts: np.ndarray, low: float, high: float) -> tuple[float, float]:
    """`np.percentile` of whole numbers of which there are so many each, to the bit, for a tenth of its time."""
    up_to = np.cumsum(counts)
    at = (up_to[-1] - 1) * (np.array([low, high]) / 100)
    rank = np.floor(at).astype(int)
    below, above = (np.searchsorted(up_to, r, side="right") for r in (rank, np.minimum(rank + 1, up_to[-1] - 1)))
    share, step = at - rank, above - below
    black, white = np.where(share >= 0.5, above - step * (1 - share), below + step * share)
    return float(black), float(white)


def model_scale(micrograph: Micrograph, spec: InputSpec) -> float:
    """Model px per recorded px, at most 1: too fine a frame is reduced, nothing is enlarged."""
    scale = min(finest_scale(micrograph, spec), spec.max_side / max(micrograph.pixels.shape))
    # Never so small that the field vanishes: 64 px on the long side at the least.
    return min(1.0, max(scale, 64 / max(micrograph.pixels.shape)))


def finest_scale(micrograph: Micrograph, spec: InputSpec) -> float:
    """Model px per recorded px at which every recorded px, but no finer detail than trained on, is seen; at most 1."""
    if micrograph.nm_per_px is None:
        return 1.0
    return min(1.0, min(micrograph.nm_per_px) / spec.nm_per_px_min)


def resize(gray: np.ndarray, scale: float) -> np.ndarray:
    """Reduce by area averaging: no aliasing of the support film's grain into false structure."""
    if scale == 1.0:
        return gray
    height, width = (max(1, round(side * scale)) for side in gray.shape)
    return cv2.resize(gray, (width, height), interpolation=cv2.INTER_AREA)


def pad(gray: np.ndarray, multiple: int) -> np.ndarray:
    """Mirror the lower and right edges until both sides are multiples of `multiple`."""
    bottom, right = (-side % multiple for side in gray.shape)
    if not bottom and not right:
        return gray
    return cv2.copyMakeBorder(gray, 0, bottom, 0, right, cv2.BORDER_REFLECT)


def restore(map_: np.ndarray, prepared: Prepared) -> np.ndarray:
    """Bring a model output (H, W) float32 back onto the recorded pixels (bilinear)."""
    field = map_[: prepared.shape[0], : prepared.shape[1]]
    if prepared.shape == prepared.recorded_shape:
        return field
    height, width = prepared.recorded_shape
    return cv2.resize(field, (width, height), interpolation=cv2.INTER_LINEAR)


def material(map_: np.ndarray, prepared: Prepared) -> np.ndarray:
    """A probability map (H, W) on the recorded pixels, 0 on burnt-in annotation: letters are no material."""
    restored = restore(map_, prepared)
    return restored if prepared.annotation is None else np.where(prepared.annotation, np.float32(0), restored)
