"""Masks as people and other programs write them: labels, colours, layers, painted micrographs -> whole numbers."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from nanomorph.errors import ConfigurationError

# A mask has few values or large areas of each; of a micrograph most pixels differ from the next one.
FEW_VALUES = 16


def read_mask(path: Path, annotated: bool = False) -> np.ndarray:
    """A mask as integers (H, W): its ids, or 0 and 1. Colour masks: every pixel that is neither black nor transparent.

    annotated: a micrograph with foreground painted in: every pixel whose green and blue differ (Lu et al. 2022).
    Raises ConfigurationError for what is no image, and for what is a micrograph: a colour image that is material
    everywhere, a gray one of which most pixels differ from their neighbours.
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
    elif _is_micrograph(pixels):
        raise ConfigurationError(
            f"the mask {path} has as many grays as a micrograph: is it one? A mask is 0 outside of the material and "
            "one number within, or a number for each particle"
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


def _is_micrograph(pixels: np.ndarray) -> bool:
    if min(pixels.shape) < 2:
        return False
    across, down = (np.mean(np.diff(pixels.astype(float), axis=axis) != 0) for axis in (1, 0))
    return bool(min(across, down) > 0.5) and len(np.unique(pixels)) > FEW_VALUES


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
