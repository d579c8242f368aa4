"""Micrographs to time with: wires or particles on a grainy film. Not for training (see `synthesize`)."""

from __future__ import annotations

import math
import shutil
from collections.abc import Iterable
from pathlib import Path

import cv2
import numpy as np

from nanomorph.errors import ConfigurationError
from nanomorph.host.memory import default_limit, most_pixels
from nanomorph.readers.strict import MAX_PIXELS

# Shares of the side, so that a larger frame shows the same field with more pixels. Wide enough to be seen in one look.
WIRE_WIDTHS, RADII = (0.012, 0.03), (0.02, 0.06)
FIELD_NM = 1000.0
FILM, MATERIAL, GRAIN = 30000.0, 17000.0, 1500.0
CORNERS = 48


def frame(side: int, number: int) -> np.ndarray:
    """uint16 (side, side): wires where `number` is even, particles where it is odd; the same every time."""
    rng = np.random.default_rng((side, number))
    mask = (_wires if number % 2 == 0 else _particles)(rng, side)
    shade: np.ndarray = cv2.GaussianBlur(mask, (0, 0), max(0.8, side / 1000))
    shade *= MATERIAL - FILM
    shade += FILM
    shade += rng.standard_normal(mask.shape, np.float32) * np.float32(GRAIN)
    return np.clip(shade, 0, 65535).astype(np.uint16)


def require_drawable(sides: Iterable[int]) -> None:
    """Raises ConfigurationError for a frame that `batch` would refuse as too large on this machine."""
    most = math.isqrt(min(MAX_PIXELS, most_pixels(default_limit())))
    for side in sides:
        if side > most:
            raise ConfigurationError(f"--size {side}: this machine's memory allows frames of {most} px at most.")


def write_frames(folder: Path, side: int, count: int) -> list[Path]:
    """`count` different uncompressed 16-bit TIFFs with their pixel size, as cameras write them."""
    import tifffile

    folder.mkdir(parents=True, exist_ok=True)
    per_cm = side / FIELD_NM * 1e7
    paths = [folder / f"{side}-{number:05}.tif" for number in range(count)]
    for number, path in enumerate(paths):
        tifffile.imwrite(path, frame(side, number), resolution=(per_cm, per_cm), resolutionunit="CENTIMETER")
    return paths


def repeated(paths: list[Path], count: int) -> list[Path]:
    """`count` paths, the later ones further names of the first: a machine of many cores would draw for minutes."""
    names = [paths[0].with_name(f"{number:05}-again.tif") for number in range(len(paths), count)]
    for number, name in enumerate(names):
        try:
            name.hardlink_to(paths[number % len(paths)])
        except OSError:  # a file system without hard links
            shutil.copyfile(paths[number % len(paths)], name)
    return paths + names


def _wires(rng: np.random.Generator, side: int) -> np.ndarray:
    """float32 (side, side), 1 on three to eight smooth random walks of different widths."""
    mask = np.zeros((side, side), np.float32)
    for _ in range(rng.integers(3, 9)):
        heading = rng.uniform(0, 2 * np.pi) + np.cumsum(rng.normal(0, 0.1, CORNERS))
        steps = np.stack([np.cos(heading), np.sin(heading)], axis=1) * side * 0.9 / CORNERS
        points = rng.uniform(0.1, 0.9, 2) * side + np.cumsum(steps, axis=0)
        width = max(1, round(rng.uniform(*WIRE_WIDTHS) * side))
        cv2.polylines(mask, [np.rint(points).astype(np.int32)], False, 1.0, width)
    return mask


def _particles(rng: np.random.Generator, side: int) -> np.ndarray:
    """float32 (side, side), 1 on ten to forty discs, some of which touch."""
    mask = np.zeros((side, side), np.float32)
    for _ in range(rng.integers(10, 41)):
        centre = (int(rng.integers(side)), int(rng.integers(side)))
        cv2.circle(mask, centre, max(1, round(rng.uniform(*RADII) * side)), 1.0, -1)
    return mask
