"""Pixel sizes in TIFF files: what each microscope's software writes, and where.

A microscope's own tag decides, even where it says "none" (a diffraction pattern of Gatan); then OME and
ImageJ; bare resolution tags come last, because every picture editor fills them in. One exception: where ImageJ
states another length than the tag, ImageJ's counts. No microscope writes its description, so it came later: the
tag tells of the frame as recorded, ImageJ of these pixels, which may have been binned or enlarged since.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import tifffile

from nanomorph.pixel_size import (
    NM_PER_CM,
    NM_PER_INCH,
    both,
    density_to_nm,
    nm_per_unit,
    to_nm,
)
from nanomorph.readers.ome import ome_pixel_size

PixelSize = tuple[float, float] | None

_FEI_SFEG, _FEI_HELIOS, _CZ_SEM, _TVIPS = 34680, 34682, 34118, 37706
_SIS_TAGS = (33560, 33471)
_GATAN_UNIT_X, _GATAN_UNIT_Y, _GATAN_SCALE_X, _GATAN_SCALE_Y = 65003, 65004, 65009, 65010
_MAKE, _X_RESOLUTION, _Y_RESOLUTION, _RESOLUTION_UNIT = 271, 282, 283, 296
_INCH, _CENTIMETRE = 2, 3
_ROUNDING = 0.01


def has_microscope_tags(page: tifffile.TiffPage) -> bool:
    """Whether a microscope's software described this page."""
    return any(tag in page.tags for tag in _MICROSCOPES)


def pixel_size(tif: tifffile.TiffFile, page: tifffile.TiffPage) -> PixelSize:
    """(x, y) in nm per pixel of `page`, or None where nothing believable is stated."""
    later = _imagej(page, tif.imagej_metadata or {}) if tif.is_imagej else None
    for tag, read in _MICROSCOPES.items():
        if tag in page.tags:
            recorded = read(page)
            return recorded if recorded is None or later is None or _alike(recorded, later) else later
    if tif.is_ome:
        return ome_pixel_size(tif.ome_metadata or "", page)
    return later if tif.is_imagej else _resolution(page)


def _alike(one: tuple[float, float], other: tuple[float, float]) -> bool:
    """Whether two pixel sizes differ by rounding alone."""
    return all(math.isclose(a, b, rel_tol=_ROUNDING) for a, b in zip(one, other, strict=True))


def _mapping(page: tifffile.TiffPage, tag: int) -> Mapping[str, Any]:
    value = page.tags[tag].value
    return value if isinstance(value, Mapping) else {}


def _fei(page: tifffile.TiffPage) -> PixelSize:
    """Thermo/FEI: metres per pixel of the scan, else the width of the field over its pixels."""
    metadata = _mapping(page, _FEI_HELIOS if _FEI_HELIOS in page.tags else _FEI_SFEG)
    for section in ("Scan", "EScan", "IScan"):
        scan = metadata.get(section, {})
        if size := both(to_nm(scan.get("PixelWidth"), "m"), to_nm(scan.get("PixelHeight"), "m")):
            return size
    for section in ("EBeam", "IBeam", "IRBeam"):
        beam = metadata.get(section, {})
        width, height = _number(beam.get("HFW")), _number(beam.get("VFW"))
        rows = _number(metadata.get("Image", {}).get("ResolutionY")) or page.imagelength
        if size := both(to_nm(width / page.imagewidth, "m"), to_nm(height / rows, "m")):
            return size
    return None


def _number(value: object) -> float:
    return float(value) if isinstance(value, int | float) else 0.0


