"""A picture of what an encoder holds alike: its micrographs as thumbnails on a 2-D map of their embeddings."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from nanomorph.atomic import atomic_open
from nanomorph_training.micrographs import windows

# t-SNE takes seconds for so many on two cores, and a page has no room for more thumbnails.
MOST = 600
CELLS, THUMBNAIL, FRAME = 30, 52, 3
# Okabe and Ito 2008: told apart with every kind of colour vision.
COLOURS = ("#e69f00", "#56b4e9", "#009e73", "#f0e442", "#0072b2", "#d55e00", "#cc79a7", "#000000")


def choose(n: int) -> np.ndarray:
    """Indices of at most MOST of n, evenly spread."""
    return np.arange(n) if n <= MOST else np.linspace(0, n - 1, MOST).round().astype(int)


def middle(image: np.ndarray, size: int) -> np.ndarray:
    """The middle square (size, size) of a frame, mirrored where the frame is smaller."""
    return windows.window(image, size, np.array(image.shape) / 2)


def lay_out(embeddings: np.ndarray, seed: int = 0) -> np.ndarray:
    """Positions float (n, 2) in 0..1: t-SNE (van der Maaten and Hinton 2008) on cosine distance, started from PCA;
    PCA alone where there are fewer than 10."""
    from sklearn.decomposition import PCA
    from sklearn.manifold import TSNE

    unit = embeddings / np.maximum(np.linalg.norm(embeddings, axis=1, keepdims=True), 1e-12)
    if len(unit) < 10:
        at = PCA(2, random_state=seed).fit_transform(unit)
    else:
        perplexity = min(30.0, (len(unit) - 1) / 3)
        at = TSNE(2, perplexity=perplexity, init="pca", random_state=seed, n_jobs=1).fit_transform(unit)
    span = np.ptp(at, axis=0)
    return (at - at.min(axis=0)) / np.where(span > 0, span, 1)


def draw(at: np.ndarray, thumbnails: Sequence[np.ndarray], kinds: Sequence[str]) -> np.ndarray:
    """A picture uint8 (side, side, 3), RGB. Each cell shows the thumbnail nearest to its middle; frames tell kinds."""
    pitch = THUMBNAIL + 2 * FRAME + 2
    canvas = np.full((CELLS * pitch, CELLS * pitch, 3), 255, np.uint8)
    place = at * (CELLS - 1)
    cells = place.round().astype(int)
    names = sorted(set(kinds))
    shown: set[tuple[int, int]] = set()
    for n in np.argsort(np.abs(place - cells).max(axis=1), kind="stable"):
        column, row = (int(c) for c in cells[n])
        if (row, column) not in shown:
            shown.add((row, column))
            colour = _rgb(COLOURS[names.index(kinds[n]) % len(COLOURS)])
            side = slice(row * pitch, (row + 1) * pitch - 2), slice(column * pitch, (column + 1) * pitch - 2)
            canvas[side] = _framed(thumbnails[n], colour)
    return canvas


def _framed(image: np.ndarray, colour: tuple[int, int, int]) -> np.ndarray:
    framed = np.empty((THUMBNAIL + 2 * FRAME,) * 2 + (3,), np.uint8)
    framed[:] = colour
    framed[FRAME:-FRAME, FRAME:-FRAME] = cv2.resize(image, (THUMBNAIL, THUMBNAIL), interpolation=cv2.INTER_AREA)[
        ..., None
    ]
    return framed


def _rgb(colour: str) -> tuple[int, int, int]:
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)


def write(path: Path, picture: np.ndarray, kinds: Sequence[str], n: int) -> None:
    """The map as PNG, with the meaning of its frames below."""
    import matplotlib.patches
    from matplotlib.figure import Figure

    names = sorted(set(kinds))
    figure = Figure(figsize=(12, 12.6), layout="constrained")
    axes = figure.add_subplot()
    axes.imshow(picture)
    axes.set_axis_off()
    axes.set_title(f"{n} micrographs on a map of their embeddings: alike where near; axes mean nothing")
    if len(names) > 1:
        patches = [
            matplotlib.patches.Patch(color=COLOURS[k % len(COLOURS)], label=name[-60:])
            for k, name in enumerate(names[: len(COLOURS)])
        ]
        figure.legend(handles=patches, loc="outside lower center", ncols=2)
    with atomic_open(path) as file:
        figure.savefig(file, format="png", dpi=130)
