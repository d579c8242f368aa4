"""Overlays: size, colours, outlines and scale bar where they must be."""

import math
from dataclasses import replace

import cv2
import numpy as np
import pytest

from nanomorph.analysis import Judgement
from nanomorph.results import write_overlay
from nanomorph.results.colours import UNKNOWN, bgr, class_colours
from nanomorph.results.legend import HEIGHT
from nanomorph.results.masks import mask_of
from nanomorph.results.overlays import domain_colours, draw_overlay, field_scale, leading_judgement
from nanomorph.results.scale_bar import scale_bar


@pytest.mark.parametrize(
    ("field_px", "nm_per_px", "length_px", "caption"),
    [
        (1000, 1.0, 200, "200 nm"),
        (1000, 0.5, 200, "100 nm"),
        (1000, 25.0, 200, "5 µm"),
        (1000, 0.01, 200, "2 nm"),
        (100, 0.01, 20, "200 pm"),
        (1000, None, 200, "200 px, uncalibrated"),
    ],
)
def test_scale_bar(field_px, nm_per_px, length_px, caption):
    length, words = scale_bar(field_px, nm_per_px)
    assert length == pytest.approx(length_px)
    assert words == caption


@pytest.mark.parametrize(
    ("shape", "scale"),
    [((300, 300), 3), ((600, 800), 1), ((4096, 4096), 964 / 4096), ((100, 2048), 0.5), ((8, 8), 8)],
)
def test_field_scale(shape, scale):
    assert field_scale(*shape) == pytest.approx(scale)


@pytest.mark.parametrize("shape", [(4096, 300), (300, 4096), (2000, 2000), (1, 1), (1, 3000), (3000, 1), (400, 500)])
def test_picture_is_at_most_1024_on_a_side(make_analysis, tasks, shape):
    analysis = make_analysis(sides=())
    micrograph = replace(analysis.micrograph, pixels=np.zeros(shape, np.uint16))
    picture = draw_overlay(
        replace(analysis, micrograph=micrograph, mask=np.zeros(shape, np.int32)), class_colours(tasks)
    )
    assert picture.dtype == np.uint8
    assert max(picture.shape[:2]) <= 1024
    assert picture.shape[0] > HEIGHT


@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.int32, np.float16, np.float64, bool])
def test_every_kind_of_pixel(make_analysis, tasks, dtype):
    analysis = make_analysis()
    micrograph = replace(analysis.micrograph, pixels=analysis.micrograph.pixels.astype(dtype))
    assert draw_overlay(replace(analysis, micrograph=micrograph), class_colours(tasks)).std() > 1


def test_outline_lies_on_the_domain_in_its_colour(make_analysis, tasks):
    """100 x 150 px are shown 6 times enlarged; the second domain spans x 80..100, y 20..40."""
    analysis = make_analysis(shape_decision="unknown")
    picture = draw_overlay(analysis, class_colours(tasks)).astype(int)
    colour = np.array(bgr(class_colours(tasks)["network"]))
    distance = np.abs(picture[: 100 * 6] - colour).sum(axis=2)
    rows, columns = np.nonzero(distance < 30)
    second = columns > 70 * 6
    assert rows[second].min() == pytest.approx(20 * 6, abs=4)
    assert rows[second].max() == pytest.approx(40 * 6, abs=4)
    assert columns[second].min() == pytest.approx(80 * 6, abs=4)
    assert columns[second].max() == pytest.approx(100 * 6, abs=4)


def test_touching_domains_keep_a_line_between_them(make_analysis, tasks):
    analysis = make_analysis(shape_decision="unknown")
    mask = np.zeros_like(analysis.mask)
    mask[40:60, 40:60], mask[40:60, 60:80] = 1, 2
    picture = draw_overlay(replace(analysis, mask=mask), class_colours(tasks)).astype(int)
    colour = np.array(bgr(class_colours(tasks)["network"]))
    between = picture[50 * 6, 58 * 6 : 62 * 6]
    assert np.abs(between - colour).sum(axis=1).min() < 30


@pytest.mark.parametrize("last", [3, 300])
def test_the_mask_of_some_domains(last):
    labels = np.array([[0, 1, 2], [last, 2, 0]])
    assert mask_of(labels, [last, 2, 999]).tolist() == [[0, 0, 255], [255, 255, 0]]


