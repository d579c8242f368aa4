"""Synthetic micrographs: exact geometry, true labels, the same bytes from the same seed, readable files."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pytest
import tifffile

from nanomorph.errors import ConfigurationError
from nanomorph_training.commands import synthesize
from nanomorph_training.kinds import DRAWN
from nanomorph_training.synthesis import CLASSES, LABELS, synthesize_field, truth
from nanomorph_training.synthesis.annotations import draw_annotations
from nanomorph_training.synthesis.chains import Chain, arc_lengths, worm_like_axis
from nanomorph_training.synthesis.dirt import draw_dirt
from nanomorph_training.synthesis.inscriptions import LEAST_CONTRAST, draw_inscriptions, inscribed
from nanomorph_training.synthesis.optics import draw_optics, grain
from nanomorph_training.synthesis.raster import Raster


def straight(start: tuple[float, float], end: tuple[float, float], width: float, points: int = 21) -> Chain:
    axis = np.linspace(start, end, points).astype(np.float32)
    return Chain(axis, np.full(points, width / 2, np.float32), persistence_px=np.inf)


def mask_of(chain: Chain, shape: tuple[int, int]) -> np.ndarray:
    footprint = Raster(shape).footprint(chain)
    mask = np.zeros(shape, bool)
    mask.ravel()[footprint.pixels[footprint.inside]] = True
    return mask


def test_a_level_wire_covers_exactly_its_rows() -> None:
    # y = 50 and half width 3.5: rows 47 to 53, seven of them, from edge to edge.
    mask = mask_of(straight((-20, 50), (120, 50), 7), (100, 100))
    assert mask.any(axis=1).nonzero()[0].tolist() == [47, 48, 49, 50, 51, 52, 53]
    assert mask.sum() == 700


@pytest.mark.parametrize("width", [3.0, 6.4, 15.0])
@pytest.mark.parametrize("degrees", [10, 37, 80])
def test_area_of_a_straight_wire_is_width_times_length_plus_caps(width: float, degrees: float) -> None:
    direction = np.array([np.cos(np.radians(degrees)), np.sin(np.radians(degrees))])
    start, end = np.array([150.3, 150.8]) - 100 * direction, np.array([150.3, 150.8]) + 100 * direction
    mask = mask_of(straight(tuple(start), tuple(end), width), (300, 300))
    assert mask.sum() == pytest.approx(200 * width + np.pi * width**2 / 4, rel=0.01)


def test_the_mask_is_the_pixels_within_half_width_of_the_axis() -> None:
    rng = np.random.default_rng(3)
    axis = worm_like_axis(rng, (60, 60), 0.4, 150, persistence=60, step=3)
    half = np.linspace(2, 5, len(axis)).astype(np.float32)
    mask = mask_of(Chain(axis, half, 60), (120, 120))
    y, x = np.mgrid[:120, :120]
    # Independent: distance to densely sampled points of the axis, each with its own half width.
    fine = np.linspace(0, len(axis) - 1, 2000)
    points = np.stack([np.interp(fine, np.arange(len(axis)), axis[:, i]) for i in range(2)], axis=1)
    widths = np.interp(fine, np.arange(len(axis)), half)
    distance = np.full(mask.shape, np.inf)
    for (px, py), width in zip(points, widths, strict=True):
        distance = np.minimum(distance, np.hypot(x - px, y - py) - width)
    # The nearest point of the axis decides, which for a widening wire may be a hair less than the union.
    assert not mask[distance > 0.05].any()
    assert mask[distance < -0.15].all()


def test_a_footprint_knows_place_along_and_across() -> None:
    footprint = Raster((40, 100)).footprint(straight((10, 20), (90, 20), 6))
    at = {int(pixel): n for n, pixel in enumerate(footprint.pixels)}
    assert len(at) == len(footprint.pixels)
    here = at[22 * 100 + 45]
    assert footprint.arc[here] == pytest.approx(35, abs=1e-3)
    assert abs(footprint.lateral[here]) == pytest.approx(2, abs=1e-3)
    assert footprint.depth[here] == pytest.approx(1, abs=1e-3)
    assert np.sign(footprint.lateral[here]) == -np.sign(footprint.lateral[at[18 * 100 + 45]])


def test_worm_like_chains_lose_their_direction_over_the_persistence_length() -> None:
    rng = np.random.default_rng(0)
    persistence, step, lag = 50.0, 2.0, 25
    cosines = []
    for _ in range(300):
        axis = worm_like_axis(rng, (0, 0), 0.0, 400, persistence, step).astype(float)
        tangent = np.diff(axis, axis=0) / step
        cosines.append((tangent[:-lag] * tangent[lag:]).sum(axis=1).mean())
    # <cos> = exp(-s / 2P) at s = 50 px: exp(-0.5)
    assert np.mean(cosines) == pytest.approx(np.exp(-0.5), abs=0.03)


def test_arc_length_of_a_right_angle() -> None:
    assert arc_lengths(np.array([[0, 0], [3, 0], [3, 4]])).tolist() == [0, 3, 7]


def test_percolation_needs_one_piece_from_edge_to_edge_both_ways() -> None:
    cross = np.zeros((50, 60), bool)
    cross[20:23], cross[:, 30:33] = True, True
    assert truth.percolates(cross)
    stripes = cross.copy()
    stripes[:, 30:33] = False
    assert not truth.percolates(stripes)
    joined, parted = cross.copy(), cross.copy()
    joined[23:25] = False  # a gap of 2 px counts as joined, one of 4 px does not
    parted[23:27] = False
    assert truth.percolates(joined)
    assert not truth.percolates(parted)


@pytest.mark.parametrize("label", LABELS)
def test_the_same_seed_gives_the_same_field(label: str) -> None:
    first, second, other = (synthesize_field(label, seed, 160) for seed in (7, 7, 8))
    assert np.array_equal(first.image, second.image)
    assert np.array_equal(first.instances, second.instances)
    assert first.wires.drop(columns="axis").equals(second.wires.drop(columns="axis"))
    assert not np.array_equal(first.image, other.image)


@pytest.mark.parametrize("label", LABELS)
def test_a_field_is_consistent(label: str) -> None:
    field = synthesize_field(label, 5, (200, 260))
    assert field.image.shape == field.mask.shape == field.instances.shape == (200, 260)
    assert field.image.dtype == np.uint8
    assert np.array_equal(field.mask, field.instances > 0)
    assert set(np.unique(field.instances)) - {0} == set(field.wires["wire"])
    assert 0.3 <= field.nm_per_px <= 4
    assert np.allclose(field.wires["width_nm"], field.wires["width_px"] * field.nm_per_px)
    assert np.ptp(field.image) > 20


@pytest.mark.parametrize("seed", range(4))
def test_labels_are_true(seed: int) -> None:
    fields = {label: synthesize_field(label, seed, 256, annotations=0.0) for label in CLASSES}
    counts = {label: cv2.connectedComponents(f.mask.astype(np.uint8))[0] - 1 for label, f in fields.items()}
    assert counts["singular"] <= 2
    assert counts["dispersed"] >= 5
    assert not truth.percolates(fields["dispersed"].mask)
    assert truth.percolates(fields["network"].mask)
    assert 0.15 <= fields["bundle"].mask.mean() <= 0.7


def test_the_table_holds_the_true_width_and_length() -> None:
    field = synthesize_field("singular", 11, 400, annotations=0.0)
    wire = field.wires.iloc[0]
    area = wire["width_px"] * wire["length_px"]
    # Caps and the rim of a wire that leaves the field are what the product leaves out.
    assert wire["visible_px"] == pytest.approx(area, rel=0.1)


def test_wishes_are_granted() -> None:
    field = synthesize_field("dispersed", 2, 256, nm_per_px=1.25, width_nm=6.0, polarity=1, contrast=9, bits=16)
    assert field.nm_per_px == 1.25
    assert field.wires["width_nm"].median() == pytest.approx(6.0, rel=0.2)
    assert field.image.dtype == np.uint16
    assert field.image.max() > 255
    assert field.image[field.mask].mean() > field.image[~field.mask].mean()


def test_burnt_in_annotations_are_not_foreground() -> None:
    shape = (200, 200)
    overlays = [draw_annotations(np.random.default_rng(seed), shape, 1.0, 1.0) for seed in range(12)]
    assert all(overlay.covered.any() for overlay in overlays)
    plain = [overlay.covered[: overlay.visible_rows].mean() for overlay in overlays]
    assert max(plain) < 0.4
    black = overlays[0].apply(np.full(shape, 0.5, np.float32))
    assert np.all(black[~(overlays[0].alpha > 0)] == 0.5)


def test_annotated_fields_have_no_foreground_under_their_bars() -> None:
    annotated = 0
    for seed in range(4):
        field = synthesize_field("bundle", seed, 200, annotations=1.0, polarity=-1)
        white = cv2.erode((field.image == 255).astype(np.uint8), np.ones((5, 5), np.uint8)) > 0
        annotated += bool(white.any())
        assert not field.mask[white].any()
    assert annotated


def test_inscriptions_can_be_read_and_change_nothing_else() -> None:
    film = np.full((128, 128), 110, np.uint8)
    for seed in range(30):
        written = inscribed(film, np.random.default_rng(seed))
        overlay = draw_inscriptions(np.random.default_rng(seed), film.shape, 110.0)
        assert (written[overlay.alpha == 0] == 110).all()
        ink = overlay.value[overlay.alpha == 1] * 255
        assert not len(ink) or np.abs(ink - 110).max() >= LEAST_CONTRAST
        np.testing.assert_array_equal(written, inscribed(film, np.random.default_rng(seed)))
    shades = {int(draw_inscriptions(np.random.default_rng(n), (128, 128), 110.0).value.max() * 255) for n in range(60)}
    assert len(shades) > 20  # not black and white alone


def test_crumbs_are_much_smaller_than_the_particles() -> None:
    shape = (200, 200)
    with_crumbs = 0
    for seed in range(30):
        clean, dirty = (draw_dirt(np.random.default_rng(seed), shape, px) for px in (None, 80.0))
        crumbs = (clean != dirty).astype(np.uint8)
        with_crumbs += bool(crumbs.any())
        # A tenth of 80 px as the radius, bulging by 1.4 at most; neighbours may merge.
        assert cv2.distanceTransform(crumbs, cv2.DIST_L2, 5).max(initial=0) < 2 * 0.1 * 80 * 1.4
        np.testing.assert_array_equal(clean, draw_dirt(np.random.default_rng(seed), shape, 20.0))
    assert 3 <= with_crumbs <= 17


def test_about_half_of_the_images_are_annotated() -> None:
    covered = [
        draw_annotations(np.random.default_rng(seed), (128, 128), 1.0, 0.55).covered.any() for seed in range(200)
    ]
    assert 0.5 < np.mean(covered) < 0.75


def test_grain_ends_at_its_cutoff() -> None:
    rng = np.random.default_rng(1)
    optics = replace(draw_optics(rng, 5.0), cutoff=0.2, ring=0.0)
    noise = grain(rng, (256, 256), optics)
    assert noise.std() == pytest.approx(1, abs=1e-3)
    power = np.abs(np.fft.fft2(noise)) ** 2
    k = np.hypot(np.fft.fftfreq(256)[:, None], np.fft.fftfreq(256)[None])
    assert power[k > 0.3].mean() < 0.1 * power[k < 0.15].mean()


def test_a_field_that_cannot_be_is_refused() -> None:
    with pytest.raises(ValueError, match="unknown class 'blob'"):
        synthesize_field("blob", 0)
    with pytest.raises(ValueError, match="at least 96 px"):
        synthesize_field("network", 0, 64)
    with pytest.raises(TypeError, match="colour"):
        synthesize_field("network", 0, colour="red")
    with pytest.raises(ValueError, match="8 or 16"):
        synthesize_field("network", 0, bits=12)


@pytest.mark.parametrize("label", ["empty", "foreign"])
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_what_shows_no_material_shows_something(label: str, seed: int) -> None:
    """A film, or a plot, a diffraction pattern, a page of text."""
    field = synthesize_field(label, seed, 160)
    assert not field.mask.any()
    assert not len(field.wires)
    assert field.image.std() > 2
    assert np.array_equal(field.image, synthesize_field(label, seed, 160).image)
    assert not np.array_equal(field.image, synthesize_field(label, seed + 10, 160).image)


def test_the_command_writes_everything(tmp_path: Path) -> None:
    options = synthesize.Options(out=tmp_path / "a", count=1, size=128, seed=4, classes=DRAWN, bits=16)
    said: list[str] = []
    assert synthesize.run(options, said.append) == 0
    assert said == [f"9 images of 9 classes are in {tmp_path / 'a'}"]
    repeat = (tmp_path / "a" / "repeat.txt").read_text().splitlines()[1]
    assert repeat.startswith(f"nanomorph synthesize --out {tmp_path / 'a'} --count 1 --size 128 --seed 4 --classes ")
    labels = pd.read_csv(tmp_path / "a" / "labels.csv")
    assert labels["label"].tolist() == list(DRAWN)
    assert labels["group"].str.startswith("synthetic-").all()
    assert labels["group"].is_unique
    wires = pd.read_csv(tmp_path / "a" / "wires.csv")
    assert set(wires["micrograph"]) == set(labels["file"][labels["label"].isin(LABELS)])
    for row in labels.itertuples():
        check_files(tmp_path / "a", row, wires[wires["micrograph"] == row.file])


def check_files(folder: Path, row: tuple, wires: pd.DataFrame) -> None:
    with tifffile.TiffFile(folder / row.file) as tiff:
        page = tiff.pages[0]
        numerator, denominator = page.tags["XResolution"].value
        assert page.dtype == np.uint16
        assert page.shape == (128, 128)
        assert tiff.imagej_metadata["unit"] == "nm"
    assert denominator / numerator == pytest.approx(row.nm_per_px, rel=1e-4)
    mask = cv2.imread(str(folder / row.mask), cv2.IMREAD_UNCHANGED)
    instances = tifffile.imread(folder / row.instances)
    assert set(np.unique(mask)) <= {0, 255}
    assert np.array_equal(mask > 0, instances > 0)
    assert set(np.unique(instances)) - {0} == set(wires["wire"])
    if wires.empty:
        return
    axes = np.load(folder / wires["axis_file"].iloc[0])
    assert axes["axis"].shape == (len(axes["wire"]), 2)
    assert set(axes["wire"]) == set(wires["wire"][wires["kind"] != "texture"])  # which has no axis


def test_two_processes_write_the_same_bytes(tmp_path: Path) -> None:
    for name, workers in (("one", 1), ("two", 2)):
        options = synthesize.Options(
            tmp_path / name, count=1, size=128, classes=("singular", "bundle"), workers=workers
        )
        synthesize.run(options, lambda _: None)
    for path in sorted((tmp_path / "one").rglob("*.*")):
        if path.suffix != ".npz" and path.name != "repeat.txt":  # a zip keeps the time of day, a command its options
            assert path.read_bytes() == (tmp_path / "two" / path.relative_to(tmp_path / "one")).read_bytes(), path


def test_the_command_refuses_nonsense(tmp_path: Path) -> None:
    (tmp_path / "labels.csv").write_text("file\n")
    with pytest.raises(ConfigurationError, match="already holds"):
        synthesize.run(synthesize.Options(tmp_path))
    for wrong in ({"bits": 12}, {"size": 40}, {"count": 0}, {"classes": ("blob",)}):
        with pytest.raises(ConfigurationError, match=f"--{next(iter(wrong))}"):
            synthesize.run(synthesize.Options(tmp_path / "new", **wrong))
    assert not (tmp_path / "new").exists()


def test_a_wide_wire_is_a_close_up_of_one() -> None:
    """Unwished a lone wire has at most .12 of the frame's side, 61 px of 512. Taper and beads change what is drawn."""
    fields = [synthesize_field("singular", seed, 512, width_px=(100, 110)) for seed in range(3)]
    assert all(70 < width < 140 for field in fields for width in field.wires.width_px)
    assert all(0.05 < field.mask.mean() < 0.3 for field in fields)


def test_wires_of_a_width_that_was_asked_for() -> None:
    """Bars of grids have the width of their scale: 14 to 16 px, whatever their pixel size."""
    fields = [synthesize_field("grid", seed, 512, width_px=(14, 16)) for seed in range(3)]
    assert all(13.9 <= width <= 16.1 for field in fields for width in field.wires.width_px)
    assert len({field.nm_per_px for field in fields}) == 3
    with pytest.raises(ValueError, match="width_px is the least and the most of a width"):
        synthesize_field("grid", 0, 512, width_px=(3, 2))
