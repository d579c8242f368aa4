"""TIFF: depths, colours, pages, pixel sizes, and half files."""

import io
import struct
from typing import Any

import numpy as np
import pytest
import tifffile

from nanomorph.micrograph import Calibration, Micrograph, ReadError
from nanomorph.readers import read_micrograph


def frame(dtype: Any = np.uint16, shape: tuple[int, ...] = (48, 64)) -> np.ndarray:
    return np.random.default_rng(2).integers(1, 120, shape).astype(dtype)


def tiff(pixels: np.ndarray, **options: Any) -> bytes:
    file = io.BytesIO()
    tifffile.imwrite(file, pixels, **options)
    return file.getvalue()


def read(data: bytes) -> Micrograph:
    return read_micrograph("a.tif", data)


def reason_of(data: bytes) -> str:
    with pytest.raises(ReadError) as caught:
        read(data)
    return caught.value.reason


@pytest.mark.parametrize("dtype", ["u1", "i1", "u2", "i2", "u4", "i4", "f4", "f8", "i8"])
@pytest.mark.parametrize(
    "options", [{}, {"byteorder": ">"}, {"bigtiff": True}, {"rowsperstrip": 5}, {"tile": (16, 16)}]
)
def test_depths_are_kept(dtype: str, options: dict[str, Any]) -> None:
    pixels = frame(dtype)
    result = read(tiff(pixels, **options))
    np.testing.assert_array_equal(result.pixels, pixels)
    assert result.pixels.dtype == np.dtype(dtype)
    assert result.calibration is Calibration.NONE


@pytest.mark.parametrize("compression", ["zlib", "lzw", "packbits", "zstd"])
def test_compressed(compression: str) -> None:
    pixels = frame()
    np.testing.assert_array_equal(read(tiff(pixels, compression=compression)).pixels, pixels)


def test_half_floats_and_bits_become_common_depths() -> None:
    assert read(tiff(frame(np.float16))).pixels.dtype == np.float32
    bits = frame() > 60
    np.testing.assert_array_equal(read(tiff(bits, photometric="minisblack")).pixels, bits * np.uint8(255))


def test_white_is_zero_is_turned_round() -> None:
    pixels = frame(np.uint8)
    np.testing.assert_array_equal(read(tiff(pixels, photometric="miniswhite")).pixels, 255 - pixels)
    for dtype in (np.int16, np.float32):
        turned = read(tiff(frame(dtype), photometric="miniswhite")).pixels
        assert turned.dtype == dtype
        # -1 - x of integers, -x of floats: the order of the grays is what counts.
        np.testing.assert_array_equal(turned, -frame(dtype) - (dtype is np.int16))


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("planar", ["contig", "separate"])
def test_colour_becomes_luminance(dtype: Any, planar: str) -> None:
    rgb = np.zeros((48, 64, 3), dtype)
    rgb[...] = (200, 100, 50)
    rgb[0] = 77
    stored = rgb if planar == "contig" else np.moveaxis(rgb, -1, 0)
    gray = read(tiff(stored, photometric="rgb", planarconfig=planar)).pixels
    assert gray.dtype == dtype
    # 0.299 * 200 + 0.587 * 100 + 0.114 * 50 = 124.2
    assert (gray[1:] == 124).all()
    assert (gray[0] == 77).all()


def test_transparency_lies_on_white() -> None:
    rgba = np.full((48, 64, 4), 100, np.uint8)
    rgba[..., 3] = 255
    rgba[:24, :, 3] = 0
    gray = read(tiff(rgba, photometric="rgb", extrasamples=["unassalpha"])).pixels
    assert (gray[:24] == 255).all()
    assert (gray[24:] == 100).all()
    rgba[..., :3] = frame(np.uint8)[..., None]
    rgba[..., 3] = 0
    blank = read(tiff(rgba, photometric="rgb", extrasamples=["unassalpha"])).pixels
    np.testing.assert_array_equal(blank, rgba[..., 0])


def test_palette_colours_are_looked_up() -> None:
    colours = np.zeros((3, 256), np.uint16)
    colours[:, 1:] = 50 * 257
    colours[:, 9] = 200 * 257
    indices = frame(np.uint8)
    gray = read(tiff(indices, photometric="palette", colormap=colours)).pixels
    np.testing.assert_array_equal(gray, np.where(indices == 9, 200, 50))


