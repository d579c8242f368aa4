"""What microscopes and authors burn into pictures: scale bars, letters, info bars. Never foreground."""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from nanomorph_training.synthesis.draws import Rng, chance, log_uniform

FONTS = (
    "DejaVuSans.ttf",
    "DejaVuSans-Bold.ttf",
    "DejaVuSerif.ttf",
    "DejaVuSerif-Bold.ttf",
    "DejaVuSansMono.ttf",
    "DejaVuSansMono-Bold.ttf",
    "STIXGeneral.ttf",
    "STIXGeneralBol.ttf",
    "",
    "",
    "",
    "",
)  # fmt: skip  ("": the sans serif that comes with Pillow, much like Helvetica)

Font = ImageFont.FreeTypeFont | ImageFont.ImageFont


@dataclass(frozen=True, eq=False)
class Overlay:
    """What is drawn over an image.

    value: float32 (H, W), gray value 0 to 1. alpha: float32 (H, W), 1 where it replaces the image.
    visible_rows: rows above the info bar.
    """

    alpha: np.ndarray
    value: np.ndarray
    visible_rows: int

    @property
    def covered(self) -> np.ndarray:
        """bool (H, W): pixels whose original gray value is lost."""
        return self.alpha > 0.25

    def apply(self, gray: np.ndarray) -> np.ndarray:
        return gray + self.alpha * (self.value - gray)


class _Canvas:
    """Two gray pictures drawn in step: what is painted, and where."""

    def __init__(self, shape: tuple[int, int]) -> None:
        self.height, self.width = shape
        self._value, self._alpha = (Image.new("L", (shape[1], shape[0]), 0) for _ in range(2))
        self._draws = tuple(ImageDraw.Draw(image) for image in (self._value, self._alpha))

    def box(self, x: float, y: float, width: float, height: float, shade: int) -> None:
        corners = [x, y, x + max(1, width) - 1, y + max(1, height) - 1]
        for draw, ink in zip(self._draws, (shade, 255), strict=True):
            draw.rectangle(corners, fill=ink)

    def text(self, x: float, y: float, words: str, font: Font, shade: int) -> None:
        """Words with their top left corner at (x, y)."""
        left, top, right, bottom = (int(v) for v in font.getbbox(words))
        glyphs = Image.new("L", (max(1, right - left), max(1, bottom - top)), 0)
        ImageDraw.Draw(glyphs).text((-left, -top), words, font=font, fill=255)
        box = (round(x), round(y), round(x) + glyphs.width, round(y) + glyphs.height)
        self._value.paste(shade, box, glyphs.point(lambda ink: 255 if ink else 0))
        self._alpha.paste(255, box, glyphs)

    def overlay(self, visible_rows: int) -> Overlay:
        value, alpha = (np.asarray(image, np.float32) / 255 for image in (self._value, self._alpha))
        return Overlay(alpha, value, visible_rows)


@lru_cache(maxsize=512)
def _font(name: str, size: int) -> Font:
    if not name:
        return ImageFont.load_default(size)
    return ImageFont.truetype(str(_font_folder() / name), size)


@lru_cache(maxsize=1)
def _font_folder() -> Path:
    return Path(str(resources.files("matplotlib"))) / "mpl-data" / "fonts" / "ttf"


def _pick_font(rng: Rng, size: float, words: str) -> Font:
    name = str(rng.choice(FONTS))
    # Pillow's own font has no micro sign.
    return _font(FONTS[0] if not name and "µ" in words else name, max(6, round(size)))


def _extent(words: str, font: Font) -> tuple[int, int]:
    left, top, right, bottom = font.getbbox(words)
    return int(right - left), int(bottom - top)


def bar_length(rng: Rng, width_px: int, nm_per_px: float) -> tuple[float, str]:
    """A round length that covers 12 to 40 % of the field, in px, and its label."""
    wanted = width_px * nm_per_px * log_uniform(rng, 0.12, 0.4)
    decade = 10 ** np.floor(np.log10(wanted))
    nm = float(decade * rng.choice([step for step in (1, 2, 5, 7) if step * decade <= wanted]))
    if nm >= 1000 or (nm >= 100 and chance(rng, 0.1)):
        return nm / nm_per_px, f"{nm / 1000:g}{rng.choice([' ', ''])}{rng.choice(['µm', 'um'])}"
    return nm / nm_per_px, f"{nm:g}{rng.choice([' ', ' ', ''])}nm"


def draw_annotations(rng: Rng, shape: tuple[int, int], nm_per_px: float, probability: float) -> Overlay:
    """Draw the annotations of one image: a bar with this probability, a panel letter with a third of it."""
    canvas = _Canvas(shape)
    visible_rows = shape[0]
    if chance(rng, probability):
        style = rng.choice(4, p=(0.4, 0.25, 0.25, 0.1))
        if style == 3:
            visible_rows = _info_bar(rng, canvas, nm_per_px)
        else:
            (_letters_over_box, _bare_bar, _boxed_bar)[style](rng, canvas, nm_per_px)
    if chance(rng, probability / 3):
        _panel_letter(rng, canvas)
    return canvas.overlay(visible_rows)


def _corner(rng: Rng, canvas: _Canvas, width: float, height: float, margin: float) -> tuple[float, float]:
    """Top left of a block of that size in a corner, mostly the lower right one."""
    right = chance(rng, 0.75)
    low = chance(rng, 0.9)
    x = canvas.width - width - margin if right else margin
    y = canvas.height - height - margin if low else margin
    return x, y


