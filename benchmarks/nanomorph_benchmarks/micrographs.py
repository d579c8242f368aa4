"""Plain micrographs of exact masks, and what a model makes of them."""

from __future__ import annotations

import cv2
import numpy as np

from nanomorph.inference.half_contrast import outlined
from nanomorph.measure import segment
from nanomorph.micrograph import Calibration, Micrograph
from nanomorph.model import Model
from nanomorph.prepare import prepare

BACKGROUND, MATERIAL, NOISE, BLUR_PX = 150.0, 95.0, 10.0, 1.0
LEAST_SIDE = 384  # smaller fields are set into a larger one: a frame with nothing around a wire is none


def draw(mask: np.ndarray, seed: int = 0) -> np.ndarray:
    """uint8 (H, W): dark material on a brighter film, blurred by BLUR_PX, with Gaussian noise."""
    gray = cv2.GaussianBlur(np.where(mask, MATERIAL, BACKGROUND).astype(np.float32), (0, 0), BLUR_PX)
    noise = np.random.default_rng(seed).normal(0, NOISE, mask.shape)
    return np.clip(gray + noise, 0, 255).astype(np.uint8)


def seen_by(model: Model, mask: np.ndarray) -> np.ndarray:
    """Bool (H, W): the foreground that a model finds in a micrograph drawn from `mask`."""
    height, width = mask.shape
    below, beside = max(0, LEAST_SIDE - height), max(0, LEAST_SIDE - width)
    pixels = draw(np.pad(mask, ((0, below), (0, beside))))
    micrograph = Micrograph(pixels, None, Calibration.NONE, "drawn")
    (seen,) = model.look([(micrograph, prepare(micrograph, model.bundle.input))])
    threshold = model.bundle.foreground_threshold
    foreground = outlined(seen, pixels, threshold, model.ways.outline)
    labels = segment(foreground, seen.interior, threshold)
    return labels[:height, :width] > 0
