"""Scale bars: lengths to a fraction of a px, numbers as people write them, and nothing read that is not there."""

import csv
import json
from dataclasses import replace

import cv2
import numpy as np
import pytest

from nanomorph.annotations import burnt_in
from nanomorph.calibrate import with_pixel_size, with_scale_bar
from nanomorph.cli.main import main
from nanomorph.micrograph import Calibration, Micrograph
from nanomorph.prepare import InputSpec, material, prepare
from nanomorph.readers import read_path
from nanomorph.scalebar import installed, read_burnt_in, read_scale_bar
from nanomorph.scalebar.bars import Bar, find_bars
from nanomorph.scalebar.lengths import length_nm, lengths
from nanomorph.scalebar.reading import agreed, near, pair
from nanomorph.scalebar.text import is_text
from nanomorph.scalebar.ticks import find_ticks
from nanomorph.scalebar.words import Word

needs_reader = pytest.mark.skipif(not installed(), reason="the extra scalebar is not installed")


@pytest.fixture
def film() -> np.ndarray:
    """Gray grain, 400 x 512 px."""
    return np.random.default_rng(0).normal(120, 12, (400, 512)).clip(40, 220).astype(np.uint8)


def labelled(film: np.ndarray, left: int, right: int, gray: int, text: str = "200 nm") -> np.ndarray:
    """The film with a bar from `left` to `right` (both drawn) in rows 360 to 367 and a text above it."""
    film = film.copy()
    film[360:368, left : right + 1] = gray
    cv2.putText(film, text, (left, 350), cv2.FONT_HERSHEY_SIMPLEX, 1.0, gray, 2, cv2.LINE_AA)
    return film


def bar(left: float, right: float, row: int = 100, dark: bool = True, contrast: float = 150) -> Bar:
    return Bar(left, right, row, row + 4, dark, contrast, 0.5)


@pytest.fixture
def drawn() -> np.ndarray:
    """Gray, with a black bar at columns 100 to 200 of rows 100 to 104."""
    frame = EMPTY.copy()
    frame[100:105, 100:200] = 0
    return frame


def word(text: str, left: float, right: float, top: float = 70, bottom: float = 95) -> Word:
    return Word(text, 1.0, left, top, right, bottom)


EMPTY = np.full((200, 400), 120, np.uint8)


@pytest.mark.parametrize("gray", [0, 255])
def test_a_bar_is_measured_to_a_tenth_of_a_px(film, gray):
    found = find_bars(labelled(film, 300, 399, gray, text=""))
    assert len(found) == 1
    assert found[0].left == pytest.approx(300, abs=0.15)
    assert found[0].length == pytest.approx(100, abs=0.15)
    assert (found[0].top, found[0].bottom, found[0].dark) == (360, 367, gray == 0)
    assert found[0].error < 0.5


def test_a_bar_between_two_pixels(film):
    """Ends that cover 30 % of a pixel on the left and 60 % on the right."""
    film[360:368, 200:300] = 0
    film[360:368, 199] = round(0.7 * 120)
    film[360:368, 300] = round(0.4 * 120)
    (found,) = find_bars(film)
    assert found.length == pytest.approx(100.9, abs=0.3)


def test_bars_with_end_ticks_in_boxes_and_tilted(film):
    film[340:390, 100:250] = 255
    film[362:365, 120:220] = film[355:372, 120:123] = film[355:372, 217:220] = 0
    (found,) = find_bars(film)
    assert found.length == pytest.approx(100, abs=0.2)
    tilted = np.full((400, 512), 120, np.uint8)
    cv2.line(tilted, (100, 300), (259, 304), 255, 7)
    assert any(one.length == pytest.approx(160, abs=7) for one in find_bars(tilted))


def test_half_of_an_outline_is_length_and_the_rest_is_doubt(film):
    """White, 120 px from 300 to 420, in a black line 2 px thick: 122 px, 2 px of doubt beside that of its edges.

    An edge is half-way between its gray and that of the film: .25 px off where a black line lies between.
    """
    film[358:370, 298:422] = 0
    film[360:368, 300:420] = 255
    (found,) = (bar for bar in find_bars(film) if not bar.dark)
    assert (found.left, found.right) == (pytest.approx(299, abs=0.3), pytest.approx(421, abs=0.3))
    assert found.outline == 2
    assert found.error == pytest.approx(np.hypot(2, 0.3 * np.sqrt(2)), abs=0.05)


