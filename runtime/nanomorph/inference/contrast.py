"""How much brighter or darker than its background a micrograph shows its material, and each domain of it."""

from __future__ import annotations

import math

import numpy as np

from nanomorph.measure.uncertainty import sampled
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


def domain_contrast(pixels: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """(Mean gray - median gray of the background) / range of the frame's grays, by number of the domain: (n + 1,).

    pixels: (H, W) as recorded. mask: int (H, W), 0 = background, domains up to n. float64 in -1..1; NaN where contrast
    or background is missing, and of numbers without a pixel that is `sampled`. Beside dark particles a hole of the film
    is bright, and a piece of the film is neither.
    """
    labels, grays = (np.ascontiguousarray(sampled(one)).ravel() for one in (mask, pixels))
    material = np.flatnonzero(labels)
    known = material[np.isfinite(grays[material])]
    mean = np.full(int(mask.max(initial=0)) + 1, np.nan)
    black, white = limits(pixels, LOW, HIGH)
    background = _background(pixels, mask)
    if math.isnan(background) or not white > black:
        return mean
    number = np.bincount(labels[known], minlength=len(mean))
    np.divide(np.bincount(labels[known], grays[known], len(mean)), number, out=mean, where=number > 0)
    return np.clip((mean - background) / (white - black), -1, 1)


def _background(pixels: np.ndarray, mask: np.ndarray) -> float:
    """The median gray outside of domains, of every second (third, ...) pixel of large frames; NaN without any."""
    step = math.ceil(max(pixels.shape) / SAMPLED)
    for every in dict.fromkeys((step, 1)):
        outside = pixels[::every, ::every][mask[::every, ::every] == 0]
        outside = outside[np.isfinite(outside)]
        if len(outside):
            return float(np.median(outside))
    return math.nan


def _contrast(pixels: np.ndarray, mask: np.ndarray) -> float:
    material = mask != 0
    phases = [phase[np.isfinite(phase)] for phase in (pixels[material], pixels[~material])]
    black, white = limits(pixels, LOW, HIGH)
    if not all(map(len, phases)) or not white > black:
        return math.nan
    inside, outside = (float(np.median(phase)) for phase in phases)
    return min(max((inside - outside) / (white - black), -1.0), 1.0)