def test_a_stack_gives_its_first_frame() -> None:
    stack = frame(np.uint16, (5, 48, 64))
    for options in ({}, {"imagej": True}, {"photometric": "minisblack", "metadata": None}):
        result = read(tiff(stack, **options))
        np.testing.assert_array_equal(result.pixels, stack[0])
        assert result.n_frames == 5


def test_the_image_page_not_the_thumbnail() -> None:
    file = io.BytesIO()
    with tifffile.TiffWriter(file) as writer:
        writer.write(frame(np.uint8, (32, 40, 3)), photometric="rgb")
        writer.write(frame(np.uint16, (96, 120)), photometric="minisblack")
        writer.write(frame(np.uint8, (200, 200)), photometric="minisblack", subfiletype=1)
    result = read(file.getvalue())
    assert result.pixels.shape == (96, 120)
    assert result.n_frames == 1
    # The colour picture; what calls itself a reduced copy is none of its own.
    assert result.n_other_images == 1
    assert read(tiff(frame())).n_other_images == 0


def test_imagej_calibration() -> None:
    for unit in ("micron", "\\u00B5m", "um"):
        result = read(tiff(frame(), imagej=True, resolution=(200, 100), metadata={"unit": unit}))
        assert result.nm_per_px == pytest.approx((5.0, 10.0))
    for unit, per_unit in (("inch", 300), ("pixel", 1), ("cm", 118)):
        data = tiff(frame(), imagej=True, resolution=(per_unit, per_unit), metadata={"unit": unit})
        assert read(data).nm_per_px is None


def test_ome_calibration() -> None:
    sizes = {
        "axes": "YX",
        "PhysicalSizeX": 0.5,
        "PhysicalSizeXUnit": "nm",
        "PhysicalSizeY": 7,
        "PhysicalSizeYUnit": "Å",
    }
    assert read(tiff(frame(), ome=True, metadata=sizes)).nm_per_px == pytest.approx((0.5, 0.7))
    default_unit = {"axes": "YX", "PhysicalSizeX": 0.002, "PhysicalSizeY": 0.002}
    assert read(tiff(frame(), ome=True, metadata=default_unit)).nm_per_px == pytest.approx((2.0, 2.0))
    assert read(tiff(frame(), ome=True)).nm_per_px is None
    assert read(tiff(frame(), description="<OME broken")).nm_per_px is None


def ome_series(*images: tuple[np.ndarray, float]) -> bytes:
    """An OME-TIFF of several images (pixels, nm per pixel)."""
    file = io.BytesIO()
    with tifffile.TiffWriter(file, ome=True) as writer:
        for pixels, nm in images:
            sizes = {f"PhysicalSize{axis}": nm for axis in "XY"} | {f"PhysicalSize{axis}Unit": "nm" for axis in "XY"}
            writer.write(pixels, metadata={"axes": "YX", **sizes})
    return file.getvalue()


def test_of_several_ome_images_the_pixel_size_is_that_of_the_largest() -> None:
    small, large = frame(shape=(32, 40)), frame(shape=(96, 120))
    for images in (((small, 50.0), (large, 2.5)), ((large, 2.5), (small, 50.0))):
        result = read(ome_series(*images))
        assert result.pixels.shape == (96, 120)
        assert result.nm_per_px == pytest.approx((2.5, 2.5))


@pytest.mark.parametrize(
    ("old", "new", "nm"),
    [
        # Neither names the page: that of its width and height.
        ('IFD="1"', 'IFD="7"', 2.5),
        # Both name all pages: likewise.
        ('<TiffData IFD="1" PlaneCount="1"', "<TiffData", 2.5),
        # The page is not in the second image, and the first has another size.
        ('SizeX="120"', 'SizeX="121"', None),
        ('IFD="1"', 'IFD="x"', None),
    ],
)
def test_ome_images_that_do_not_say_which_page_is_theirs(old: str, new: str, nm: float | None) -> None:
    data = ome_series((frame(shape=(32, 40)), 50.0), (frame(shape=(96, 120)), 2.5))
    with tifffile.TiffFile(io.BytesIO(data)) as tif:
        xml, pages = tif.ome_metadata or "", [page.asarray() for page in tif.pages]
    assert old in xml
    xml = xml.replace(old, new)
    if "SizeX" in old:
        xml = xml.replace('IFD="1"', 'IFD="7"')
    file = io.BytesIO()
    with tifffile.TiffWriter(file) as writer:
        for pixels, description in zip(pages, (xml, None), strict=True):
            writer.write(pixels, description=description, metadata=None)
    assert read(file.getvalue()).nm_per_px == (None if nm is None else pytest.approx((nm, nm)))


