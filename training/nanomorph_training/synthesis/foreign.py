"""What lies beside micrographs in an archive and is none: plots, diffraction patterns, pages of text."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np
from PIL import Image, ImageDraw

from nanomorph_training.synthesis.draws import Rng, chance, log_uniform
from nanomorph_training.synthesis.lettering import pick_font

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_INCH = 100  # px a plot's inch
_LETTERS = np.array(list("abcdefghijklmnopqrstuvwxyz    ABCDEFGHIJ0123456789.,()-"))


def draw_foreign(rng: Rng, shape: tuple[int, int]) -> np.ndarray:
    """Gray values float32 (H, W), 0 to 1, of one such image."""
    return (_plot, _diffraction, _page)[rng.choice(3, p=(0.5, 0.3, 0.2))](rng, shape)


def _plot(rng: Rng, shape: tuple[int, int]) -> np.ndarray:
    """One to four axes with curves, points, bars or a map, as a program for plots exports them."""
    from matplotlib import style
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    background = "dark_background" if chance(rng, 0.1) else "default"
    with style.context(background):
        figure = Figure(figsize=(shape[1] / _INCH, shape[0] / _INCH), dpi=_INCH, layout="constrained")
        canvas = FigureCanvasAgg(figure)
        for axes in np.ravel(figure.subplots(*rng.choice([[1, 1], [1, 1], [1, 2], [2, 2]]))):
            _fill(rng, axes)
        canvas.draw()
    gray = cv2.cvtColor(np.asarray(canvas.buffer_rgba())[..., :3], cv2.COLOR_RGB2GRAY)
    return cv2.resize(gray, shape[::-1], interpolation=cv2.INTER_AREA).astype(np.float32) / 255


def _fill(rng: Rng, axes: Axes) -> None:
    (_curves, _spectrum, _points, _bars, _map)[rng.choice(5, p=(0.3, 0.25, 0.2, 0.15, 0.1))](rng, axes)
    axes.set_xlabel(_words(rng, 8))
    axes.set_ylabel(_words(rng, 8))
    axes.grid(chance(rng, 0.3))


def _curves(rng: Rng, axes: Axes) -> None:
    for _ in range(int(rng.integers(1, 6))):
        axes.plot(np.cumsum(rng.standard_normal(200)), lw=log_uniform(rng, 0.7, 3))


def _spectrum(rng: Rng, axes: Axes) -> None:
    x, height = np.arange(400), 0.03 * rng.standard_normal(400)
    for _ in range(int(rng.integers(2, 12))):
        height += log_uniform(rng, 0.1, 2) * np.exp(-(((x - rng.uniform(0, 400)) / log_uniform(rng, 1, 12)) ** 2))
    axes.plot(x, height, lw=log_uniform(rng, 0.7, 2))


def _points(rng: Rng, axes: Axes) -> None:
    for _ in range(int(rng.integers(1, 4))):
        x, y = rng.standard_normal((2, 60))
        axes.scatter(x, y, s=log_uniform(rng, 4, 60))


def _bars(rng: Rng, axes: Axes) -> None:
    axes.hist(rng.standard_normal(300), int(rng.integers(8, 50)))


def _map(rng: Rng, axes: Axes) -> None:
    axes.imshow(rng.standard_normal((12, 12)).cumsum(axis=0))


def _diffraction(rng: Rng, shape: tuple[int, int]) -> np.ndarray:
    """Rings or a lattice of spots around a bright beam, a beam stop before it now and then."""
    side = min(shape)
    centre = np.array(shape[::-1]) / 2 + rng.normal(0, 0.04 * side, 2)
    y, x = np.ogrid[: shape[0], : shape[1]]
    r = np.hypot(x - centre[0], y - centre[1]).astype(np.float32)
    pattern = log_uniform(rng, 1, 8) * np.exp(-r / (side * log_uniform(rng, 0.02, 0.15)))
    if chance(rng, 0.6):
        for radius in rng.uniform(0.08, 0.48, int(rng.integers(2, 9))) * side:
            width = side * log_uniform(rng, 0.002, 0.02)
            pattern += log_uniform(rng, 0.1, 1.5) * np.exp(-(((r - radius) / width) ** 2))
    else:
        pattern += _lattice(rng, shape, centre, side)
    if chance(rng, 0.4):
        stop = np.zeros(shape, np.uint8)
        edge = tuple(np.rint(centre + side * rng.uniform(-1, 1, 2)).astype(int).tolist())
        cv2.line(stop, tuple(np.rint(centre).astype(int).tolist()), edge, 1, max(2, side // 25))
        pattern[stop > 0] *= 0.05
    counts = rng.poisson(pattern * log_uniform(rng, 3, 60) + rng.uniform(0, 3)).astype(np.float32)
    bright = np.clip(counts / np.quantile(counts, rng.uniform(0.98, 0.999)).clip(1), 0, 1)
    return 1 - bright if chance(rng, 0.2) else bright


def _lattice(rng: Rng, shape: tuple[int, int], centre: np.ndarray, side: int) -> np.ndarray:
    spots = np.zeros(shape, np.float32)
    turn, pitch, squeeze = rng.uniform(0, np.pi), side * log_uniform(rng, 0.05, 0.2), rng.uniform(0.6, 1.0)
    along = pitch * np.array([np.cos(turn), np.sin(turn)])
    across = squeeze * pitch * np.array([-np.sin(turn), np.cos(turn)])
    for i, j in np.ndindex(41, 41):
        at = (i - 20) * along + (j - 20) * across
        column, row = np.rint(centre + at).astype(int)
        if 0 <= row < shape[0] and 0 <= column < shape[1]:
            spots[row, column] += 60 * np.exp(-np.hypot(*at) / (0.25 * side)) * rng.uniform(0.2, 1)
    return cv2.GaussianBlur(spots, (0, 0), side * log_uniform(rng, 0.003, 0.01))


def _page(rng: Rng, shape: tuple[int, int]) -> np.ndarray:
    """Lines of letters, black on white or white on black."""
    page = Image.new("L", (shape[1], shape[0]), 255)
    draw, size = ImageDraw.Draw(page), int(log_uniform(rng, 10, 40))
    letters = pick_font(rng, size, "letters")
    for top in range(size, shape[0] - size, int(1.5 * size)):
        draw.text((size, top), _words(rng, int(shape[1] / size * rng.uniform(0.5, 2))), 0, letters)
    gray = np.asarray(page, np.float32) / 255
    return 1 - gray if chance(rng, 0.15) else gray


def _words(rng: Rng, n: int) -> str:
    return "".join(rng.choice(_LETTERS, max(n, 1)))
