"""masks/<micrograph>.tif: a label image that ImageJ and napari open calibrated."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import tifffile

from nanomorph.analysis import Analysis
from nanomorph.atomic import atomic_open
from nanomorph.results.paths import result_path

_UINT16_MAX = np.iinfo(np.uint16).max
# Value of the TIFF tag ResolutionUnit "no absolute unit": the unit stands in the description.
_NO_UNIT = 1


def write_mask(out: Path, analysis: Analysis, apart: bool = False) -> Path:
    """Write the domains (0 = background, else the domain's number) with their pixel size; returns the path.

    uint16 in ImageJ's TIFF; uint32 in OME-TIFF where a field holds more than 65535 domains, because ImageJ's
    own format has no 32-bit integers.
    """
    path = result_path(out, "masks", analysis.micrograph.source, ".tif", apart)
    large = bool(analysis.mask.size) and int(analysis.mask.max()) > _UINT16_MAX
    options = _ome(analysis.micrograph.nm_per_px) if large else _imagej(analysis.micrograph.nm_per_px)
    with atomic_open(path) as file:
        mask = analysis.mask.astype(np.uint32 if large else np.uint16)
        tifffile.imwrite(file, mask, compression="zlib", photometric="minisblack", **options)
    return path


def mask_of(mask: np.ndarray, numbers: Iterable[int]) -> np.ndarray:
    """uint8 (H, W), 255 on these domains of a label image."""
    chosen = np.zeros(max(256, int(mask.max(initial=0)) + 1), np.uint8)
    chosen[[number for number in numbers if number < len(chosen)]] = 255
    # Bytes are looked up in half of the time.
    return cv2.LUT(mask.astype(np.uint8), chosen) if len(chosen) == 256 else chosen[mask]


def _imagej(nm_per_px: tuple[float, float] | None) -> dict[str, Any]:
    if nm_per_px is None:
        return {"imagej": True, "metadata": {"axes": "YX", "unit": "pixel"}}
    resolution = (1 / nm_per_px[0], 1 / nm_per_px[1])
    metadata = {"axes": "YX", "unit": "nm"}
    return {"imagej": True, "resolution": resolution, "resolutionunit": _NO_UNIT, "metadata": metadata}


def _ome(nm_per_px: tuple[float, float] | None) -> dict[str, Any]:
    metadata: dict[str, Any] = {"axes": "YX"}
    if nm_per_px is not None:
        metadata |= {"PhysicalSizeX": nm_per_px[0], "PhysicalSizeXUnit": "nm"}
        metadata |= {"PhysicalSizeY": nm_per_px[1], "PhysicalSizeYUnit": "nm"}
    return {"ome": True, "metadata": metadata}
