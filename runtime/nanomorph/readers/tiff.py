"""TIFF of every kind through tifffile, strictly: all of it there, and the image page, not the thumbnail."""

from __future__ import annotations

import io
import logging

import numpy as np
import tifffile

from nanomorph.micrograph import Calibration, Micrograph, ReadError
from nanomorph.readers.gray import to_gray
from nanomorph.readers.strict import check_last_frame, check_size, check_zero_tail, library_errors, truncated
from nanomorph.readers.tiff_calibration import has_microscope_tags, pixel_size
from nanomorph.readers.tiff_structure import UNCOMPRESSED, check_directories, check_segments

# tifffile logs a file's oddities; where nobody listens, Python would print them on the terminal.
logging.getLogger("tifffile").addHandler(logging.NullHandler())

_PREMULTIPLIED = 1
_WHITE_IS_ZERO, _PALETTE = 0, 3
_PHOTOMETRIC = frozenset({0, 1, 2, 3, 6})
"""What is read: white is zero, black is zero, RGB, palette, YCbCr (decoded to RGB)."""


def read_tiff(name: str, data: bytes) -> Micrograph:
    """Read the image page of a TIFF, BigTIFF or OME-TIFF; of a stack the first frame. Raises ReadError."""
    check_directories(name, data)
    with library_errors(name, data), tifffile.TiffFile(io.BytesIO(data)) as tif:
        pages = [page for page in tif.pages if isinstance(page, tifffile.TiffPage)]
        if not pages:
            raise ReadError("unreadable", f"{name} is a TIFF without a page")
        for number, page in enumerate(pages, 1):
            check_segments(f"{name}, page {number}" if len(pages) > 1 else name, data, page)
        page = _image_page(pages)
        gray = _decode(name, data, page)
        n_frames = _count_frames(name, data, tif, pages, page)
        nm_per_px = pixel_size(tif, page)
    calibration = Calibration.NONE if nm_per_px is None else Calibration.METADATA
    others = sum(not other.is_reduced and not _is_like(other, page) for other in pages)
    return Micrograph(gray, nm_per_px, calibration, name, n_frames, n_other_images=others)


def _image_page(pages: list[tifffile.TiffPage]) -> tifffile.TiffPage:
    """The largest page; among equals what the microscope described, then gray before colour, then the first.

    Olympus puts a colour picture of the same size before the image, others a thumbnail.
    """

    def merit(page: tifffile.TiffPage) -> tuple[bool, int, bool, bool]:
        area = page.imagelength * page.imagewidth
        return not page.is_reduced, area, has_microscope_tags(page), page.samplesperpixel == 1

    return max(pages, key=merit)


def _is_like(other: tifffile.TiffPage, page: tifffile.TiffPage) -> bool:
    return other.shape == page.shape and other.dtype == page.dtype


def _count_frames(
    name: str, data: bytes, tif: tifffile.TiffFile, pages: list[tifffile.TiffPage], page: tifffile.TiffPage
) -> int:
    """Pages like the image page; ImageJ may instead store a whole stack behind one page."""
    alike = [other for other in pages if _is_like(other, page)]
    if len(alike) > 1:
        if page.compression == UNCOMPRESSED:
            check_last_frame(name, alike[-1].asarray())
        return len(alike)
    declared = int((tif.imagej_metadata or {}).get("images", 1)) if tif.is_imagej and len(pages) == 1 else 1
    if declared > 1 and page.compression == UNCOMPRESSED:
        end = page.dataoffsets[0] + declared * page.nbytes
        if end > len(data):
            raise truncated(name, end, len(data))
        dtype = np.dtype(page.dtype).newbyteorder(tif.byteorder)
        last = np.frombuffer(data, dtype, page.size, end - page.nbytes)
        check_last_frame(name, last.reshape(page.shape))
    return declared


def _decode(name: str, data: bytes, page: tifffile.TiffPage) -> np.ndarray:
    check_size(name, page.imagelength, page.imagewidth)
    if page.imagedepth > 1:
        raise ReadError("volume", f"{name} holds a volume of {page.imagedepth} slices, not a micrograph")
    if page.photometric not in _PHOTOMETRIC:
        kind = getattr(page.photometric, "name", page.photometric)
        raise ReadError("not-an-image", f"{name} has {kind} colours; save it as gray or RGB")
    if page.compression != UNCOMPRESSED and _last_segment_is_blank(data, page):
        raise ReadError("zero-tail", f"the last strip of {name} is blank: not fully written? Copy it again")
    samples = page.asarray()
    if page.axes.startswith("S"):
        samples = np.moveaxis(samples, 0, -1)
    if page.compression == UNCOMPRESSED:
        check_zero_tail(name, samples)
    return to_gray(name, _unfold(page, samples), _PREMULTIPLIED in page.extrasamples)


def _last_segment_is_blank(data: bytes, page: tifffile.TiffPage) -> bool:
    offset = page.dataoffsets[-1]
    return not any(data[offset : offset + page.databytecounts[-1]])


def _unfold(page: tifffile.TiffPage, samples: np.ndarray) -> np.ndarray:
    """Samples as they are meant: palette indices looked up, white-is-zero turned round."""
    if page.photometric == _PALETTE and page.colormap is not None and samples.dtype.kind == "u":
        colours = (page.colormap.T // 257).astype(np.uint8)
        ramp = np.arange(len(colours), dtype=np.uint8)[:, None]
        # A gray ramp of 256 is the identity: the usual "palette" of an SEM.
        return samples if len(colours) == 256 and (colours == ramp).all() else colours[samples]
    if page.photometric != _WHITE_IS_ZERO:
        return samples
    # Only the order of the grays means something: of floats, which have no greatest value, the sign is enough.
    return -samples if samples.dtype.kind in "fc" else np.invert(samples)