def test_a_white_label_is_no_outline(film):
    """A black bar in a white box, 4 px from its sides and its foot, with room for a number above."""
    film[330:372, 296:424] = 255
    film[360:368, 300:420] = 0
    found = next(bar for bar in find_bars(film) if bar.dark)
    assert (found.length, found.outline) == (pytest.approx(120, abs=0.6), 0)


def test_an_outline_that_changes_the_length_by_more_than_2_percent_is_no_reading(drawn):
    at, text = bar(100, 200), word("200 nm", 100, 200)
    assert pair([replace(at, outline=1.9)], text, drawn).px == 100
    assert pair([replace(at, outline=2.1)], text, drawn) is None


def test_what_is_no_bar(film):
    assert not find_bars(film)
    cut = film.copy()
    cut[360:368, 400:] = 0
    assert not find_bars(cut)
    fading = film.copy()
    fading[360:368, 200:400] = np.linspace(120, 255, 200).astype(np.uint8)
    assert not find_bars(fading)
    box = film.copy()
    box[200:360, 100:300] = 255
    assert not find_bars(box)


def test_eleven_ticks_span_ten_steps():
    frame = np.zeros((400, 512), np.uint8)
    for n in range(11):
        frame[380 - 3 * (n in (0, 5, 10)) : 388, 300 + 15 * n : 303 + 15 * n] = 255
    (found,) = find_ticks(frame)
    assert (found.left, found.length) == (pytest.approx(301.5), pytest.approx(150))
    frame[:, :310] = 0
    assert not find_ticks(frame)


@pytest.mark.parametrize(
    ("text", "nm"),
    [
        ("200 nm", 200),
        ("0.5 µm", 500),
        ("1um", 1000),
        ("2.00um", 2000),
        ("-100 nm-", 100),
        ("70 nm", 70),
        ("108 nm", None),
        ("0.5pm", None),
        ("20.7 µm", None),
        ("9.7 mm", None),
        ("100 nn", None),
        ("X 75,000", None),
        ("0 nm", None),
        ("100", None),
    ],
)
def test_lengths_in_words(text, nm):
    assert length_nm(text) == nm


def test_number_and_unit_read_apart_and_a_magnification_in_front():
    apart = [word("200", 10, 60), word("nm", 70, 100)]
    assert [one.text for one in lengths(apart)] == ["200 nm"]
    (found,) = lengths([word("X50,000 0.5µm", 0, 130)])
    assert (found.text, found.left) == ("0.5µm", pytest.approx(80))


def test_a_number_belongs_to_the_bar_beside_it(drawn):
    reading = pair([bar(100, 200)], word("200 nm", 110, 190), drawn)
    assert (reading.nm_per_px, reading.nm, reading.px) == (2.0, 200.0, 100.0)
    assert reading.error == pytest.approx(0.3 * 2**0.5 / 100)
    assert pair([bar(100, 200)], word("200 nm", 110, 190, top=10, bottom=35), drawn) is None
    beside = word("200 nm", 210, 290, top=90, bottom=115)
    assert pair([bar(100, 200)], beside, drawn).px == 100


def test_doubt_is_no_reading(drawn):
    at = word("200 nm", 110, 190)
    assert pair([bar(100, 200)], at, drawn) is not None
    drawn[110:115, 90:210] = 0
    assert pair([bar(100, 200), bar(90, 210, row=110)], at, drawn) is None
    assert pair([bar(100, 140), bar(180, 220)], at, drawn) is None
    assert pair([bar(100, 112)], word("200 nm", 100, 112), drawn) is None
    first, second = (pair([bar(100, 200)], word(text, 110, 190), drawn) for text in ("200 nm", "500 nm"))
    assert agreed([first, second]) is None
    assert agreed([first]) == first
    assert agreed([]) is None