def test_colours_of_domains(make_analysis, tasks):
    colours = class_colours(tasks)
    by_shape = make_analysis(decision="uncertain")
    leading = leading_judgement(by_shape.labels)
    assert leading.task == "nanoparticle-shape"
    assert domain_colours(by_shape, leading, colours) == {1: bgr(colours["sphere"]), 2: bgr(colours["cube"])}
    unknown = make_analysis(decision="unknown", shape_decision="unknown")
    assert set(domain_colours(unknown, leading_judgement(unknown.labels), colours).values()) == {bgr(UNKNOWN)}
    assert leading_judgement([]) is None


def test_the_class_of_none_of_them_takes_no_colour():
    assert class_colours({"wires": ("network", "other"), "shape": ("rod",)}) == class_colours({"": ("network", "rod")})


def test_a_sure_field_leads_over_half_of_its_pieces():
    network = Judgement("nanowire-morphology", "network", 0.99, "accepted", 0.7, {})
    rods = Judgement("nanoparticle-shape", "rod", 0.5, "accepted", 0.4, {})
    assert leading_judgement([network, rods]) == network
    assert (
        leading_judgement([replace(network, novelty=0.9, confidence=0.95), replace(rods, confidence=0.6)]).label
        == "rod"
    )
    assert leading_judgement([replace(network, decision="uncertain"), rods]) == rods
    assert leading_judgement([replace(network, novelty=math.nan), rods]) == rods


def test_file_is_a_png_beside_nothing_else(tmp_path, make_analysis, tasks):
    path = write_overlay(tmp_path, make_analysis("d/=x\n.tif"), tasks)
    assert path.parent == tmp_path / "overlays" / "d"
    assert [file.name for file in path.parent.iterdir()] == [path.name]
    assert cv2.imread(str(path)).shape == (100 * 6 + HEIGHT, 150 * 6, 3)


def test_the_scale_bar_is_as_long_as_it_says(make_analysis, tasks):
    picture = draw_overlay(make_analysis(nm_per_px=(0.5, 0.5)), class_colours(tasks))
    # 10 nm are 20 px, each drawn as 6; the bar is the whitest in its row of the legend.
    assert np.count_nonzero((picture[-HEIGHT + 40] == bgr("#f4f5f6")).all(axis=-1)) == 120


def test_long_names_and_odd_letters_fit_the_legend(make_analysis, tasks):
    for name in ("x" * 250 + ".tif", "ü🙂\t\n", "", "名前.tif"):
        assert draw_overlay(make_analysis(name), class_colours(tasks)).shape[1] == 900


def test_a_wire_shows_its_centre_line_and_a_square_does_not(make_analysis, tasks):
    """A wire of 9 rows, middle row 44, enlarged threefold: its line lies in rows 133 to 135, a length of 3 x 100 px."""
    mask = np.zeros((100, 150), np.int32)
    mask[40:49, 20:120] = 1
    mask[70:90, 20:40] = 2
    analysis = replace(make_analysis(sides=(100, 20)), mask=mask)
    analysis.domain_table["width_median_px"] = np.array([9.0, 20.0])
    analysis = replace(analysis, micrograph=replace(analysis.micrograph, pixels=np.full(mask.shape, 60, np.uint8)))
    picture = draw_overlay(analysis, class_colours(tasks))
    white = picture.min(axis=2) > 180
    scale = field_scale(*mask.shape)
    rows, columns = np.nonzero(white[: int(100 * scale)])
    assert abs(np.median(rows) / scale - 44.5) < 0.5
    assert np.ptp(rows) <= 2 * scale
    assert np.ptp(columns) / scale == pytest.approx(100, abs=10)


def test_uncalibrated_large_mask_has_no_physical_size(tmp_path, make_analysis):
    import tifffile

    from nanomorph.results import write_mask

    mask = np.arange(260 * 260, dtype=np.int32).reshape(260, 260)
    with tifffile.TiffFile(write_mask(tmp_path, replace(make_analysis(nm_per_px=None), mask=mask))) as file:
        assert "PhysicalSize" not in file.ome_metadata
