"""nanomorph from Python: a path or an array in, labels, mask and domains out."""

import numpy as np
import pandas as pd
import pytest
import tifffile
from PIL import Image

import nanomorph
from nanomorph.bundle import load_bundle
from nanomorph.calibrate import with_pixel_size
from nanomorph.micrograph import Calibration, Micrograph, ReadError
from nanomorph.model import Model, analyze
from nanomorph.prepare import prepare


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


def noise(dtype=np.uint8, shape=(64, 80)):
    return np.random.default_rng(0).integers(1, 200, shape).astype(dtype)


@pytest.mark.parametrize(
    "pixels",
    [
        np.full((64, 64), 7, np.uint8),
        np.full((64, 64), np.nan, np.float32),
        np.where(np.arange(80) < 50, np.nan, noise(np.float32)),
        noise(np.float32) * np.float32(1e20),
        noise()[:20],
        noise(np.complex64),
    ],
    ids=["constant", "NaN", "mostly NaN", "huge", "tiny", "complex"],
)
def test_an_array_is_refused_for_the_reasons_of_a_file(bundle, tmp_path, pixels):
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, pixels)
    with pytest.raises(nanomorph.ReadError) as of_file:
        nanomorph.analyze(path, bundle)
    with pytest.raises(nanomorph.ReadError) as of_array:
        nanomorph.analyze(pixels, bundle)
    assert of_array.value.reason == of_file.value.reason


@pytest.mark.parametrize(
    ("pixels", "said"),
    [
        (noise(object), "not-an-image: array holds object values, not grays"),
        (noise(shape=(5, 64, 80)), r"volume: array is a stack .* give one frame of \(5, 64, 80\), such as image\[0\]"),
        (noise(shape=(64,)), r"not-an-image: array has the shape \(64,\)"),
        (np.zeros((0, 0)), "too-small"),
        (np.ma.masked_greater(noise(), 100), r"masked pixels: .*image\.filled\(0\)"),
    ],
    ids=["object", "stack", "1-D", "empty", "masked"],
)
def test_arrays_that_are_no_micrograph(bundle, pixels, said):
    with pytest.raises(nanomorph.ReadError, match=said):
        nanomorph.analyze(pixels, bundle)


def test_arrays_are_turned_gray_as_files_are(bundle, square, tmp_path):
    colour = np.stack([square, square // 2, square // 3], axis=-1)
    path = tmp_path / "colour.tif"
    tifffile.imwrite(path, colour, photometric="rgb")
    expected = nanomorph.analyze(path, bundle).micrograph.pixels
    for pixels in (colour, np.dstack([colour, np.full_like(square, 255)])):
        assert (nanomorph.analyze(pixels, bundle).micrograph.pixels == expected).all()
    for pixels in (square[..., None], np.ma.array(square), square.astype(np.longdouble), square.astype(">u2")):
        gray = nanomorph.analyze(pixels, bundle).micrograph.pixels
        assert (gray == square).all()
        assert gray.dtype.isnative
        assert gray.dtype.itemsize <= 8


def test_what_is_neither_a_path_nor_an_array(bundle, square):
    for image in (square.tolist(), pd.DataFrame(square), Image.fromarray(square), b"a.tif", None):
        with pytest.raises(TypeError, match=rf"not {type(image).__name__}: give numpy.asarray"):
            nanomorph.analyze(image, bundle)


def test_a_bundle_may_be_given_by_its_path(tiny_bundle, square, tmp_path):
    for path in (tiny_bundle, str(tiny_bundle)):
        assert nanomorph.analyze(square, path).n_domains == 1
    with pytest.raises(nanomorph.BundleError, match="is no bundle"):
        nanomorph.analyze(square, tmp_path)
    with pytest.raises(TypeError, match="bundle is a path, a Bundle or a Model, not int"):
        nanomorph.analyze(square, 5)


def test_a_domain_under_a_scale_bar_is_none_to_size(bundle, square):
    """A bar over the lower end of one of 40 px, and one of 20 px that is whole."""
    pixels = square.copy()
    pixels[90:110, 20:40] = 10
    model = Model(bundle, device="cpu")
    found = {}
    for drawn in ((), ((50.0, 60.0, 90.0, 80.0),)):
        micrograph = Micrograph(pixels, (1.0, 1.0), Calibration.USER, "a.png", drawn=drawn)
        (seen,) = model.look([(micrograph, prepare(micrograph, bundle.input))])
        found[bool(drawn)] = model.conclude(micrograph, "", seen)
    assert found[False].domains["touches_edge"].tolist() == [False, False]
    covered = found[True].domains
    assert covered["touches_edge"].tolist() == [True, False]
    assert covered["area_px"][0] < 1600
    assert covered["edge_weight"].isna().tolist() == [True, False]
    assert found[True].field["domain_ecd_median_px"] == pytest.approx(np.sqrt(4 * 400 / np.pi))


def test_an_analysis_shows_itself_in_a_line(bundle, square):
    shown = repr(nanomorph.analyze(square, bundle))
    assert shown.startswith("<Analysis of array: ")
    assert shown.endswith("; n_domains=1, 128 x 128 px>")
    assert len(shown) < 200


def test_an_unknown_name():
    with pytest.raises(AttributeError, match="no attribute 'analyse'"):
        nanomorph.analyse  # noqa: B018


@pytest.mark.parametrize("nm_per_px", [-1.0, 0.0, float("nan"), float("inf"), (0.5, 0.0)])
def test_a_pixel_size_that_is_none_is_refused(tiny_bundle, nm_per_px):
    with pytest.raises(ValueError, match="a positive number of nanometres"):
        analyze(np.eye(64, dtype=np.uint8), load_bundle(tiny_bundle), nm_per_px=nm_per_px)


def test_a_pixel_size_may_be_of_numpys_types():
    micrograph = Micrograph(np.zeros((9, 9), np.uint8), None, Calibration.NONE, "a")
    for one in (np.float32(2), np.int64(2), 2, [2, 2], np.array([2.0, 2.0])):
        assert with_pixel_size(micrograph, one).nm_per_px == (2.0, 2.0)