def test_ome_images_of_one_size_and_two_pixel_sizes() -> None:
    xml = ome_xml(2.5) + ome_xml(50.0)
    assert read(tiff(frame(), description=f"<OME xmlns='{OME}'>{xml}</OME>", metadata=None)).nm_per_px is None
    agreed = f"<OME xmlns='{OME}'>{ome_xml(2.5) * 2}</OME>"
    assert read(tiff(frame(), description=agreed, metadata=None)).nm_per_px == pytest.approx((2.5, 2.5))


def test_ome_planes_of_another_file_are_not_this_page() -> None:
    xml = f"""<OME xmlns='{OME}' UUID='urn:uuid:here'>
    {ome_xml(50.0, "<TiffData IFD='0'><UUID FileName='b.tif'>urn:uuid:there</UUID></TiffData>")}
    {ome_xml(2.5, "<TiffData IFD='0'><UUID FileName='a.tif'>urn:uuid:here</UUID></TiffData>")}</OME>"""
    assert read(tiff(frame(), description=xml, metadata=None)).nm_per_px == pytest.approx((2.5, 2.5))


OME = "http://www.openmicroscopy.org/Schemas/OME/2016-06"


def ome_xml(nm: float, planes: str = "") -> str:
    """One image of 64 x 48 px, by default without a word on its pages."""
    sizes = f"PhysicalSizeX='{nm}' PhysicalSizeXUnit='nm' PhysicalSizeY='{nm}' PhysicalSizeYUnit='nm'"
    return f"<Image><Pixels SizeX='64' SizeY='48' {sizes}>{planes}</Pixels></Image>"


@pytest.mark.parametrize(
    ("resolution", "unit", "nm"),
    [
        ((5_000_000, 2_500_000), "CENTIMETER", (2.0, 4.0)),
        ((25_400_000, 25_400_000), "INCH", (1.0, 1.0)),
        ((72, 72), "INCH", None),
        ((300, 300), "INCH", None),
        # 4800 dpi rounded to whole pixels per cm.
        ((1890, 1890), "CENTIMETER", None),
        ((1, 1), "CENTIMETER", None),
        ((5_000_000, 5_000_000), "NONE", None),
    ],
)
def test_bare_resolution_tags(resolution: tuple[int, int], unit: str, nm: tuple[float, float] | None) -> None:
    result = read(tiff(frame(), resolution=resolution, resolutionunit=unit))
    assert result.nm_per_px == (None if nm is None else pytest.approx(nm))


def gatan_tags(scale: float, unit: str) -> list[tuple[int, str, int, Any, bool]]:
    return [
        (65003, "s", 0, unit, True),
        (65004, "s", 0, unit, True),
        (65009, "d", 1, scale, True),
        (65010, "d", 1, 2 * scale, True),
    ]


def test_gatan_tags() -> None:
    assert read(tiff(frame(), extratags=gatan_tags(0.3, "nm"))).nm_per_px == pytest.approx((0.3, 0.6))
    # A diffraction pattern: the camera's own resolution tag must not stand in.
    reciprocal = tiff(frame(), extratags=gatan_tags(0.3, "1/nm"), resolution=(1e7, 1e7), resolutionunit="CENTIMETER")
    assert read(reciprocal).nm_per_px is None


def fei_tag(text: str) -> list[tuple[int, str, int, Any, bool]]:
    return [(34682, "s", 0, text, True)]


def test_fei_tags() -> None:
    scan = "[Scan]\r\nPixelWidth=2e-09\r\nPixelHeight=3e-09\r\n"
    assert read(tiff(frame(), extratags=fei_tag(scan))).nm_per_px == pytest.approx((2.0, 3.0))
    field = "[Image]\r\nResolutionX=64\r\nResolutionY=40\r\n[EBeam]\r\nHFW=6.4e-07\r\nVFW=8e-07\r\n"
    # 640 nm over 64 columns, 800 nm over 40 rows: the other 8 rows are the information bar.
    assert read(tiff(frame(), extratags=fei_tag(field))).nm_per_px == pytest.approx((10.0, 20.0))
    assert read(tiff(frame(), extratags=fei_tag("[User]\r\nUser=me\r\n"))).nm_per_px is None


