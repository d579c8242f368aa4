"""Frames to time with: grain, an uneven film, wires and discs. No truth is kept; `nanomorph synthesize` draws that."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

NM_PER_PX = 0.5
# Per million pixels: about what a crowded field of a protein-nanowire micrograph holds.
WIRES, DISCS = 12, 12


def frame(side: int, seed: int) -> np.ndarray:
    """uint16 (side, side); the same on every machine for a seed, up to the last bits of OpenCV's blur."""
    rng = np.random.default_rng(seed)
    film = cv2.GaussianBlur(rng.normal(size=(side, side)).astype(np.float32), (0, 0), 1.5)
    tilt = np.linspace(-1, 1, side, dtype=np.float32)
    canvas = 0.65 + 0.25 * film / film.std() * 0.3 + 0.05 * tilt + 0.05 * tilt[:, None]
    drawn = np.zeros((side, side), np.uint8)
    share = side * side / 1e6
    for _ in range(max(1, round(WIRES * share))):
        cv2.polylines(drawn, [_wire(side, rng)], False, 255, int(rng.integers(5, 10)), cv2.LINE_AA)
    for _ in range(max(1, round(DISCS * share))):
        centre = tuple(int(v) for v in rng.integers(0, side, 2))
        cv2.circle(drawn, centre, int(rng.integers(8, 30)), 255, -1, cv2.LINE_AA)
    canvas -= 0.35 * cv2.GaussianBlur(drawn, (0, 0), 1.0).astype(np.float32) / 255
    return (np.clip(canvas, 0, 1) * 60000).astype(np.uint16)


def _wire(side: int, rng: np.random.Generator) -> np.ndarray:
    """A worm-like path through the frame: int32 (n, 2)."""
    step = max(8.0, side / 64)
    angles = rng.uniform(0, 2 * np.pi) + np.cumsum(rng.normal(0, 0.15, 48))
    steps = step * np.stack([np.cos(angles), np.sin(angles)], axis=1)
    return np.rint(rng.uniform(0, side, 2) + np.cumsum(steps, axis=0)).astype(np.int32)


def write_frames(folder: Path, side: int, count: int) -> list[Path]:
    """`count` different 16-bit TIFFs of side x side px, with a pixel size."""
    import tifffile

    folder.mkdir(parents=True, exist_ok=True)
    per_cm = 1e7 / NM_PER_PX
    paths = [folder / f"{side}-{n:03d}.tif" for n in range(count)]
    for n, path in enumerate(paths):
        tifffile.imwrite(path, frame(side, n), resolution=(per_cm, per_cm), resolutionunit="CENTIMETER")
    return paths
