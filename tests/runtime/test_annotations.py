"""Burnt-in letters, bars, boxes and info bars are found; specimens of their gray are not."""

import csv

import cv2
import numpy as np
import pytest

from nanomorph.annotations import burnt_in
from nanomorph.micrograph import Calibration, Micrograph
from nanomorph.prepare import InputSpec, material, prepare
from nanomorph.readers import read_path


@pytest.fixture
def film():
    """Gray grain, 300 px."""
    return np.random.default_rng(0).normal(120, 20, (300, 300)).clip(0, 240).astype(np.uint8)


@pytest.fixture
def labelled(film):
    """The film with a white bar of 80 x 8 px and a white text, lower right."""
    film = film.copy()
    film[280:288, 200:280] = 255
    cv2.putText(film, "100 nm", (190, 270), cv2.FONT_HERSHEY_SIMPLEX, 0.9, 255, 3)
    return film


def test_bar_and_letters_are_found_and_little_else(labelled, film):
    found = burnt_in(labelled)
    drawn = labelled != film
    assert found[drawn].mean() > 0.98
    assert not found[:200].any()
    assert not found[:, :150].any()


def test_dark_letters_and_their_bar_are_found_as_bright_ones_are(labelled, film):
    """Film and labels in negative: gray 0 on 15 to 255, of mean 135."""
    found = burnt_in(255 - labelled)
    assert np.array_equal(found, burnt_in(labelled))
    assert found[labelled != film].mean() > 0.98


def test_text_beside_a_bar_is_found_on_a_dark_film_too():
    """Black letters on a film of gray 65 +- 8: too dark to tell letters by themselves, but not those beside a bar."""
    film = np.random.default_rng(0).normal(65, 8, (300, 300)).clip(45, 90).astype(np.uint8)
    lettered = film.copy()
    cv2.putText(lettered, "100 nm", (180, 260), cv2.FONT_HERSHEY_SIMPLEX, 0.9, 0, 2)
    barred = lettered.copy()
    barred[275:283, 190:270] = 0
    assert burnt_in(lettered)[lettered != film].mean() < 0.5
    assert burnt_in(barred)[barred != film].mean() > 0.98
    assert not burnt_in(barred)[:225].any()


def test_black_text_above_a_white_box_is_found_to_its_end() -> None:
    """A box of the other ink vouches for it as a bar does, and for letters four of their heights beside it."""
    film = np.random.default_rng(0).normal(50, 4, (320, 320)).clip(40, 62).astype(np.uint8)
    lettered = film.copy()
    cv2.putText(lettered, "100nm", (6, 285), cv2.FONT_HERSHEY_SIMPLEX, 1.1, 0, 2)
    boxed = lettered.copy()
    boxed[298:318, 2:46] = 255
    boxed[306:309, 8:40] = 0
    ink = lettered != film
    assert burnt_in(boxed)[ink].mean() > 0.95
    assert burnt_in(lettered)[ink].mean() < 0.5


def test_a_letter_alone_is_one_in_a_corner_only(film):
    for at, expected in (((10, 40), True), ((140, 40), False)):
        panel = film.copy()
        cv2.putText(panel, "a", at, cv2.FONT_HERSHEY_SIMPLEX, 1.0, 0, 3)
        assert (burnt_in(panel) is not None) is expected


def test_text_in_a_white_box_goes_with_the_box(film):
    boxed = film.copy()
    boxed[250:290, 180:290] = 255
    cv2.putText(boxed, "50 nm", (185, 280), cv2.FONT_HERSHEY_SIMPLEX, 0.9, 0, 2)
    found = burnt_in(boxed)
    assert found[250:290, 180:290].all()
    assert found.sum() < 1.3 * 40 * 110


@pytest.mark.parametrize("gray", [0, 128, 255])
def test_an_info_bar_is_taken_from_edge_to_edge(film, gray):
    """Of any gray, 30 rows high; with 2 px of margin all the same."""
    barred = film.copy()
    barred[270:] = gray
    cv2.putText(barred, "15.0 kV  x 40.0 k", (20, 292), cv2.FONT_HERSHEY_SIMPLEX, 0.6, 255 if gray == 0 else 0, 1)
    found = burnt_in(barred)
    assert found[268:].all()
    assert not found[:267].any()


@pytest.mark.parametrize("gray", [0, 255])
def test_an_info_bar_may_begin_with_a_frame_and_have_rules(film, gray):
    """A frame of 2 px along the edge, a rule of 1 px between two rows of a table, as SEMs draw them."""
    barred = film.copy()
    barred[260:] = gray
    barred[298:] = barred[278] = 128
    for foot in (274, 294):
        cv2.putText(barred, "HV  WD  mag  det", (20, foot), cv2.FONT_HERSHEY_SIMPLEX, 0.5, 255 - gray, 1)
    found = burnt_in(barred)
    assert found[258:].all()
    assert not found[:257].any()


def test_boxes_beside_one_another_are_no_info_bar(film):
    """Each is taken by itself, and the film between them stays."""
    boxed = film.copy()
    for left, right in ((0, 90), (170, 300)):
        boxed[:30, left:right] = 255
        cv2.putText(boxed, "PTFE", (left + 10, 22), cv2.FONT_HERSHEY_SIMPLEX, 0.6, 0, 2)
    found = burnt_in(boxed)
    assert not found[:30, 100:160].any()


def test_a_black_background_is_no_info_bar(film):
    """Vacuum below a specimen: its border is not level."""
    vacuum = film.copy()
    rows, columns = np.mgrid[:300, :300]
    vacuum[rows > 260 - columns / 10] = 0
    assert burnt_in(vacuum) is None