def test_imagej_tells_of_the_pixels_as_they_are_now() -> None:
    def resaved(tags: Any, per_unit: float, unit: str) -> Any:
        return read(
            tiff(frame(), imagej=True, extratags=tags, resolution=(per_unit, per_unit), metadata={"unit": unit})
        ).nm_per_px

    recorded = fei_tag("[Scan]\r\nPixelWidth=2.5e-09\r\nPixelHeight=2.5e-09\r\n")
    assert resaved(recorded, 200, "um") == pytest.approx((5.0, 5.0))
    # Rounding, inches and pixels say nothing against the microscope; nor nm against a diffraction pattern.
    for per_unit, unit in ((0.401, "nm"), (72, "inch"), (1, "pixel")):
        assert resaved(recorded, per_unit, unit) == pytest.approx((2.5, 2.5))
    assert resaved(gatan_tags(0.3, "1/nm"), 0.4, "nm") is None


@pytest.mark.parametrize(
    "options", [{}, {"compression": "zlib"}, {"rowsperstrip": 4}, {"bigtiff": True}, {"imagej": True}]
)
@pytest.mark.parametrize("share", [0.1, 0.5, 0.95, 0.999])
def test_truncated(options: dict[str, Any], share: float) -> None:
    data = tiff(frame(shape=(5, 200, 100)), **options)
    assert reason_of(data[: int(len(data) * share)]) == "truncated"


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
def test_uncompressed_with_a_zero_tail(dtype: Any) -> None:
    data = tiff(frame(dtype, (200, 100)))
    kept = int(len(data) * 0.6)
    assert reason_of(data[:kept] + bytes(len(data) - kept)) == "zero-tail"


def test_compressed_with_a_zero_tail() -> None:
    data = tiff(frame(shape=(200, 100)), compression="zlib", rowsperstrip=10)
    kept = int(len(data) * 0.6)
    assert reason_of(data[:kept] + bytes(len(data) - kept)) == "zero-tail"


def test_a_stack_whose_last_frames_are_not_there_yet() -> None:
    stack = frame(shape=(4, 48, 64))
    stack[2:] = 0
    assert reason_of(tiff(stack, imagej=True)) == "zero-tail"
    assert reason_of(tiff(stack, photometric="minisblack")) == "zero-tail"


def test_a_strip_beyond_the_end_of_the_file() -> None:
    pixels = frame()
    data = bytearray(tiff(pixels))
    with tifffile.TiffFile(io.BytesIO(bytes(data))) as tif:
        tag = tif.pages.first.tags["StripOffsets"]
        assert tag.count == 1
    struct.pack_into("<I", data, tag.offset + 8, len(data) - 100)
    assert reason_of(bytes(data)) == "truncated"


def test_other_refusals() -> None:
    assert reason_of(tiff(frame(shape=(40, 48, 64)), volumetric=True, tile=(16, 16, 16))) == "volume"
    assert reason_of(tiff(frame(np.complex64))) == "not-an-image"
    assert reason_of(tiff(frame(np.uint8, (48, 64, 4)), photometric="separated")) == "not-an-image"
    assert reason_of(tiff(np.zeros((48, 64), np.uint8))) == "no-signal"


def test_a_frame_too_large_for_memory_is_refused_before_it_is_decoded() -> None:
    data = bytearray(tiff(frame(np.uint8), compression="zlib"))
    with tifffile.TiffFile(io.BytesIO(bytes(data))) as tif:
        places = [tif.pages.first.tags[name].offset + 8 for name in ("ImageWidth", "ImageLength", "RowsPerStrip")]
        types = [tif.pages.first.tags[name].dtype for name in ("ImageWidth", "ImageLength", "RowsPerStrip")]
    for place, type_ in zip(places, types, strict=True):
        struct.pack_into("<I" if type_ == 4 else "<H", data, place, 65_000)
    assert reason_of(bytes(data)) == "too-large"


def test_the_name_does_not_decide() -> None:
    pixels = frame()
    np.testing.assert_array_equal(read_micrograph("a.png", tiff(pixels)).pixels, pixels)
    np.testing.assert_array_equal(read_micrograph("no suffix", tiff(pixels)).pixels, pixels)
