"""The pixel size in OME-XML, of the one image among several that a page of the TIFF belongs to."""

from __future__ import annotations

from xml.etree import ElementTree

import tifffile

from nanomorph.pixel_size import both, to_nm

_SIZES = ("PhysicalSizeX", "PhysicalSizeY")


def ome_pixel_size(xml: str, page: tifffile.TiffPage) -> tuple[float, float] | None:
    """PhysicalSizeX and Y in nm of the image that `page` belongs to; the unit is um unless stated.

    A file may hold an overview beside the image. The image is the one whose TiffData names the page; where none or
    several do, one of the page's width and height. Where those state different sizes, None.
    """
    try:
        own = _images_of(ElementTree.fromstring(xml), page)
    except (ElementTree.ParseError, ValueError):
        # The pixels are fine without: a broken description is no calibration, not a broken image.
        return None
    stated = {both(*(to_nm(image.get(key), image.get(f"{key}Unit", "µm")) for key in _SIZES)) for image in own}
    return stated.pop() if len(stated) == 1 else None


def _images_of(root: ElementTree.Element, page: tifffile.TiffPage) -> list[ElementTree.Element]:
    images = root.findall(".//{*}Pixels")
    named = [image for image in images if _names(image, page.index, root.get("UUID"))]
    return named if len(named) == 1 else [image for image in named or images if _is_of_size(image, page)]


def _names(image: ElementTree.Element, page: int, file: str | None) -> bool:
    """Whether a TiffData of `image` covers the page of that number in this file (its UUID)."""
    for planes in image.findall("{*}TiffData"):
        uuid = planes.find("{*}UUID")
        if file is not None and uuid is not None and uuid.text != file:
            continue  # These planes lie in another file of the set.
        first, count = planes.get("IFD"), planes.get("PlaneCount")
        if first is None and count is None:
            return True  # As OME defines it: all pages.
        if int(first or 0) <= page < int(first or 0) + int(count or 1):
            return True
    return False


def _is_of_size(image: ElementTree.Element, page: tifffile.TiffPage) -> bool:
    return (image.get("SizeX"), image.get("SizeY")) == (str(page.imagewidth), str(page.imagelength))
