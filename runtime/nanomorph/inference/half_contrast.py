"""Outlines put where the micrograph has them: at half the contrast between a domain and what surrounds it.

A network draws outlines as people draw masks, a little outside of what they enclose, and no finer than it sees. Here
the probability near its outline is made anew from the recorded grays: how far one lies from the mean of the
surroundings (0) towards that of the material (1), both taken close by. That is one step of a localised two-phase
segmentation (Chan and Vese 2001; Lankton and Tannenbaum 2008); of an edge that is blurred alike to both sides, half is
where it truly lies. Where the two sides are not told apart by their grays, the network's word stays.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from nanomorph.inference.infer import Inference

HALF_CONTRAST, MODEL = OUTLINES = ("half-contrast", "model")
# Model px: means are Gaussian with this sd; so far from the network's outline an edge is sought; grays are smoothed
# by this sd first, for noise must not fray an outline that the network saw smooth.
REACH, BAND, SMOOTH = 2.5, 3, 0.7
# Pixels that the network is sure of make up the means: certainly material from the second on, certainly none below
# the first; between the two pairs their weight rises.
SURE = ((0.8, 0.95), (0.2, 0.05))
# The probability of half the contrast when pixels are judged anew by their grays: with it wires come out as wide as
# they were drawn (.50: .08 px wider, .40: .04 px narrower).
HALF = 0.45
# Finest grid that outlines are sought on, px per px of the network: finer ones follow noise.
FINEST = 4.0
# Least share of the neighbourhood that either side must fill.
PRESENT = 0.02
# Contrast in standard deviations of the grays on either side: below the first the network's word stays, from the
# second on it is the edge's.
CLEAR = (1.0, 2.0)


def outlined(inference: Inference, pixels: np.ndarray, threshold: float, outline: str = HALF_CONTRAST) -> np.ndarray:
    """The foreground probability, float32 (H, W), that domains are cut from; outline: one of OUTLINES."""
    if outline == MODEL:
        return inference.foreground
    return at_half_contrast(inference.foreground, pixels, inference.scale, threshold)


def at_half_contrast(foreground: np.ndarray, pixels: np.ndarray, scale: float, threshold: float) -> np.ndarray:
    """A foreground probability, float32 (H, W), whose outline at `threshold` follows the edges of `pixels` (H, W).

    scale: px in which the network saw per recorded px, at most 1. A probability of exactly 0 (burnt-in annotation)
    stays 0. Within the band the probability is a share of the contrast, so that other thresholds lie on the flanks
    of the edge.
    """
    coarse, coarse_grays = (_reduced(one, scale) for one in (foreground, pixels))
    band = _band(coarse >= threshold)
    # Twice: the network's own outline lies where grays are half and half, and would count them to its side.
    first = _edges(coarse, coarse_grays, band, HALF)
    if not first.weight.any():
        return foreground
    moved = first.applied(coarse, _smooth(coarse_grays, 1.0))
    edges = _edges(moved, coarse_grays, band, threshold)
    fine = _reduced(foreground, FINEST * scale)
    found = edges.applied(fine, _smooth(_reduced(pixels, FINEST * scale), 1 / min(FINEST, 1 / scale)))
    if found.shape != foreground.shape:
        found = _onto(found, foreground.shape)
        found[~(foreground > 0)] = 0
    return found


@dataclass(frozen=True, eq=False)
class _Edges:
    """gain x gray + shift is the probability near an edge, weight (0..1) how much it counts; float32 (h, w) each.

    They are applied to frames of any scale.
    """

    gain: np.ndarray
    shift: np.ndarray
    weight: np.ndarray

    def applied(self, foreground: np.ndarray, grays: np.ndarray) -> np.ndarray:
        """The probability float32 (H, W) made of `grays`, which are overwritten, near edges."""
        # foreground + weight x (clip(gain x grays + shift) - foreground), with few arrays at once: frames can be large.
        shape = foreground.shape
        moved = np.multiply(_onto(self.gain, shape), grays, out=grays)
        del grays
        moved += _onto(self.shift, shape)
        np.clip(moved, 0, 1, out=moved)
        moved -= foreground
        moved *= _onto(self.weight, shape)
        moved += foreground
        moved[foreground == 0] = 0
        return moved


def _reduced(pixels: np.ndarray, scale: float) -> np.ndarray:
    """float32, by area where `scale` is below 1; what is no number becomes 0."""
    if pixels.dtype not in (np.uint8, np.uint16, np.float32):
        pixels = pixels.astype(np.float32)
    if pixels.dtype.kind == "f" and not np.isfinite(pixels).all():
        pixels = np.nan_to_num(pixels, nan=0.0, posinf=0.0, neginf=0.0)
    shape = tuple(max(1, round(side * min(scale, 1.0))) for side in pixels.shape)
    reduced = pixels if shape == pixels.shape else cv2.resize(pixels, shape[::-1], interpolation=cv2.INTER_AREA)
    return reduced.astype(np.float32, copy=False)


def _smooth(grays: np.ndarray, scale: float) -> np.ndarray:
    return cv2.GaussianBlur(grays, (0, 0), SMOOTH / scale)


def _edges(foreground: np.ndarray, grays: np.ndarray, band: np.ndarray, threshold: float) -> _Edges:
    """From the grays close by that certainly are material and certainly are none."""
    (low, high), (none, surely_none) = SURE
    inside = np.clip((foreground - low) / np.float32(high - low), 0, 1)
    # Exactly 0 is annotation: neither material nor background.
    outside = np.where(foreground > 0, np.clip((foreground - none) / np.float32(surely_none - none), 0, 1), 0)
    # Squares of large grays would have no digits left for their noise.
    middle = np.float32(grays.mean())
    there, material, spread = _local(inside, grays - middle)
    elsewhere, around, noise = _local(outside, grays - middle)
    # Of grays of any unit, also a constant frame's.
    tiny = np.float32(1e-12) * grays.var() + np.finfo(np.float32).tiny
    difference = material - around
    contrast = np.abs(difference) / np.sqrt((spread + noise) / 2 + tiny)
    clear = np.clip((contrast - CLEAR[0]) / (CLEAR[1] - CLEAR[0]), 0, 1)
    present = np.clip(np.minimum(there, elsewhere) / PRESENT, 0, 1)
    weight = band * clear * present
    gain = 1 / np.where(weight > 0, difference, np.float32(1))
    return _Edges(gain, np.float32(threshold - 0.5) - (around + middle) * gain, weight)


def _local(weights: np.ndarray, grays: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Share of the neighbourhood that `weights` fill; mean and variance of the grays there."""
    there = _blurred(weights)
    total = there + np.float32(1e-6)
    mean = _blurred(weights * grays) / total
    return there, mean, np.maximum(_blurred(weights * grays * grays) / total - mean * mean, 0)


def _band(mask: np.ndarray) -> np.ndarray:
    """1 within BAND px of an outline, 0 elsewhere, with a soft rim: float32 (h, w)."""
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * BAND + 1, 2 * BAND + 1))
    band = cv2.morphologyEx(mask.astype(np.uint8), cv2.MORPH_GRADIENT, disc)
    return cv2.GaussianBlur(band.astype(np.float32), (0, 0), 0.7)


def _blurred(values: np.ndarray) -> np.ndarray:
    return cv2.GaussianBlur(values, (0, 0), REACH)


def _onto(values: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    return values if values.shape == shape else cv2.resize(values, shape[::-1], interpolation=cv2.INTER_LINEAR)
