"""One colour per class, the same in overlays and in the report; and the colours of pages."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from importlib.resources import files

from nanomorph.majority import OTHER

# Told apart on gray micrographs, on white and on black pages, and by most colour-blind eyes.
PALETTE = ("#38a3e0", "#f08c2e", "#3db77a", "#d8609f", "#d9b310", "#8d76ea", "#e25c4a", "#17a6a0")
UNKNOWN = "#b4bdc7"


def theme() -> str:
    """The colours of all pages, light and dark, as CSS."""
    return files("nanomorph.results").joinpath("theme.css").read_text(encoding="utf-8")


def class_colours(tasks: Mapping[str, Sequence[str]]) -> dict[str, str]:
    """`#rrggbb` by class: the classes of all tasks in the bundle's order go round the palette."""
    classes: Iterable[str] = dict.fromkeys(name for names in tasks.values() for name in names if name != OTHER)
    return {name: PALETTE[i % len(PALETTE)] for i, name in enumerate(classes)}


def bgr(colour: str) -> tuple[int, int, int]:
    """`#rrggbb` in OpenCV's order."""
    red, green, blue = bytes.fromhex(colour[1:])
    return blue, green, red
