"""From projected material to a recorded image: film grain, phase contrast, illumination, noise, camera.

Gray values are worked out in units of the film grain's standard deviation, so `contrast` is the
contrast-to-noise ratio of a wire.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
from scipy import fft

from nanomorph_training.synthesis.draws import Rng, chance, log_uniform, smooth_noise


@dataclass(frozen=True)
class Optics:
    """Everything about one image that has nothing to do with what lies in it.

    polarity: -1 dark material on bright film, +1 bright on dark. contrast: of dense material, in grain sd.
    cutoff: where the grain's spectrum ends, cycles/px. ring: share of the grain with the Thon ring of a
    defocused film, its first maximum at ring_frequency. mottle: sd of the film's slow unevenness (1/f).
    illumination: height of the slope or vignette. blur_px: of the lens. fringe, fringe_px: Fresnel fringe.
    halo, halo_px: share of the slow contrast that phase contrast, stain or charging takes away, and over what
    distance. shot: how far grain follows brightness. lines: sd of row-to-row changes of a scanned image.
    resampled: factor of a reduction and enlargement. level, spread: mean and sd of the final gray values, share
    of the range. gamma: tone curve. jpeg: quality or 0. All sd and heights in units of the grain's sd.
    """

    polarity: int
    contrast: float
    cutoff: float
    ring: float
    ring_frequency: float
    mottle: float
    mottle_px: float
    illumination: float
    blur_px: float
    fringe: float
    fringe_px: float
    halo: float
    halo_px: float
    shot: float
    lines: float
    resampled: float
    level: float
    spread: float
    gamma: float
    jpeg: int


def draw_optics(rng: Rng, width_px: float, polarity: int | None = None, contrast: float | None = None) -> Optics:
    """Draw the optics of one image with wires of `width_px`; the ranges are the same for every class."""
    cutoff = log_uniform(rng, 0.13, 0.5)
    drawn = log_uniform(rng, 0.7, 3.5) if chance(rng, 0.6) else log_uniform(rng, 2.5, 22.0)
    # Averaged over a piece of wire 4 widths long, contrast is to exceed the grain 4.5 times: nobody could
    # label what lies below that. The grain has one independent value every (1 / (2 cutoff))^2 px.
    drawn = max(drawn, 4.5 / (4 * width_px * cutoff))
    contrast = drawn if contrast is None else contrast
    drawn_polarity = 1 if chance(rng, 0.25) else -1
    unevenness = 1 + 0.2 * contrast
    return Optics(
        polarity=drawn_polarity if polarity is None else polarity,
        contrast=contrast,
        cutoff=cutoff,
        ring=rng.uniform(0, 0.9) if chance(rng, 0.6) else 0.0,
        ring_frequency=log_uniform(rng, 0.06, 0.4),
        mottle=unevenness * rng.uniform(0, 0.7) ** 2 if chance(rng, 0.5) else 0.0,
        mottle_px=log_uniform(rng, 8, 80),
        illumination=unevenness * rng.uniform(0, 1.0) ** 2 if chance(rng, 0.6) else 0.0,
        blur_px=log_uniform(rng, 0.45, 1.3),
        fringe=rng.uniform(0, 0.9) if chance(rng, 0.6) else 0.0,
        fringe_px=log_uniform(rng, 1.5, 6.0),
        halo=rng.uniform(0, 0.9) if chance(rng, 0.45) else 0.0,
        halo_px=log_uniform(rng, 6, 40),
        shot=rng.uniform(0, 0.7),
        lines=rng.uniform(0.1, 0.4) if chance(rng, 0.08) else 0.0,
        resampled=rng.uniform(1.2, 2.2) if chance(rng, 0.15) else 1.0,
        level=float(np.clip(rng.normal(0.5, 0.13), 0.2, 0.8)),
        spread=log_uniform(rng, 0.045, 0.3),
        gamma=log_uniform(rng, 0.75, 1.33),
        jpeg=int(rng.integers(35, 96)) if chance(rng, 0.3) else 0,
    )


def expose(rng: Rng, density: np.ndarray, film: np.ndarray, optics: Optics) -> np.ndarray:
    """Gray values float32 (H, W), 0 to 1, of material `density` and whatever is on the `film` (H, W)."""
    signal = phase_contrast(density, optics)
    bright = optics.polarity * optics.contrast * (signal + film)
    relative = np.clip(bright / max(optics.contrast, 1e-6), -1.2, 1.2)
    image = bright + background(rng, density.shape, optics)
    image += grain(rng, density.shape, optics) * (1 + optics.shot * 0.5 * relative)
    if optics.lines:
        image += optics.lines * rng.standard_normal((len(image), 1)).astype(np.float32)
    return tone(_resample(image, optics.resampled), optics)


def phase_contrast(density: np.ndarray, optics: Optics) -> np.ndarray:
    """Density (H, W) through the lens: blurred, with a fringe at its edges and a halo around it."""
    image = blur(density, optics.blur_px)
    signal = image.copy()
    if optics.fringe:
        signal += optics.fringe * (image - blur(image, optics.fringe_px))
    if optics.halo:
        signal -= optics.halo * blur(image, optics.halo_px)
    return signal


def blur(image: np.ndarray, sd_px: float) -> np.ndarray:
    """Gaussian blur; a wide one is computed on a reduced image, which nobody can tell apart."""
    if sd_px < 5:
        return cv2.GaussianBlur(image, (0, 0), sd_px, borderType=cv2.BORDER_REFLECT)
    factor = sd_px / 2.5
    height, width = image.shape
    reduced = (max(1, round(width / factor)), max(1, round(height / factor)))
    small = cv2.resize(image, reduced, interpolation=cv2.INTER_AREA)
    small = cv2.GaussianBlur(small, (0, 0), sd_px / factor, borderType=cv2.BORDER_REFLECT)
    return cv2.resize(small, (width, height), interpolation=cv2.INTER_CUBIC)


def grain(rng: Rng, shape: tuple[int, int], optics: Optics) -> np.ndarray:
    """Film grain float32 (H, W) of sd 1 with the power spectrum of a defocused micrograph."""
    white = rng.standard_normal(shape, dtype=np.float32)
    k = _frequencies(shape)
    thon = np.sin(np.pi / 2 * (k / optics.ring_frequency) ** 2) ** 2
    power = (1 - optics.ring + optics.ring * thon) * np.exp(-((k / optics.cutoff) ** 3)) + 0.02
    noise = fft.irfft2(fft.rfft2(white) * np.sqrt(power), s=shape)
    return noise / max(float(noise.std()), 1e-6)


@lru_cache(maxsize=4)
def _frequencies(shape: tuple[int, int]) -> np.ndarray:
    return np.hypot(fft.fftfreq(shape[0])[:, None], fft.rfftfreq(shape[1])[None]).astype(np.float32)


def background(rng: Rng, shape: tuple[int, int], optics: Optics) -> np.ndarray:
    """Slow unevenness float32 (H, W): mottle of three octaves (1/f), slope or vignette of the beam."""
    coarse = (-(-shape[0] // 4), -(-shape[1] // 4))  # nothing here changes within 4 px
    octaves = [smooth_noise(rng, coarse, optics.mottle_px / 4 * 2**octave) for octave in range(3)]
    mottle = np.sum(octaves, axis=0)
    y, x = (np.linspace(-1, 1, side, dtype=np.float32) for side in coarse)
    angle, bow = rng.uniform(0, 2 * np.pi), rng.uniform(-1, 1)
    cx, cy = rng.uniform(-0.5, 0.5, 2)
    radius = (x[None] - cx) ** 2 + (y[:, None] - cy) ** 2
    slope = np.cos(angle) * x[None] + np.sin(angle) * y[:, None]
    uneven = optics.mottle * mottle / 1.73 + optics.illumination * (slope + bow * radius)
    return cv2.resize(uneven.astype(np.float32), shape[::-1], interpolation=cv2.INTER_LINEAR)


def _resample(image: np.ndarray, factor: float) -> np.ndarray:
    if factor == 1.0:
        return image
    height, width = image.shape
    small = cv2.resize(image, (round(width / factor), round(height / factor)), interpolation=cv2.INTER_AREA)
    return cv2.resize(small, (width, height), interpolation=cv2.INTER_CUBIC)


def tone(image: np.ndarray, optics: Optics) -> np.ndarray:
    """Gray values 0 to 1 with the wanted mean and sd, through the tone curve."""
    scaled = (image - image.mean()) * (optics.spread / max(float(image.std()), 1e-6)) + optics.level
    return np.clip(scaled, 0, 1) ** np.float32(optics.gamma)


def record(gray: np.ndarray, bits: int, jpeg: int) -> np.ndarray:
    """Quantise gray values 0..1 to uint8 or uint16 (H, W); with `jpeg` > 0 at that quality first."""
    if jpeg:
        _, data = cv2.imencode(".jpg", np.rint(gray * 255).astype(np.uint8), [cv2.IMWRITE_JPEG_QUALITY, jpeg])
        gray = np.asarray(cv2.imdecode(data, cv2.IMREAD_GRAYSCALE), np.float32) / 255
    top = 2**bits - 1
    return np.rint(np.clip(gray, 0, 1) * top).astype(np.uint8 if bits == 8 else np.uint16)
