"""How much brighter or darker than its background a micrograph shows its material."""

from __future__ import annotations

import math

import numpy as np

from nanomorph.prepare import HIGH, LOW, limits

# Longer side, px, from which on every second (third, ...) pixel is enough for a median.
SAMPLED = 256


def material_contrast(pixels: np.ndarray, mask: np.ndarray) -> float:
    """(median gray of the material - that of the background) / range of the frame's grays: in -1..1, darker below 0.

    pixels: (H, W) as recorded. mask: int or bool (H, W), background 0. NaN where a phase or all contrast is missing.
    Bright field shows most material darker, dark field brighter. A frame unlike the others of its kind tells that
    holes were taken for particles: a grid of dark bars and a raft of bright cubes look alike.
    """
    step = math.ceil(max(pixels.shape) / SAMPLED)
    coarse = _contrast(pixels[::step, ::step], mask[::step, ::step])
    between = math.isnan(coarse) and step > 1 and bool(mask.any())  # all that there is lies between those pixels
    return _contrast(pixels, mask) if between else coarse


def _contrast(pixels: np.ndarray, mask: np.ndarray) -> float:
    material = mask != 0
    phases = [phase[np.isfinite(phase)] for phase in (pixels[material], pixels[~material])]
    black, white = limits(pixels, LOW, HIGH)
    if not all(map(len, phases)) or not white > black:
        return math.nan
    inside, outside = (float(np.median(phase)) for phase in phases)
    return min(max((inside - outside) / (white - black), -1.0), 1.0)
