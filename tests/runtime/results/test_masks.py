"""Masks hold the domains' numbers and open calibrated."""

from dataclasses import replace

import numpy as np
import pytest
import tifffile

from nanomorph.results import write_mask


def test_imagej_label_image(tmp_path, make_analysis):
    analysis = make_analysis("d/a.tif", nm_per_px=(0.5, 0.25))
    path = write_mask(tmp_path, analysis)
    assert path == tmp_path / "masks" / "d" / "a.tif.tif"
    with tifffile.TiffFile(path) as file:
        page = file.pages[0]
        assert page.dtype == np.uint16
        assert file.imagej_metadata is not None
        assert file.imagej_metadata["unit"] == "nm"
        # px per unit, as ImageJ wants it
        x, y = (page.tags[name].value for name in ("XResolution", "YResolution"))
        assert x[0] / x[1] == pytest.approx(2)
        assert y[0] / y[1] == pytest.approx(4)
        assert page.compression == tifffile.COMPRESSION.ADOBE_DEFLATE
        np.testing.assert_array_equal(page.asarray(), analysis.mask)


@pytest.mark.parametrize("nm_per_px", [0.123456, 1e-4, 2500.0])
def test_pixel_size_to_a_millionth(tmp_path, make_analysis, nm_per_px):
    path = write_mask(tmp_path, make_analysis(nm_per_px=(nm_per_px, nm_per_px)))
    with tifffile.TiffFile(path) as file:
        above, below = file.pages[0].tags["XResolution"].value
    assert below / above == pytest.approx(nm_per_px, rel=1e-6)


def test_our_own_reader_finds_the_same_pixel_size(tmp_path, make_analysis):
    from nanomorph.readers import decode

    path = write_mask(tmp_path, make_analysis(nm_per_px=(0.7, 0.7)))
    assert decode(path.name, path.read_bytes()).nm_per_px == pytest.approx((0.7, 0.7))


def test_uncalibrated_mask_claims_nothing(tmp_path, make_analysis):
    from nanomorph.readers import decode

    path = write_mask(tmp_path, make_analysis(nm_per_px=None))
    assert decode(path.name, path.read_bytes()).nm_per_px is None
    with tifffile.TiffFile(path) as file:
        assert file.imagej_metadata is not None
        assert file.imagej_metadata["unit"] == "pixel"


def test_more_domains_than_16_bits_hold(tmp_path, make_analysis):
    mask = np.arange(260 * 260, dtype=np.int32).reshape(260, 260)
    analysis = replace(make_analysis(nm_per_px=(0.5, 0.25)), mask=mask)
    with tifffile.TiffFile(write_mask(tmp_path, analysis)) as file:
        assert file.is_ome
        assert 'PhysicalSizeX="0.5"' in file.ome_metadata
        assert 'PhysicalSizeY="0.25"' in file.ome_metadata
        assert 'PhysicalSizeXUnit="nm"' in file.ome_metadata
        np.testing.assert_array_equal(file.asarray(), mask)


def test_same_analysis_same_bytes_and_nothing_left_over(tmp_path, make_analysis):
    first = write_mask(tmp_path, make_analysis()).read_bytes()
    assert write_mask(tmp_path, make_analysis()).read_bytes() == first
    assert [file.name for file in (tmp_path / "masks").iterdir()] == ["a.tif.tif"]
