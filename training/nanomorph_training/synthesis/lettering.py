"""Letters, boxes and bars drawn over a picture: fonts, a canvas, and what it leaves."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from nanomorph_training.synthesis.draws import Rng

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
        """The image, float32 (H, W), with what is drawn over it."""
        return gray + self.alpha * (self.value - gray)


class Canvas:
    """Two gray pictures drawn in step: what is painted, and where."""

    def __init__(self, shape: tuple[int, int]) -> None:
        self.height, self.width = shape
        self._value, self._alpha = (Image.new("L", (shape[1], shape[0]), 0) for _ in range(2))
        self._draws = tuple(ImageDraw.Draw(image) for image in (self._value, self._alpha))

    def box(self, x: float, y: float, width: float, height: float, shade: int) -> None:
        """A filled rectangle, its top left corner at (x, y), of a gray 0 to 255."""
        corners = [x, y, x + (max(1, width) - 1), y + (max(1, height) - 1)]
        for draw, ink in zip(self._draws, (shade, 255), strict=True):
            draw.rectangle(corners, fill=ink)

    def text(self, x: float, y: float, words: str, font: Font, shade: int, stroke: int = 0) -> None:
        """Words with their top left corner at (x, y), every line of them `stroke` px wider on each side."""
        left, top, right, bottom = (int(v) for v in font.getbbox(words, stroke_width=stroke))
        glyphs = Image.new("L", (max(1, right - left), max(1, bottom - top)), 0)
        ImageDraw.Draw(glyphs).text((-left, -top), words, font=font, fill=255, stroke_width=stroke)
        box = (round(x), round(y), round(x) + glyphs.width, round(y) + glyphs.height)
        self._value.paste(shade, box, glyphs.point(lambda ink: 255 if ink else 0))
        self._alpha.paste(255, box, glyphs)

    def overlay(self, visible_rows: int) -> Overlay:
        """What has been drawn so far."""
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


def pick_font(rng: Rng, size: float, words: str) -> Font:
    """One of FONTS that has all of these letters, `size` px high."""
    name = str(rng.choice(FONTS))
    # Pillow's own font has neither micro sign nor angstrom.
    return _font(FONTS[0] if not name and not words.isascii() else name, max(6, round(size)))


def extent(words: str, font: Font) -> tuple[int, int]:
    """Width and height of words in px."""
    left, top, right, bottom = font.getbbox(words)
    return int(right - left), int(bottom - top)
