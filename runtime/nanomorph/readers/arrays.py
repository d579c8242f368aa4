"""A micrograph that is an array already: held to what a file is held to."""

from __future__ import annotations

import numpy as np

from nanomorph.micrograph import Calibration, Micrograph, ReadError
from nanomorph.readers.gray import to_gray
from nanomorph.readers.strict import check_frame, check_size

NAME = "array"
_SAMPLES = (1, 3, 4)


def from_array(image: np.ndarray) -> Micrograph:
    """The micrograph in an array (H, W), (H, W, 1), (H, W, 3) RGB or (H, W, 4) RGBA, without a pixel size.

    Raises ReadError with the reasons of files (`readers`): `volume` for a stack, `not-an-image` for other shapes,
    values that are no grays and masked pixels, `too-small`, `too-large` and `no-signal`.
    """
    if np.ma.is_masked(image):
        raise ReadError("not-an-image", f"{NAME} has masked pixels: say what they are, as in image.filled(0)")
    samples = np.asarray(image)
    if samples.ndim not in (2, 3):
        raise ReadError("not-an-image", f"{NAME} has the shape {samples.shape}; (H, W) is needed, or (H, W, 3) of RGB")
    if samples.ndim == 3 and samples.shape[2] not in _SAMPLES:
        one = f"give one frame of {samples.shape}, such as image[0]"
        raise ReadError("volume", f"{NAME} is a stack or a volume, not a micrograph: {one}")
    check_size(NAME, *samples.shape[:2])
    gray = to_gray(NAME, samples)
    check_frame(NAME, gray)
    return Micrograph(gray, None, Calibration.NONE, NAME)
