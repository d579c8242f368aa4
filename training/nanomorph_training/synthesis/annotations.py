"""What microscopes and authors burn into pictures: scale bars, letters, info bars. Never foreground."""

from __future__ import annotations

import datetime

import numpy as np

from nanomorph_training.synthesis.draws import Rng, chance, log_uniform
from nanomorph_training.synthesis.lettering import Canvas, Overlay, extent, pick_font


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
    canvas = Canvas(shape)
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


def _corner(rng: Rng, canvas: Canvas, width: float, height: float, margin: float) -> tuple[float, float]:
    """Top left of a block of that size in a corner, mostly the lower right one."""
    right = chance(rng, 0.75)
    low = chance(rng, 0.9)
    x = canvas.width - width - margin if right else margin
    y = canvas.height - height - margin if low else margin
    return x, y


def _letters_over_box(rng: Rng, canvas: Canvas, nm_per_px: float) -> None:
    """Large white letters above a white box with a thin ticked bar and small text."""
    bar, words = bar_length(rng, canvas.width, nm_per_px)
    big = pick_font(rng, canvas.height * rng.uniform(0.06, 0.15), words)
    small = pick_font(rng, canvas.height * rng.uniform(0.02, 0.035), words)
    wide, high = extent(words, big)
    pad, tick = rng.uniform(1, 5), canvas.height * rng.uniform(0.008, 0.018)
    text_w, text_h = extent(words, small)
    box_w, box_h = max(bar, text_w) + 2 * pad, text_h + 2 * tick + 3 * pad
    x, y = _corner(rng, canvas, box_w, box_h, rng.choice([0, 1, 4]))
    canvas.box(x, y, box_w, box_h, 255)
    _ticked_bar(canvas, x + (box_w - bar) / 2, y + pad, bar, tick, 0)
    canvas.text(x + (box_w - text_w) / 2, y + box_h - text_h - pad, words, small, 0)
    shade = 255 if chance(rng, 0.8) else 0
    canvas.text(min(x, canvas.width - wide - 2), y - high - rng.uniform(2, 12), words, big, shade)


def _ticked_bar(canvas: Canvas, x: float, y: float, length: float, tick: float, shade: int) -> None:
    canvas.box(x, y + tick - 0.5, length, max(1, tick / 3), shade)
    for end in (x, x + length - 1):
        canvas.box(end, y, max(1, tick / 4), 2 * tick, shade)


def _bare_bar(rng: Rng, canvas: Canvas, nm_per_px: float) -> None:
    """A white or black bar with its text above or below, without a box."""
    _bar_block(rng, canvas, nm_per_px, 255 if chance(rng, 0.6) else 0, None)


def _boxed_bar(rng: Rng, canvas: Canvas, nm_per_px: float) -> None:
    """A bar and its text in a white or black box."""
    ground = 255 if chance(rng, 0.75) else 0
    _bar_block(rng, canvas, nm_per_px, 255 - ground, ground)


def _bar_block(rng: Rng, canvas: Canvas, nm_per_px: float, shade: int, ground: int | None) -> None:
    bar, words = bar_length(rng, canvas.width, nm_per_px)
    font = pick_font(rng, canvas.height * log_uniform(rng, 0.025, 0.11), words)
    wide, high = extent(words, font)
    thick, pad = canvas.height * log_uniform(rng, 0.005, 0.025), canvas.height * rng.uniform(0.008, 0.03)
    block_w, block_h = max(bar, wide) + 2 * pad, thick + high + 3 * pad
    x, y = _corner(rng, canvas, block_w, block_h, canvas.height * rng.uniform(0, 0.04))
    if ground is not None:
        canvas.box(x, y, block_w, block_h, ground)
    above = chance(rng, 0.6)
    canvas.box(x + (block_w - bar) / 2, y + (2 * pad + high if above else pad), bar, thick, shade)
    canvas.text(x + (block_w - wide) / 2, y + (pad if above else 2 * pad + thick), words, font, shade)


def _panel_letter(rng: Rng, canvas: Canvas) -> None:
    letter = str(rng.choice(list("abcdefghABCDEFGH")))
    words = str(rng.choice([letter, f"({letter})", f"({letter}{rng.integers(1, 4)})"]))
    font = pick_font(rng, canvas.height * rng.uniform(0.05, 0.13), words)
    wide, high = extent(words, font)
    pad = canvas.height * 0.015
    x = pad if chance(rng, 0.8) else canvas.width - wide - 2 * pad
    shade = 255 if chance(rng, 0.5) else 0
    if chance(rng, 0.35):
        canvas.box(x - pad, 0, wide + 2 * pad, high + 2 * pad, 255 - shade)
    canvas.text(x, pad, words, font, shade)


def _info_bar(rng: Rng, canvas: Canvas, nm_per_px: float) -> int:
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
    font = pick_font(rng, min(high * rng.uniform(0.35, 0.55), fitting), words)
    canvas.text(4, top + high * 0.3, settings, font, 255 - ground)
    canvas.box(canvas.width - bar - 6, top + high * 0.15, bar, max(1, high * 0.1), 255 - ground)
    wide, _ = extent(words, font)
    canvas.text(canvas.width - wide - 6, top + high * 0.35, words, font, 255 - ground)
    return top