def test_a_bar_interrupted_by_its_text():
    parts = [bar(20, 90, row=80), bar(190, 262, row=80)]
    reading = pair(parts, word("5 µm", 100, 180), EMPTY)
    assert reading.px == 242


def test_half_of_an_interrupted_bar_is_none():
    gray = EMPTY.copy()
    gray[80:85, 20:90] = gray[80:85, 190:262] = 0
    assert pair([bar(190, 262, row=80)], word("5 µm", 100, 180), gray) is None


def test_the_margin_of_a_label_is_no_bar():
    gray = EMPTY.copy()
    gray[65:105, 100:200] = 255
    gray[75:92, 110:190:8] = 0
    assert pair([bar(100, 200, row=93, dark=False)], word("200 nm", 110, 190), gray) is None
    gray[93:98, 120:180] = 0
    assert pair([bar(120, 180, row=93)], word("200 nm", 110, 190), gray).px == 60


@needs_reader
@pytest.mark.parametrize(("gray", "text", "nm"), [(0, "200 nm", 200), (255, "50 nm", 50)])
def test_a_drawn_bar_is_read(film, gray, text, nm):
    reading = read_scale_bar(labelled(film, 300, 449, gray, text))
    assert reading.nm == nm
    assert reading.px == pytest.approx(150, abs=0.3)


@needs_reader
def test_sixteen_bits_and_large_frames(film):
    small = labelled(film, 300, 449, 0)
    large = cv2.resize(small, None, fx=4, fy=4, interpolation=cv2.INTER_CUBIC)
    reading = read_scale_bar(large.astype(np.uint16) * 200)
    assert reading.px == pytest.approx(600, rel=0.01)


@needs_reader
def test_a_bar_without_number_and_a_number_without_bar(film):
    assert read_scale_bar(labelled(film, 300, 449, 0, text="")) is None
    without = labelled(film, 300, 449, 0)
    without[355:375] = film[355:375]
    assert read_scale_bar(without) is None


@needs_reader
def test_metadata_and_the_user_come_first(film):
    pixels = labelled(film, 300, 449, 0)
    unknown = Micrograph(pixels, None, Calibration.NONE, "a.png")
    read = with_scale_bar(unknown)
    assert read.calibration == "scale-bar"
    assert read.nm_per_px == pytest.approx((200 / 150, 200 / 150), rel=0.005)
    assert 0 < read.calibration_error < 0.01
    given = with_pixel_size(unknown, 3.0)
    assert with_scale_bar(given) is given
    # What was read is masked, dark as it is; the rest of the frame is not.
    masked = burnt_in(read.pixels, read.drawn, read.lines)
    assert masked[pixels == 0][-800:].all()
    assert masked.mean() < 0.06


@pytest.mark.parametrize(
    ("text", "sure", "box", "expected"),
    [
        ("200 nm", 0.8, (200, 200, 290, 225), True),
        ("200 nm", 0.79, (200, 200, 290, 225), False),
        ("888", 1.0, (0, 0, 512, 399), False),
        ("..", 1.0, (200, 200, 290, 225), False),
        ("a", 0.95, (10, 10, 40, 45), True),
        ("a", 0.95, (200, 200, 230, 235), False),
        ("a", 0.9, (10, 10, 40, 45), False),
        ("8", 1.0, (10, 10, 40, 45), False),
    ],
)
def test_what_is_text_beyond_doubt(text, sure, box, expected):
    """Of a frame of 400 x 512 px: lines, and single letters in a corner; particles are read as digits."""
    assert is_text(Word(text, sure, *map(float, box)), (400, 512)) is expected


def test_bars_that_contradict_each_other_are_drawn_all_the_same(drawn):
    long, short = bar(100, 200), bar(100, 180, row=110)
    text = word("200 nm", 100, 200)
    assert pair([long, short], text, drawn) is None
    assert near([long, short], text, drawn) == [long, short]
    assert near([long, replace(short, contrast=50)], text, drawn) == [long]


