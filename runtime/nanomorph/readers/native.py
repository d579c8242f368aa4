"""DM3, DM4, EMD and SER/EMI through rosettasciio: the extra `microscopes`, imported only when needed.

rosettasciio is GPL-3.0 (hence an extra) and reads from paths, so the bytes in memory are written to a
temporary folder: what is decoded is then exactly what was hashed, even while the original is being replaced.
"""

from __future__ import annotations

import importlib
import logging
import re
import threading
import warnings
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from nanomorph.micrograph import Calibration, Micrograph, ReadError
from nanomorph.pixel_size import both, to_nm
from nanomorph.readers.dm_tags import check_tags
from nanomorph.readers.formats import Format
from nanomorph.readers.gray import to_gray
from nanomorph.readers.native_size import check_declared_size
from nanomorph.readers.pairs import emi_beside, ser_beside
from nanomorph.readers.strict import (
    check_last_frame,
    check_size,
    check_zero_tail,
    library_errors,
    trailing_zero_bytes,
)

logging.getLogger("rsciio").addHandler(logging.NullHandler())

Signal = dict[str, Any]

_MODULES = {Format.DM: "digitalmicrograph", Format.EMD: "emd", Format.SER: "tia", Format.EMI: "tia"}
_FILE_NAMES = {Format.DM: "file.dm4", Format.EMD: "file.emd", Format.SER: "file_1.ser"}
_EXTRA = 'pip install "nanomorph[microscopes]"'

# `catch_warnings` changes the whole process: one thread at a time may be inside. HDF5 is serial anyway.
_one_at_a_time = threading.Lock()


def read_native(name: str, data: bytes, format_: Format, path: Path | None) -> Micrograph:
    """Read the largest image of a native file. Raises ReadError.

    path: where the file lies, to find the other half of a TIA pair; None in an archive.
    """
    emi = None
    if format_ is Format.EMI:
        data, emi, format_ = _ser_of(name, path), data, Format.SER
    elif format_ is Format.SER:
        emi = _emi_of(path)
    check_declared_size(name, data, format_)
    if format_ is Format.DM:
        check_tags(name, data)
    signals = _signals(name, data, format_, emi)
    with library_errors(name, data):
        return _micrograph(name, data, _best(name, signals))


def _ser_of(name: str, path: Path | None) -> bytes:
    ser = ser_beside(path) if path is not None else None
    if ser is None:
        raise ReadError(
            "companion-missing",
            f"{name} only describes an image: its pixels are in a file ending in _1.ser, to be put beside it",
        )
    return _content(ser)


def _emi_of(ser: Path | None) -> bytes | None:
    """The description of one `.ser`, cut out of the `.emi` that may describe several."""
    found = emi_beside(ser) if ser is not None else None
    if found is None:
        return None
    emi, index = found
    content = _content(emi)
    objects = re.findall(rb"<ObjectInfo>.*?</ObjectInfo>", content, re.DOTALL)
    # rosettasciio takes the unit from the first object, whichever `.ser` it reads.
    return b"\n" + objects[index] if index < len(objects) else content


def _content(partner: Path) -> bytes:
    """Of the other half of a pair, which may be gone or locked by now."""
    try:
        return partner.read_bytes()
    except OSError as error:
        raise ReadError("no-access", f"{partner.name} cannot be read: {error.strerror or error}") from error


def _signals(name: str, data: bytes, format_: Format, emi: bytes | None) -> list[Signal]:
    """What rosettasciio finds in a file. Its warnings (units it had to guess) are judged by our own rules."""
    with TemporaryDirectory(prefix="nanomorph-") as folder:
        target = Path(folder) / _FILE_NAMES[format_]
        target.write_bytes(data)
        if emi is not None:
            target = Path(folder) / "file.emi"
            target.write_bytes(emi)
        options = {"select_type": "images"} if format_ is Format.EMD else {}
        with library_errors(name, data), _one_at_a_time, warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return _reader(name, format_)(str(target), **options)


def _reader(name: str, format_: Format) -> Any:
    try:
        return importlib.import_module(f"rsciio.{_MODULES[format_]}").file_reader
    except ImportError as error:
        raise ReadError("needs-extra", f"{name} has the format {format_}; to read it: {_EXTRA}") from error


def _best(name: str, signals: list[Signal]) -> Signal:
    """The largest gray image of a file; among equals the calibrated, then the first."""
    images = [signal for signal in signals if _is_image(signal)]
    if not images:
        held = ", ".join("x".join(map(str, np.shape(signal["data"]))) for signal in signals) or "nothing"
        raise ReadError("not-an-image", f"{name} holds no image, only spectra or data cubes ({held})")

    def merit(signal: Signal) -> tuple[int, bool]:
        height, width = signal["data"].shape[-2:]
        return height * width, _pixel_size(signal) is not None

    return max(images, key=merit)


def _is_image(signal: Signal) -> bool:
    """Two axes of an image, at most one more (frames) before them, and real numbers."""
    data, axes = signal["data"], signal["axes"]
    n_image_axes = sum(not axis.get("navigate", False) for axis in axes)
    return data.dtype.kind in "biuf" and data.ndim == len(axes) and data.ndim in (2, 3) and n_image_axes == 2


def _pixel_size(signal: Signal) -> tuple[float, float] | None:
    y, x = signal["axes"][-2:]
    return both(to_nm(x.get("scale"), x.get("units")), to_nm(y.get("scale"), y.get("units")))


def _micrograph(name: str, data: bytes, signal: Signal) -> Micrograph:
    stored = signal["data"]
    frames = stored if stored.ndim == 3 else stored[np.newaxis]
    check_size(name, *frames.shape[-2:])
    if trailing_zero_bytes(data) > 512:
        # TIA stores the lowest row first, the others the highest.
        check_zero_tail(name, frames[0])
        check_zero_tail(name, frames[0, ::-1])
    if len(frames) > 1:
        check_last_frame(name, frames[-1])
    gray = to_gray(name, frames[0]).copy()
    nm_per_px = _pixel_size(signal)
    calibration = Calibration.NONE if nm_per_px is None else Calibration.METADATA
    return Micrograph(gray, nm_per_px, calibration, name, len(frames))
