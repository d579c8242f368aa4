"""From samples as stored (palette, colour, transparency, bits) to one gray plane."""

from __future__ import annotations

import cv2
import numpy as np

from nanomorph.micrograph import ReadError

_WEIGHTS = (0.299, 0.587, 0.114)
"""Luminance of red, green and blue, ITU-R BT.601; what OpenCV, Pillow and ImageJ (weighted) use."""


def to_gray(name: str, samples: np.ndarray, premultiplied: bool = False) -> np.ndarray:
    """(H, W) gray from (H, W) or (H, W, S) samples, in the same depth. S: gray, gray+alpha, RGB or RGBA.

    Transparency counts only where it varies; there the image lies on white, as on paper.
    Raises ReadError for complex values and other counts of channels.
    """
    if samples.dtype.kind not in "biuf":
        doubt = " (a transform?)" if samples.dtype.kind == "c" else ""
        raise ReadError("not-an-image", f"{name} holds {samples.dtype} values{doubt}, not grays")
    if samples.ndim == 2:
        return _plain(samples)
    count = samples.shape[2]
    if count not in (1, 2, 3, 4):
        raise ReadError("not-an-image", f"{name} has {count} channels; gray, RGB and RGBA are read")
    gray = _luminance(samples[:, :, :3]) if count >= 3 else samples[:, :, 0]
    if count in (2, 4):
        gray = _on_white(gray, samples[:, :, -1], premultiplied)
    return _plain(gray)


def _luminance(rgb: np.ndarray) -> np.ndarray:
    if rgb.dtype in (np.uint8, np.uint16, np.float32):
        return cv2.cvtColor(np.ascontiguousarray(rgb), cv2.COLOR_RGB2GRAY)
    gray = sum(rgb[:, :, channel] * weight for channel, weight in enumerate(_WEIGHTS))
    return _rounded(np.asarray(gray), rgb.dtype)


def _on_white(gray: np.ndarray, alpha: np.ndarray, premultiplied: bool) -> np.ndarray:
    # Constant alpha, zero included, says nothing: some writers leave the channel blank.
    if gray.dtype.kind != "u" or alpha.min() == alpha.max():
        return gray
    white = np.iinfo(gray.dtype).max
    opacity = alpha / np.float64(white)
    own = gray if premultiplied else gray * opacity
    return _rounded(np.minimum(own + (1 - opacity) * white, white), gray.dtype)


def _rounded(values: np.ndarray, dtype: np.dtype) -> np.ndarray:
    return (np.rint(values) if dtype.kind in "iu" else values).astype(dtype)


def _plain(gray: np.ndarray) -> np.ndarray:
    """Contiguous, native byte order, and in a depth that everything downstream takes."""
    if gray.dtype.kind == "b":
        return gray.astype(np.uint8) * np.uint8(255)
    if gray.dtype == np.float16:
        return gray.astype(np.float32)
    if gray.dtype == np.longdouble:
        return gray.astype(np.float64)
    return np.ascontiguousarray(gray, dtype=gray.dtype.newbyteorder("="))
