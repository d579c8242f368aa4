"""nanomorph from Python: a path or an array in, labels, mask and domains out."""

import numpy as np
import pytest
import tifffile

import nanomorph
from nanomorph.bundle import load_bundle
from nanomorph.calibrate import with_pixel_size
from nanomorph.micrograph import Calibration, Micrograph, ReadError
from nanomorph.model import Model, analyze


@pytest.fixture(scope="module")
def bundle(tiny_bundle):
    return nanomorph.load_bundle(tiny_bundle)


@pytest.fixture
def square():
    """A dark square of 40 px on a bright field."""
    pixels = np.full((128, 128), 200, np.uint8)
    pixels[30:70, 50:90] = 10
    return pixels


def test_an_array_has_no_pixel_size_unless_given(bundle, square):
    bare = nanomorph.analyze(square, bundle)
    assert bare.micrograph.calibration == "none"
    assert bare.domains["area_px"].tolist() == [1600]
    assert bare.domains["area_nm2"].isna().all()
    sized = nanomorph.analyze(square, bundle, nm_per_px=(0.5, 2.0))
    assert sized.micrograph.calibration == "user"
    assert sized.domains["area_nm2"].tolist() == [1600]


def test_mask_and_table_agree(bundle, square):
    result = nanomorph.analyze(square, bundle)
    assert result.mask.dtype == np.int32
    (number,) = result.domains["domain"]
    assert ((result.mask == number) == (square == 10)).all()


def test_a_file_brings_its_own_pixel_size(bundle, square, tmp_path):
    path = tmp_path / "square.tif"
    tifffile.imwrite(path, square, resolution=(1e7 / 0.25, 1e7 / 0.25), resolutionunit="CENTIMETER")
    result = nanomorph.analyze(path, bundle)
    assert result.domains["area_nm2"].tolist() == pytest.approx([100.0])
    assert nanomorph.analyze(str(path), bundle, nm_per_px=1).domains["area_nm2"].tolist() == [1600]


def test_a_model_is_opened_once_and_gives_the_same(bundle, square):
    model = Model(bundle, device="cpu")
    first, second = (nanomorph.analyze(square, model) for _ in range(2))
    assert first.domains.equals(second.domains)
    assert first.labels == second.labels
    assert first.labels == nanomorph.analyze(square, bundle).labels


def test_nothing_to_see(bundle):
    specks = np.full((64, 64), 255, np.uint8)
    specks[::8, ::8] = 0  # single pixels are no domains
    result = nanomorph.analyze(specks, bundle)
    assert result.domains.empty
    assert [judgement.label for judgement in result.labels] == ["sparse", ""]


def test_a_broken_file_says_why(bundle, tmp_path):
    path = tmp_path / "broken.tif"
    path.write_bytes(b"II*\0")
    with pytest.raises(ReadError, match="truncated"):
        nanomorph.analyze(path, bundle)


def test_an_unknown_name():
    with pytest.raises(AttributeError, match="no attribute 'analyse'"):
        nanomorph.analyse  # noqa: B018


@pytest.mark.parametrize("nm_per_px", [-1.0, 0.0, float("nan"), float("inf"), (0.5, 0.0)])
def test_a_pixel_size_that_is_none_is_refused(tiny_bundle, nm_per_px):
    with pytest.raises(ValueError, match="a positive number of nanometres"):
        analyze(np.zeros((64, 64), np.uint8), load_bundle(tiny_bundle), nm_per_px=nm_per_px)


def test_a_pixel_size_may_be_of_numpys_types():
    micrograph = Micrograph(np.zeros((9, 9), np.uint8), None, Calibration.NONE, "a")
    for one in (np.float32(2), np.int64(2), 2, [2, 2], np.array([2.0, 2.0])):
        assert with_pixel_size(micrograph, one).nm_per_px == (2.0, 2.0)
