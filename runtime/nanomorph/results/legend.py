"""The strip below an overlay: label, file, number of domains, scale bar."""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from nanomorph.analysis import Analysis, Judgement
from nanomorph.majority import OTHER
from nanomorph.naming import printable
from nanomorph.results.colours import UNKNOWN
from nanomorph.results.scale_bar import scale_bar

HEIGHT = 60
_BACKGROUND, _INK, _MUTED, _WARNING = "#14171b", "#f4f5f6", "#a3abb4", "#f5c451"
_MARGIN = 14


def legend(
    width: int,
    analysis: Analysis,
    leading: Judgement | None,
    colours: Mapping[str, str],
    scale: float,
) -> np.ndarray:
    """BGR uint8 (HEIGHT, width, 3). `scale`: picture px per recorded px."""
    strip = Image.new("RGB", (width, HEIGHT), _BACKGROUND)
    draw = ImageDraw.Draw(strip)
    left = _draw_bar(draw, width, analysis, scale) - 2 * _MARGIN
    _draw_label(draw, leading, colours, left)
    _draw_file(draw, analysis, left)
    return np.asarray(strip)[..., ::-1].copy()


def _draw_bar(draw: ImageDraw.ImageDraw, width: int, analysis: Analysis, scale: float) -> float:
    """Draw the scale bar at the right; returns where it begins."""
    calibrated = analysis.micrograph.nm_per_px
    field = analysis.mask.shape[1] * scale
    length, caption = scale_bar(field / scale, calibrated[0] if calibrated else None)
    length *= scale
    right = width - _MARGIN
    # Both corners of Pillow's rectangle are in it.
    draw.rectangle((right - max(1, round(length)), 38, right - 1, 43), fill=_INK)
    font = _font(15, bold=calibrated is not None)
    taken = draw.textlength(caption, font)
    middle = min(right - length / 2, right - taken / 2)
    draw.text((middle, 32), caption, fill=_INK if calibrated else _WARNING, font=font, anchor="ms")
    return min(right - length, middle - taken / 2)


def _draw_label(draw: ImageDraw.ImageDraw, leading: Judgement | None, colours: Mapping[str, str], right: float) -> None:
    if leading is None:
        return
    unknown = leading.decision == "unknown"
    colour = UNKNOWN if unknown else colours.get(leading.label, UNKNOWN)
    draw.rounded_rectangle((_MARGIN, 13, _MARGIN + 14, 27), radius=3, fill=colour)
    words = [("unknown" if unknown else leading.label, _INK, True)]
    if unknown and leading.label not in {"", OTHER}:
        words.append((f"nearest: {leading.label}", _MUTED, False))
    elif not unknown:
        words.append((f"{leading.confidence:.2f}", _MUTED, False))
    if leading.decision == "uncertain":
        words.append(("uncertain", _WARNING, False))
    x = _MARGIN + 24.0
    for word, ink, bold in words:
        font = _font(17, bold)
        if x + draw.textlength(word, font) > right:
            return
        draw.text((x, 26), word, fill=ink, font=font, anchor="ls")
        x += draw.textlength(word, font) + 10


def _draw_file(draw: ImageDraw.ImageDraw, analysis: Analysis, right: float) -> None:
    n, font = analysis.n_domains, _font(13, bold=False)
    count = f"  ·  {n} domain" + ("" if n == 1 else "s")
    name = printable(analysis.micrograph.source)
    room = right - _MARGIN - draw.textlength(count, font)
    draw.text((_MARGIN, 47), _shortened(draw, name, room, font) + count, fill=_MUTED, font=font, anchor="ls")


def _shortened(draw: ImageDraw.ImageDraw, name: str, room: float, font: ImageFont.FreeTypeFont) -> str:
    """The end of a long name tells files of a series apart; the beginning gives way."""
    if draw.textlength(name, font) <= room:
        return name
    while len(name) > 1 and draw.textlength("…" + name, font) > room:
        name = name[max(1, len(name) // 20) :]
    return "…" + name


@lru_cache(maxsize=8)
def _font(size: int, bold: bool) -> ImageFont.FreeTypeFont:
    """DejaVu Sans as Matplotlib ships it, found without importing Matplotlib."""
    spec = importlib.util.find_spec("matplotlib")
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError("matplotlib, which brings the fonts of overlays, is not installed")
    folder = Path(spec.origin).parent / "mpl-data" / "fonts" / "ttf"
    return ImageFont.truetype(folder / ("DejaVuSans-Bold.ttf" if bold else "DejaVuSans.ttf"), size)