def _zeiss(page: tifffile.TiffPage) -> PixelSize:
    """Zeiss: metres per pixel of the 1024-pixel-wide display; a named field with a unit is the witness."""
    metadata = _mapping(page, _CZ_SEM)
    numbers = metadata.get("", ())
    exact = to_nm(numbers[3] * 1024 / page.imagewidth, "m") if len(numbers) > 3 else None
    for key in ("ap_image_pixel_size", "ap_pixel_size"):
        stated = to_nm(*metadata[key][1:3]) if len(metadata.get(key, ())) == 3 else None
        if stated is not None and (exact is None or abs(exact - stated) > 0.01 * stated):
            return stated, stated
        if stated is not None:
            break
    return both(exact, exact)


def _tvips(page: tifffile.TiffPage) -> PixelSize:
    """TVIPS: nm per pixel; its first header version has only the resolution tags."""
    metadata = _mapping(page, _TVIPS)
    if "PixelSizeX" not in metadata:
        return _resolution(page)
    return both(to_nm(metadata["PixelSizeX"], "nm"), to_nm(metadata.get("PixelSizeY"), "nm"))


def _sis(page: tifffile.TiffPage) -> PixelSize:
    """Olympus SIS: metres per pixel."""
    for tag in _SIS_TAGS:
        if tag in page.tags:
            metadata = _mapping(page, tag)
            return both(to_nm(metadata.get("pixelsizex"), "m"), to_nm(metadata.get("pixelsizey"), "m"))
    return None


def _gatan(page: tifffile.TiffPage) -> PixelSize:
    """Gatan DigitalMicrograph: scale and unit of dimension 0 (x) and 1 (y)."""

    def value(tag: int) -> object:
        return page.tags[tag].value if tag in page.tags else None

    x = to_nm(value(_GATAN_SCALE_X), value(_GATAN_UNIT_X))
    return both(x, to_nm(value(_GATAN_SCALE_Y), value(_GATAN_UNIT_Y)))


_MICROSCOPES: dict[int, Callable[[tifffile.TiffPage], PixelSize]] = {
    _FEI_HELIOS: _fei,
    _FEI_SFEG: _fei,
    _CZ_SEM: _zeiss,
    _TVIPS: _tvips,
    **dict.fromkeys(_SIS_TAGS, _sis),
    _GATAN_SCALE_X: _gatan,
}


def _imagej(page: tifffile.TiffPage, metadata: Mapping[str, Any]) -> PixelSize:
    """ImageJ: pixels per unit in the resolution tags, the unit in the description."""
    units = metadata.get("unit"), metadata.get("yunit", metadata.get("unit"))
    return both(*(_inverse(_density(page, tag), unit) for tag, unit in zip(_DENSITIES, units, strict=True)))


def _inverse(per_unit: float, unit: object) -> float | None:
    length = nm_per_unit(unit)
    # ImageJ turns the dots per inch of any picture into a calibration in inches.
    if length in (NM_PER_INCH, NM_PER_CM):
        return density_to_nm(per_unit * NM_PER_INCH / length)
    return to_nm(1 / per_unit, unit) if per_unit > 0 else None


_DENSITIES = (_X_RESOLUTION, _Y_RESOLUTION)


def _density(page: tifffile.TiffPage, tag: int) -> float:
    """Pixels per unit, 0 where unknown."""
    value = page.tags[tag].value if tag in page.tags else None
    if isinstance(value, tuple) and len(value) == 2 and value[1]:
        return value[0] / value[1]
    return 0.0


def _resolution(page: tifffile.TiffPage) -> PixelSize:
    """Bare resolution tags, where they can only mean a microscope."""
    # JEOL's software stores the camera's pixel here, not the specimen's.
    if _MAKE in page.tags and str(page.tags[_MAKE].value).startswith("JEOL"):
        return None
    unit = page.tags[_RESOLUTION_UNIT].value if _RESOLUTION_UNIT in page.tags else _INCH
    if unit not in (_INCH, _CENTIMETRE):
        return None
    per_inch = 1.0 if unit == _INCH else NM_PER_INCH / NM_PER_CM
    return both(*(density_to_nm(_density(page, tag) * per_inch) for tag in _DENSITIES))
