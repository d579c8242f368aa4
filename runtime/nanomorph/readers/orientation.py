"""A note in a file that asks viewers to turn or mirror the picture. Readers here keep rows and columns as recorded.

Pixel sizes in x and y, masks and coordinates belong to these, and ImageJ and napari show them so.
"""

from __future__ import annotations

import io
import warnings

import tifffile
from PIL import Image, JpegImagePlugin, PngImagePlugin

from nanomorph.readers.formats import Format

UPRIGHT = 1
_TAG = 274  # TIFF 6.0 and Exif: Orientation, 1 to 8
_CLASSES = {Format.JPEG: JpegImagePlugin.JpegImageFile, Format.PNG: PngImagePlugin.PngImageFile}


def asked_orientation(data: bytes, format_: Format) -> int:
    """The tag of a file whose pixels were read; 1 where it has none, or none that says anything."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            asked = _tag(data, format_)
    except Exception:  # noqa: BLE001 (Pillow lets a damaged note raise anything; viewers pass over it)
        return UPRIGHT
    return asked if isinstance(asked, int) and 1 <= asked <= 8 else UPRIGHT


def _tag(data: bytes, format_: Format) -> object:
    if format_ is Format.TIFF:
        with tifffile.TiffFile(io.BytesIO(data)) as tif:
            tag = tif.pages.first.tags.get(_TAG)
            return tag and tag.value
    if (opened := _CLASSES.get(format_)) is None:
        return None
    image: Image.Image
    with opened(io.BytesIO(data)) as image:
        return image.getexif().get(_TAG)
