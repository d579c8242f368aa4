"""Synthetic fields on disk: image, mask, instances, axes of one field, and its rows of the two tables."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import tifffile

from nanomorph_training.synthesis.field import SyntheticField

LABEL_COLUMNS = (
    "file", "mask", "instances", "label", "group", "nm_per_px", "seed", "polarity", "contrast", "n_wires",
    "foreground_fraction",
)  # fmt: skip
FOLDERS = {"images": ".tif", "masks": ".png", "instances": ".tif", "axes": ".npz"}


def write_tiff(path: Path, image: np.ndarray, nm_per_px: float, compression: str | None = None) -> None:
    """Write a uint8 or uint16 image (H, W) as ImageJ does: pixels per nm in the resolution tags."""
    tifffile.imwrite(
        path,
        image,
        imagej=True,
        resolution=(1 / nm_per_px, 1 / nm_per_px),
        metadata={"unit": "nm", "axes": "YX"},
        compression=compression,
    )


def write_field(folder: Path, name: str, field: SyntheticField) -> tuple[dict[str, object], pd.DataFrame]:
    """Write the files of one field; its row of labels.csv (but seed and group) and its rows of wires.csv.

    Raises OSError where they cannot be written.
    """
    files = {kind: f"{kind}/{name}{suffix}" for kind, suffix in FOLDERS.items()}
    write_tiff(folder / files["images"], field.image, field.nm_per_px)
    if not cv2.imwrite(str(folder / files["masks"]), field.mask.astype(np.uint8) * 255):
        raise OSError(f"{folder / files['masks']} cannot be written")
    write_tiff(folder / files["instances"], field.instances.astype(np.uint16), field.nm_per_px, "zlib")
    _write_axes(folder / files["axes"], field.wires)
    row = {
        "file": files["images"],
        "mask": files["masks"],
        "instances": files["instances"],
        "label": field.label,
        "nm_per_px": field.nm_per_px,
        "polarity": field.optics.polarity,
        "contrast": round(field.optics.contrast, 3),
        "n_wires": len(field.wires),
        "foreground_fraction": round(float(field.mask.mean()), 5),
    }
    wires = field.wires.drop(columns="axis")
    wires.insert(0, "micrograph", files["images"])
    wires["axis_file"] = files["axes"]
    return row, wires


def _write_axes(path: Path, wires: pd.DataFrame) -> None:
    """`axis` float32 (N, 2), x and y in px, wire after wire; `wire` int32 (N,), whose point it is."""
    axes = list(wires["axis"])
    numbers = np.repeat(wires["wire"].to_numpy(np.int32), [len(axis) for axis in axes])
    np.savez_compressed(path, axis=np.concatenate([np.empty((0, 2), np.float32), *axes]), wire=numbers)
