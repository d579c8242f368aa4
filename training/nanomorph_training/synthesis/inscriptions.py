"""Text and bars anywhere in a window and of any gray, as training draws them over real micrographs too.

`annotations` draws what microscopes burn in, where they do; a rule takes most of that out before a model looks
(`nanomorph.annotations`). What that rule misses is gray, outlined or out of place, and it is no material either.
"""

from __future__ import annotations

import numpy as np

from nanomorph_training.synthesis.draws import Rng, chance, log_uniform
from nanomorph_training.synthesis.lettering import Canvas, Overlay, extent, pick_font

LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
UNITS = ("nm", " nm", " nm", " µm", "um", " Å")
# Steps of gray by which ink differs from what it is written on, at least.
LEAST_CONTRAST = 25


def inscribed(window: np.ndarray, rng: Rng) -> np.ndarray:
    """The window, uint8 (H, W), with one to three lines of text or a bar and its number drawn over it."""
    gray = window.astype(np.float32) / 255
    drawn = draw_inscriptions(rng, window.shape, float(np.median(window))).apply(gray)
    return np.rint(drawn * 255).astype(np.uint8)


def draw_inscriptions(rng: Rng, shape: tuple[int, ...], ground: float) -> Overlay:
    """One block of lines, left aligned, one ink; ground: the gray, 0..255, that it is written on."""
    canvas = Canvas((shape[0], shape[1]))
    shade = _ink(rng, ground)
    # Letters darker than the film on a bright rim, or the other way round.
    halo = int(255 * (shade < 128)) if chance(rng, 0.3) else None
    x, y = rng.uniform(-0.1, 0.9, 2) * shape[::-1]
    size = shape[0] * log_uniform(rng, 0.035, 0.2)
    if chance(rng, 0.5):
        y += _bar(rng, canvas, (x, y), size, shade)
    for _ in range(int(rng.integers(1, 4)) if chance(rng, 0.3) else 1):
        words = _words(rng)
        font = pick_font(rng, size, words)
        stroke = max(1, round(size * 0.08))
        if halo is not None:
            canvas.text(x - stroke, y - stroke, words, font, halo, stroke)
        canvas.text(x, y, words, font, shade)
        y += 1.3 * extent(words, font)[1] + 2
    return canvas.overlay(shape[0])


def _ink(rng: Rng, ground: float) -> int:
    """Black or white, or any gray that can be read."""
    if chance(rng, 0.4):
        return 255 * int(rng.integers(0, 2))
    grays = np.arange(256)
    return int(rng.choice(grays[np.abs(grays - ground) >= LEAST_CONTRAST]))


def _bar(rng: Rng, canvas: Canvas, at: tuple[float, float], size: float, shade: int) -> float:
    """A scale bar, some with ticks at its ends; how far below it text begins."""
    length, thick = canvas.width * rng.uniform(0.1, 0.4), max(1.0, size * log_uniform(rng, 0.05, 0.4))
    canvas.box(*at, length, thick, shade)
    if chance(rng, 0.2):
        for end in (at[0], at[0] + length - 1):
            canvas.box(end, at[1] - thick, max(1, thick / 2), 3 * thick, shade)
    return 2 * thick + 2


def _words(rng: Rng) -> str:
    """A length with its unit, a panel's letter, or what looks like a word."""
    kind = rng.choice(3, p=(0.5, 0.2, 0.3))
    if kind == 0:
        return f"{rng.choice((1, 2, 5, 10, 20, 35, 50, 100, 200, 500))}{rng.choice(UNITS)}"
    if kind == 1:
        letter = rng.choice(list(LETTERS[:8] + LETTERS[26:34]))
        return f"({letter})" if chance(rng, 0.5) else str(letter)
    return "".join(rng.choice(list(LETTERS + "  -@."), int(rng.integers(3, 12))))