def _letters_over_box(rng: Rng, canvas: _Canvas, nm_per_px: float) -> None:
    """Large white letters above a white box with a thin ticked bar and small text."""
    bar, words = bar_length(rng, canvas.width, nm_per_px)
    big = _pick_font(rng, canvas.height * rng.uniform(0.06, 0.15), words)
    small = _pick_font(rng, canvas.height * rng.uniform(0.02, 0.035), words)
    wide, high = _extent(words, big)
    pad, tick = rng.uniform(1, 5), canvas.height * rng.uniform(0.008, 0.018)
    text_w, text_h = _extent(words, small)
    box_w, box_h = max(bar, text_w) + 2 * pad, text_h + 2 * tick + 3 * pad
    x, y = _corner(rng, canvas, box_w, box_h, rng.choice([0, 1, 4]))
    canvas.box(x, y, box_w, box_h, 255)
    _ticked_bar(canvas, x + (box_w - bar) / 2, y + pad, bar, tick, 0)
    canvas.text(x + (box_w - text_w) / 2, y + box_h - text_h - pad, words, small, 0)
    shade = 255 if chance(rng, 0.8) else 0
    canvas.text(min(x, canvas.width - wide - 2), y - high - rng.uniform(2, 12), words, big, shade)


def _ticked_bar(canvas: _Canvas, x: float, y: float, length: float, tick: float, shade: int) -> None:
    canvas.box(x, y + tick - 0.5, length, max(1, tick / 3), shade)
    for end in (x, x + length - 1):
        canvas.box(end, y, max(1, tick / 4), 2 * tick, shade)


def _bare_bar(rng: Rng, canvas: _Canvas, nm_per_px: float) -> None:
    """A white or black bar with its text above or below, without a box."""
    _bar_block(rng, canvas, nm_per_px, 255 if chance(rng, 0.6) else 0, None)


def _boxed_bar(rng: Rng, canvas: _Canvas, nm_per_px: float) -> None:
    """A bar and its text in a white or black box."""
    ground = 255 if chance(rng, 0.75) else 0
    _bar_block(rng, canvas, nm_per_px, 255 - ground, ground)


def _bar_block(rng: Rng, canvas: _Canvas, nm_per_px: float, shade: int, ground: int | None) -> None:
    bar, words = bar_length(rng, canvas.width, nm_per_px)
    font = _pick_font(rng, canvas.height * log_uniform(rng, 0.025, 0.11), words)
    wide, high = _extent(words, font)
    thick, pad = canvas.height * log_uniform(rng, 0.005, 0.025), canvas.height * rng.uniform(0.008, 0.03)
    block_w, block_h = max(bar, wide) + 2 * pad, thick + high + 3 * pad
    x, y = _corner(rng, canvas, block_w, block_h, canvas.height * rng.uniform(0, 0.04))
    if ground is not None:
        canvas.box(x, y, block_w, block_h, ground)
    above = chance(rng, 0.6)
    canvas.box(x + (block_w - bar) / 2, y + (2 * pad + high if above else pad), bar, thick, shade)
    canvas.text(x + (block_w - wide) / 2, y + (pad if above else 2 * pad + thick), words, font, shade)


def _panel_letter(rng: Rng, canvas: _Canvas) -> None:
    letter = str(rng.choice(list("abcdefghABCDEFGH")))
    words = str(rng.choice([letter, f"({letter})", f"({letter}{rng.integers(1, 4)})"]))
    font = _pick_font(rng, canvas.height * rng.uniform(0.05, 0.13), words)
    wide, high = _extent(words, font)
    pad = canvas.height * 0.015
    x = pad if chance(rng, 0.8) else canvas.width - wide - 2 * pad
    shade = 255 if chance(rng, 0.5) else 0
    if chance(rng, 0.35):
        canvas.box(x - pad, 0, wide + 2 * pad, high + 2 * pad, 255 - shade)
    canvas.text(x, pad, words, font, shade)


def _info_bar(rng: Rng, canvas: _Canvas, nm_per_px: float) -> int:
    """A strip below the image with the microscope's settings; returns the rows above it."""
    high = max(10, round(canvas.height * rng.uniform(0.04, 0.1)))
    ground = 0 if chance(rng, 0.7) else 255
    top = canvas.height - high
    canvas.box(0, top, canvas.width, high, ground)
    day = datetime.date(2000, 1, 1) + datetime.timedelta(days=int(rng.integers(0, 9500)))
    bar, words = bar_length(rng, canvas.width, nm_per_px)
    voltage, distance, zoom = rng.choice([5, 10, 15, 80, 200]), rng.uniform(4, 12), rng.uniform(1, 300)
    settings = f"{voltage}.0kV {distance:.1f}mm x{zoom:.2f}k {day}"
    fitting = canvas.width / (0.75 * len(settings + words))  # so that both stand side by side
    font = _pick_font(rng, min(high * rng.uniform(0.35, 0.55), fitting), words)
    canvas.text(4, top + high * 0.3, settings, font, 255 - ground)
    canvas.box(canvas.width - bar - 6, top + high * 0.15, bar, max(1, high * 0.1), 255 - ground)
    wide, _ = _extent(words, font)
    canvas.text(canvas.width - wide - 6, top + high * 0.35, words, font, 255 - ground)
    return top