@needs_reader
def test_text_is_masked_where_no_scale_bar_is_read(film):
    """A name of middle gray, which no rule finds, and a bar without a number; beside them a film."""
    pixels = labelled(film, 300, 449, 0, text="")
    before = pixels.copy()
    cv2.putText(pixels, "sample 12", (150, 200), cv2.FONT_HERSHEY_SIMPLEX, 1.2, 190, 3, cv2.LINE_AA)
    unknown = Micrograph(pixels, None, Calibration.NONE, "a.png")
    plain = prepare(unknown, InputSpec()).annotation
    read = with_scale_bar(unknown)
    assert (read.calibration, read.nm_per_px) == ("none", None)
    prepared = prepare(read, InputSpec())
    letters = np.abs(pixels.astype(int) - before) > 60
    assert prepared.annotation[letters].mean() > 0.95
    assert plain is None or not plain[letters].any()
    assert not prepared.annotation[:150].any()
    seen = material(np.ones(prepared.pixels.shape, np.float32), prepared)
    assert not seen[prepared.annotation].any()


@needs_reader
def test_particles_in_rows_are_no_text(film):
    """Dark discs as large and as far apart as letters, above a bar that makes the reader look."""
    pixels = labelled(film, 300, 449, 0, text="")
    for x in range(60, 460, 40):
        cv2.circle(pixels, (x, 200), 14, 30, -1)
    assert read_burnt_in(pixels).lines == ()


@needs_reader
def test_boxes_of_a_reduced_frame_are_in_its_own_px(film):
    small = labelled(film, 300, 449, 0)
    large = cv2.resize(small, None, fx=4, fy=4, interpolation=cv2.INTER_CUBIC)
    found = read_burnt_in(large)
    assert any(abs(box[0] - 1200) < 8 and abs(box[2] - 1800) < 8 for box in found.bars)
    (line,) = found.lines
    assert line[1] < 4 * 340 < line[3]


@needs_reader
def test_the_bars_of_the_exemplars(shared_data):
    with open(shared_data / "nanowires" / "exemplars.csv", encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    for row in rows:
        reading = read_scale_bar(read_path(shared_data / "nanowires" / row["file"]).pixels)
        assert reading.nm_per_px == pytest.approx(float(row["nm_per_px"]), rel=0.01), row["label"]


@needs_reader
def test_batch_calibrates_by_the_bar_and_says_so(tmp_path, tiny_bundle, film, capsys):
    folder = tmp_path / "in"
    folder.mkdir()
    cv2.imwrite(str(folder / "a.png"), labelled(film, 300, 449, 0))
    fields = {}
    for choice in ("auto", "off"):
        out = tmp_path / choice
        arguments = [
            "batch",
            str(folder),
            "--out",
            str(out),
            "--bundle",
            str(tiny_bundle),
            "--scale-bar",
            choice,
            "--workers",
            "1",
        ]
        assert main(arguments) == 0
        with open(out / "fields.csv", encoding="utf-8", newline="") as file:
            (fields[choice],) = csv.DictReader(file)
    assert fields["auto"]["calibration"] == "scale-bar"
    for choice, words in (("auto", "read, text masked"), ("off", "not read")):
        report = (tmp_path / choice / "report.html").read_text(encoding="utf-8")
        assert f"<dt>Burnt-in scale bars</dt><dd>{words}</dd>" in report
    assert float(fields["auto"]["nm_per_px_x"]) == pytest.approx(200 / 150, rel=0.005)
    assert 0 < float(fields["auto"]["calibration_error_percent"]) < 1
    assert (fields["off"]["calibration"], fields["off"]["nm_per_px_x"]) == ("none", "")
    assert fields["off"]["calibration_error_percent"] == ""
    capsys.readouterr()
    assert main(["inspect", str(folder / "a.png"), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["calibration"] == "scale-bar"


def test_asked_for_and_not_installed(tmp_path, monkeypatch, capsys, tiny_bundle):
    monkeypatch.setattr("nanomorph.scalebar.installed", lambda: False)
    arguments = ["batch", str(tmp_path), "--out", str(tmp_path / "out"), "--bundle", str(tiny_bundle)]
    assert main([*arguments, "--scale-bar", "on"]) == 2
    assert "nanomorph[scalebar]" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
