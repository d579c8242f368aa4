"""Micrographs as a person sees them in the page."""

from __future__ import annotations

import cv2
import numpy as np

from nanomorph.prepare import to_uint8
from nanomorph.results.png import png_of
from nanomorph_training.micrographs.cache import read_sample
from nanomorph_training.micrographs.samples import Sample

# Longer side, px: as much as a screen shows.
MAX_SIDE = 1400
# Percentiles that become black and white.
LOW, HIGH = 0.5, 99.5


def picture_of(sample: Sample) -> bytes:
    """PNG of a micrograph, contrast stretched, at most MAX_SIDE px on a side. Raises ReadError."""
    gray = to_uint8(read_sample(sample).pixels, LOW, HIGH)
    scale = min(1.0, MAX_SIDE / max(gray.shape))
    if scale < 1:
        gray = cv2.resize(gray, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    return png_of(np.repeat(gray[..., None], 3, axis=2))
