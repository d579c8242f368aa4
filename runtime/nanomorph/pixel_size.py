"""Pixel sizes as files state them -> nm, or None where a file states nothing believable.

A length is never invented: reciprocal units (diffraction), a missing unit, scales that are zero, negative
or not finite, and pixels too small or too large for any electron micrograph all mean "no calibration".
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Sequence
from numbers import Real

MIN_NM_PER_PX = 1e-4
MAX_NM_PER_PX = 1e5
"""Believable pixels. A tenth of a picometre is far below atomic resolution; 0.1 mm is a photograph."""

NM_PER_INCH = 2.54e7
NM_PER_CM = 1e7

_SCANNER_NM = 1e3
"""No scanner or printer goes below 1 um (above 25400 dpi): a bare resolution is believed only where it is finer."""

_NM_PER_UNIT = {
    "m": 1e9,
    "cm": NM_PER_CM,
    "mm": 1e6,
    "μm": 1e3,
    "um": 1e3,
    "nm": 1.0,
    "Å": 0.1,
    "A": 0.1,
    "pm": 1e-3,
    "fm": 1e-6,
}

# Written-out names, compared without case and without a plural s.
_NM_PER_NAME = {
    **dict.fromkeys(("meter", "metre"), 1e9),
    **dict.fromkeys(("centimeter", "centimetre"), NM_PER_CM),
    **dict.fromkeys(("millimeter", "millimetre"), 1e6),
    **dict.fromkeys(("micron", "micrometer", "micrometre"), 1e3),
    **dict.fromkeys(("nanometer", "nanometre"), 1.0),
    **dict.fromkeys(("angstrom", "angström", "ångström", "ångstrom", "ang"), 0.1),
    **dict.fromkeys(("picometer", "picometre"), 1e-3),
    **dict.fromkeys(("inch", "inche", "in", '"'), NM_PER_INCH),
}


def nm_per_unit(unit: object) -> float | None:
    """Nanometres in one `unit` of length, or None where it is none (reciprocal, angle, pixel, empty).

    Knows both micro signs (U+00B5, U+03BC), ImageJ's escape `\\u00B5m`, UTF-8 read as Latin-1 (`Âµm`),
    and the brackets and underscores of Berkeley EMD files (`[n_m]`).
    """
    if isinstance(unit, bytes):
        unit = unit.decode("utf-8", "replace")
    if not isinstance(unit, str):
        return None
    spelling = _plain(unit)
    if spelling in _NM_PER_UNIT:
        return _NM_PER_UNIT[spelling]
    name = spelling.casefold()
    return _NM_PER_NAME.get(name, _NM_PER_NAME.get(name.removesuffix("s")))


def _plain(unit: str) -> str:
    unescaped = re.sub(r"\\u([0-9a-fA-F]{4})", lambda match: chr(int(match[1], 16)), unit)
    # NFKC joins the two micro signs into U+03BC and the two angstroms into U+00C5.
    normal = unicodedata.normalize("NFKC", unescaped.replace("\u00c2\u00b5", "\u00b5"))
    return normal.strip(" \t\r\n\0[]").replace("_", "")


def to_nm(scale: object, unit: object) -> float | None:
    """`scale` of `unit` per pixel in nm per pixel, or None where that is no believable pixel size."""
    factor = nm_per_unit(unit)
    if factor is None:
        return None
    try:
        return believable(float(scale) * factor)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return None


def believable(nm_per_px: float) -> float | None:
    """`nm_per_px` itself where an electron micrograph can have it, else None."""
    if math.isfinite(nm_per_px) and MIN_NM_PER_PX <= nm_per_px <= MAX_NM_PER_PX:
        return nm_per_px
    return None


def given_pixel_size(size: object, name: str = "nm_per_px") -> tuple[float, float]:
    """A user's pixel size, one number or (x, y), as (x, y) in nm. name: what the user knows it by.

    NumPy's and pandas' numbers and vectors count as numbers. Text does not: where "0.42" came from, "0,42" or
    "0.42 um" come from, too, and only the caller can know. Raises ValueError that says what to give.
    """
    values = size.tolist() if hasattr(size, "tolist") else size
    if isinstance(values, str | bytes) or not isinstance(values, Sequence):
        values = (values, values)
    if len(values) != 2:
        raise ValueError(f"{name} {size}: give one number, or two for x and y")
    x, y = (_given(value, name) for value in values)
    return x, y


def _given(value: object, name: str) -> float:
    if isinstance(value, str | bytes):
        raise ValueError(f"{name} {value!r} is text: give a number of nanometres, such as float('0.42')")
    if isinstance(value, bool) or not isinstance(value, Real) or not 0 < float(value) < math.inf:
        raise ValueError(f"{name} {value}: a pixel size is a positive number of nanometres")
    nm = float(value)
    if believable(nm) is None:
        least, most = f"{MIN_NM_PER_PX:g}", f"{MAX_NM_PER_PX:g}"
        raise ValueError(f"{name} {nm:g}: a pixel size is {least} to {most} nanometres{_meant(nm)}")
    return nm


def _meant(value: float) -> str:
    """A guess for the user at the unit of a number that cannot be in nm; nothing is computed with it."""
    units = {"um": 1e3, "mm": 1e6, "m": 1e9, "pm": 1e-3}
    unit = next((unit for unit, nm in units.items() if 0.01 <= value * nm <= 1e4), None)
    return "" if unit is None else f": did you mean {unit}? Then give {value * units[unit]:g}"


def density_to_nm(pixels_per_inch: float) -> float | None:
    """nm per pixel from a bare print resolution (TIFF, PNG, JPEG, BMP), or None where it means print or scan.

    Editors and scanners write 72, 300, 4000 dpi (or 1575 per cm, rounded) into everything they save: such a
    pixel is on paper or film. Only one below 1 um, finer than any scanner's, is taken as a calibration.
    """
    if not math.isfinite(pixels_per_inch) or pixels_per_inch <= 0:
        return None
    nm_per_px = NM_PER_INCH / pixels_per_inch
    # Writers round to whole pixels per cm or m: 25400 dpi must not come out a hair below 1 um.
    return believable(nm_per_px) if nm_per_px < (1 - 1e-4) * _SCANNER_NM else None


def both(x: float | None, y: float | None) -> tuple[float, float] | None:
    """The pixel size (x, y), or None unless both are known."""
    return None if x is None or y is None else (x, y)