def test_black_particles_stay(film):
    """Discs, squares and rods of pure black that end at once, in rows like letters, and in the corners."""
    dark = film // 2 + 110
    for number, x in enumerate(range(14, 290, 23)):
        cv2.circle(dark, (x, 20), 3 + number % 6, 0, -1)
        cv2.rectangle(dark, (x - 6, 270), (x + 6, 282), 0, -1)
        cv2.line(dark, (x - 7, 60 + number % 5), (x + 7, 45), 0, 4)
    assert burnt_in(dark) is None


def test_what_the_reader_of_scale_bars_found_is_taken_of_any_gray(film):
    found = burnt_in(film, [(200.0, 250.0, 280.0, 260.0)])
    assert found[248:262, 198:282].all()
    assert found.sum() == 14 * 84


@pytest.mark.parametrize("gray", [60, 190])
def test_of_a_line_that_was_read_the_ink_is_taken(film, gray):
    """Letters on grain of 120 +- 20, in the middle of the frame, too pale for the rules."""
    smooth = cv2.GaussianBlur(film, (0, 0), 2)
    panel = cv2.putText(smooth.copy(), "100 nm", (90, 160), cv2.FONT_HERSHEY_SIMPLEX, 0.9, gray, 2, cv2.LINE_AA)
    assert burnt_in(panel) is None
    found = burnt_in(panel, lines=[(86.0, 134.0, 206.0, 166.0)])
    assert found[np.abs(panel.astype(int) - smooth) > 30].mean() > 0.98
    assert found.sum() < 124 * 36


def test_a_particle_behind_a_line_that_was_read_stays(film):
    """A dark disc of 60 px that reaches 20 px into the box, from below, beside white letters on its other half."""
    smooth = cv2.GaussianBlur(film, (0, 0), 2)
    cv2.circle(smooth, (190, 180), 30, 20, -1)
    cv2.putText(smooth, "100", (90, 160), cv2.FONT_HERSHEY_SIMPLEX, 0.9, 250, 2, cv2.LINE_AA)
    found = burnt_in(smooth, lines=[(86.0, 134.0, 222.0, 170.0)])
    assert found[smooth > 230].all()
    assert not found[smooth == 20].any()


def test_an_empty_line_has_no_ink():
    flat = np.full((100, 100), 120.0, np.float32)
    assert not burnt_in(flat, lines=[(10.0, 10.0, 60.0, 30.0)]).any()
    assert not burnt_in(np.full_like(flat, np.nan), lines=[(10.0, 10.0, 60.0, 30.0)]).any()


@pytest.mark.parametrize("blur", [0, 2])
@pytest.mark.parametrize("gray", [40, 128, 215])
def test_a_clipped_frame_has_next_to_no_letters(gray, blur):
    """Noise of 100 gray levels, a third of it clipped to pure black or white in specks or blobs of any shape.

    Two of a thousand blobs may stand like letters.
    """
    noise = np.random.default_rng(1).normal(0, 1, (600, 600)).astype(np.float32)
    if blur:
        noise = cv2.GaussianBlur(noise, (0, 0), blur)
    frame = (gray + 100 * noise / noise.std()).clip(0, 255).astype(np.uint8)
    assert (frame == 0).mean() + (frame == 255).mean() > 0.2
    found = burnt_in(frame)
    assert found is None or found.mean() < 0.005


def test_film_has_none(film):
    assert burnt_in(film) is None
    assert burnt_in(film.astype(np.uint16) * 257) is None
    assert burnt_in(np.full((64, 64), 255, np.uint8)) is None


def test_saturated_particles_stay(film):
    """Bright spots that fade out: 4 gray levels a px where they leave saturation."""
    y, x = np.mgrid[:300, :300]
    bright = np.full(film.shape, 36.0)
    for at_x, at_y in ((60, 60), (60, 240), (240, 60)):
        bright = bright + 230 * np.exp(-((x - at_x) ** 2 + (y - at_y) ** 2) / (2 * 20**2))
    saturated = bright.clip(0, 255).astype(np.uint8)
    assert (saturated == 255).sum() > 100
    assert burnt_in(saturated) is None


def test_saturated_rims_stay(film):
    """Discs in an SEM: a white rim 4 px wide, sharp to the dark outside, fading by 3 gray levels a px to the inside."""
    y, x = np.mgrid[:300, :300]
    rims = film // 3
    for at_x, at_y in ((60, 60), (60, 240), (240, 60)):
        depth = 40 - np.hypot(x - at_x, y - at_y)
        rims = np.where(depth > 0, np.clip(255 - 3 * (depth - 4), 60, 255), rims).astype(np.uint8)
    assert (rims == 255).sum() > 1000
    assert burnt_in(rims) is None


def test_letters_take_no_contrast_and_are_no_material(labelled, film):
    plain, marked = (
        prepare(Micrograph(pixels, None, Calibration.NONE, "test"), InputSpec()) for pixels in (film, labelled)
    )
    assert plain.annotation is None
    outside = ~marked.annotation
    difference = plain.pixels[:300, :300].astype(int) - marked.pixels[:300, :300]
    assert np.abs(difference[outside]).max() <= 3
    everywhere = material(np.ones(marked.pixels.shape, np.float32), marked)
    assert not everywhere[marked.annotation].any()
    assert everywhere[outside].all()


def test_the_bars_of_the_real_exemplars(shared_data):
    with open(shared_data / "nanowires" / "exemplars.csv", encoding="utf-8", newline="") as file:
        paths = [shared_data / "nanowires" / row["file"] for row in csv.DictReader(file)]
    for path in paths:
        found = burnt_in(read_path(path).pixels)
        # exemplars.csv: lower right, about the last 60 rows.
        assert found[-12:, 190:].mean() > 0.7, path.name
        assert found[:200].mean() < 0.01, path.name
