"""Units and scales of files -> nm per pixel, or nothing."""

import math

import numpy as np
import pandas as pd
import pytest

from nanomorph.pixel_size import both, density_to_nm, given_pixel_size, nm_per_unit, to_nm


@pytest.mark.parametrize(
    ("unit", "nm"),
    [
        ("m", 1e9),
        ("meters", 1e9),
        ("cm", 1e7),
        ("mm", 1e6),
        ("um", 1e3),
        ("\u00b5m", 1e3),
        ("\u03bcm", 1e3),
        ("\\u00B5m", 1e3),
        ("\u00c2\u00b5m", 1e3),
        ("micron", 1e3),
        ("Microns", 1e3),
        ("micrometre", 1e3),
        ("nm", 1.0),
        (" nm\0", 1.0),
        ("[n_m]", 1.0),
        (b"nm", 1.0),
        ("nanometers", 1.0),
        ("A", 0.1),
        ("\u00c5", 0.1),
        ("\u212b", 0.1),
        ("Angstroms", 0.1),
        ("\u00e5ngstr\u00f6m", 0.1),
        ("pm", 1e-3),
        ("inch", 2.54e7),
        ("Inches", 2.54e7),
    ],
)
def test_units_of_length(unit: object, nm: float) -> None:
    assert nm_per_unit(unit) == nm


@pytest.mark.parametrize(
    "unit",
    [
        None,
        "",
        " ",
        "1/nm",
        "1 / nm",
        "nm^-1",
        "nm-1",
        "nm⁻¹",
        "1/m",
        "mrad",
        "px",
        "pixel",
        "eV",
        "s",
        "M",
        "PM",
        3,
    ],
)
def test_what_is_no_length(unit: object) -> None:
    assert nm_per_unit(unit) is None
    assert to_nm(1.0, unit) is None


@pytest.mark.parametrize(
    ("scale", "unit", "nm"),
    [(2.5, "nm", 2.5), (2.0, "A", 0.2), ("0.25", "µm", 250.0), (3.3724e-06, "m", 3372.4), (8.0, "pm", 0.008)],
)
def test_scales(scale: object, unit: str, nm: float) -> None:
    assert to_nm(scale, unit) == pytest.approx(nm, rel=1e-12)


@pytest.mark.parametrize("scale", [0, -1.0, math.nan, math.inf, 1e17, 1e-9, "a lot", None, (1, 2)])
def test_unbelievable_scales(scale: object) -> None:
    assert to_nm(scale, "nm") is None


@pytest.mark.parametrize(
    ("dpi", "nm"),
    [
        (25_400_000.0, 1.0),
        (25_400.0 * 2, 500.0),
        (2_540_123.0, 25_400_000 / 2_540_123),
        (72.0, None),
        (96.0, None),
        (300.0, None),
        (1.0, None),
        # A film scanner: 4000 dpi are 6.35 um on the film, not in the specimen.
        (4000.0, None),
        (12800.0, None),
        # 4800 dpi in whole pixels per cm; a sensor of 5 um; what is finer than any of them.
        (1890 * 2.54, None),
        (2820.0, None),
        (5080.0, None),
        (25_400.0, None),
        (25_400.0000001, None),
        (26_000.0, 25_400_000 / 26_000),
        (0.0, None),
        (-300.0, None),
        (math.nan, None),
    ],
)
def test_print_resolution_is_no_calibration(dpi: float, nm: float | None) -> None:
    assert density_to_nm(dpi) == (None if nm is None else pytest.approx(nm))


@pytest.mark.parametrize(
    "size",
    [
        *(2, 2.0, np.float32(2), np.int64(2), np.array(2.0)),
        *((2, 2.0), [np.float32(2), 2], np.array([2.0, 2.0]), pd.Series([2.0, 2.0], index=[5, 6])),
    ],
)
def test_what_users_give(size: object) -> None:
    assert given_pixel_size(size) == (2.0, 2.0)
    assert all(type(one) is float for one in given_pixel_size(size))


@pytest.mark.parametrize(
    ("size", "said"),
    [
        ("42", r"nm_per_px '42' is text: give a number"),
        (("0.42", 0.42), r"nm_per_px '0.42' is text"),
        ((2, 2, 2), r"nm_per_px \(2, 2, 2\): give one number, or two for x and y"),
        (np.array([2.0]), r"give one number, or two"),
        (True, "True: a pixel size is a positive number of nanometres"),
        (None, "None: a pixel size is a positive number"),
        (2j, "2j: a pixel size is a positive number"),
        ({"x": 1}, "a pixel size is a positive number"),
        (math.nan, "nan: a pixel size is a positive number"),
        ((2, -1), "-1: a pixel size is a positive number"),
        (2e-9, r"0\.0001 to 100000 nanometres: did you mean m\? Then give 2$"),
        (1e9, r"0\.0001 to 100000 nanometres$"),
    ],
)
def test_what_users_must_not_give(size: object, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        given_pixel_size(size)


def test_both_or_neither() -> None:
    assert both(1.0, 2.0) == (1.0, 2.0)
    assert both(None, 2.0) is None
    assert both(1.0, None) is None
