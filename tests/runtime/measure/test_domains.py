"""Particles of known shape, the columns and their table, edges, bad input."""

import math
import re

import numpy as np
import pytest

from nanomorph.measure import DOMAIN_COLUMNS, FIELD_COLUMNS, FIELD_DESCRIPTORS, SHAPE_DESCRIPTORS, measure, measure_mask

PROMISED_DOMAINS = [
    "domain", "touches_edge", "area_px", "area_nm2", "ecd_nm",
    "feret_max_nm", "feret_min_nm", "width_median_px", "width_median_nm", "width_sd_nm",
    "length_px", "length_nm", "aspect_ratio", "circularity", "solidity",
    "tortuosity", "orientation_deg", "centroid_x_px", "centroid_y_px",
]  # fmt: skip
PROMISED_FIELDS = [
    "foreground_fraction", "n_domains", "percolates", "domain_width_median_nm", "domain_width_ci_low_nm",
    "domain_width_ci_high_nm",
]  # fmt: skip


def disc(radius: float, side: int = 0) -> np.ndarray:
    side = side or int(2 * radius) + 9
    y, x = np.mgrid[:side, :side] - (side / 2 + 0.2)
    return np.hypot(x, y) <= radius


def polygon(radius: float, corners: int, deg: float) -> np.ndarray:
    """A regular polygon of a given circumradius."""
    side = int(2 * radius) + 9
    y, x = np.mgrid[:side, :side] - (side / 2 + 0.2)
    normals = np.deg2rad(deg) + 2 * np.pi * np.arange(corners) / corners
    return np.max([x * np.cos(n) + y * np.sin(n) for n in normals], axis=0) <= radius * np.cos(np.pi / corners)


def ellipse(a: float, b: float, deg: float, stretch: float = 1.0) -> np.ndarray:
    side = int(2 * max(a, b)) + 9
    y, x = np.mgrid[:side, :side] - (side / 2 + 0.2)
    x, t = x * stretch, np.deg2rad(deg)
    along, across = x * np.cos(t) - y * np.sin(t), x * np.sin(t) + y * np.cos(t)
    return (along / a) ** 2 + (across / b) ** 2 <= 1


def test_columns_are_the_table_and_begin_as_promised() -> None:
    result = measure(disc(10).astype(np.int32), (0.5, 0.5))
    assert list(result.domains.columns) == [c.name for c in DOMAIN_COLUMNS]
    assert list(result.field) == [c.name for c in FIELD_COLUMNS]
    assert [c.name for c in DOMAIN_COLUMNS][: len(PROMISED_DOMAINS)] == PROMISED_DOMAINS
    assert [c.name for c in FIELD_COLUMNS][: len(PROMISED_FIELDS)] == PROMISED_FIELDS
    assert set(SHAPE_DESCRIPTORS) <= set(result.domains.columns)
    assert set(FIELD_DESCRIPTORS) <= set(result.field)


@pytest.mark.parametrize("columns", [DOMAIN_COLUMNS, FIELD_COLUMNS])
def test_every_column_is_defined_once_and_ends_in_its_unit(columns: tuple) -> None:
    names = [c.name for c in columns]
    assert len(set(names)) == len(names)
    assert all(c.formula for c in columns)
    for c in columns:
        if c.unit in ("px", "nm"):
            assert c.name.endswith(f"_{c.unit}")


@pytest.mark.parametrize("radius", [5, 12, 40, 120])
def test_disc(radius: int) -> None:
    row = measure_mask(disc(radius)).iloc[0]
    assert row.ecd_px == pytest.approx(2 * radius, abs=0.2)
    assert row.circularity >= 0.98
    assert row.solidity >= 0.97
    assert row.aspect_ratio == pytest.approx(1, abs=0.06)
    for name in ("feret_max_px", "feret_min_px", "width_median_px"):
        assert row[name] == pytest.approx(2 * radius, abs=0.8)
    assert row.length_px == pytest.approx(2 * radius, rel=0.05)
    assert row.perimeter_px == pytest.approx(math.pi * row.ecd_px, rel=0.01)
    assert row.tortuosity == pytest.approx(1, abs=0.02)


@pytest.mark.parametrize("deg", [0, 20])
def test_square(deg: float) -> None:
    row = measure_mask(polygon(60, 4, deg)).iloc[0]
    side = 60 * math.sqrt(2)
    assert row.area_px == pytest.approx(side**2, rel=0.01)
    assert row.circularity == pytest.approx(math.pi / 4, abs=0.03)
    assert row.rectangularity >= 0.97
    assert row.feret_min_px == pytest.approx(side, abs=0.8)
    assert row.feret_max_px == pytest.approx(120, rel=0.02)
    assert row.n_corners == 4
    assert row.triangularity == pytest.approx(0.5, abs=0.03)
    assert row.width_median_px == pytest.approx(side, rel=0.03)


def test_corners_and_harmonics_tell_polygons_apart() -> None:
    rows = {n: measure_mask(polygon(50, n, 10)).iloc[0] for n in (3, 4, 6)}
    assert {n: row.n_corners for n, row in rows.items()} == {3: 3, 4: 4, 6: 6}
    for n, row in rows.items():
        strongest = max((2, 3, 4, 5, 6), key=lambda k: row[f"radial_harmonic_{k}"])
        assert strongest == n
    assert rows[3].triangularity >= 0.9


def test_shape_descriptors_are_scale_free() -> None:
    small, large = (measure_mask(polygon(r, 6, 17)).iloc[0] for r in (50, 150))
    for name in SHAPE_DESCRIPTORS:
        assert large[name] == pytest.approx(small[name], abs=0.1), name


def test_shape_descriptors_bear_a_rough_boundary() -> None:
    """The outline of a disc of radius 30 with +-1 px of noise stays that of a disc."""
    side = 75
    y, x = np.mgrid[:side, :side] - 37.3
    noise = np.random.default_rng(3).uniform(-1, 1, x.shape)
    row = measure_mask(np.hypot(x, y) + noise <= 30).sort_values("area_px").iloc[-1]
    assert row.circularity >= 0.95
    assert row.solidity >= 0.95
    assert row.n_corners == 0
    assert row.ellipse_residual <= 0.02


def test_orientation_is_counterclockwise_from_x() -> None:
    for deg in (0, 30, 90, 135, 179):
        row = measure_mask(ellipse(40, 15, deg)).iloc[0]
        assert 0 <= row.orientation_deg < 180
        assert (row.orientation_deg - deg + 90) % 180 - 90 == pytest.approx(0, abs=0.5)
        assert row.aspect_ratio == pytest.approx(40 / 15, rel=0.03)


def test_oblong_pixels_do_not_change_a_shape() -> None:
    """An ellipse of 80 x 40 nm at 25 degrees, on pixels twice as wide as high."""
    row = measure_mask(ellipse(40, 20, 25, stretch=2.0), nm_per_px=(2.0, 1.0)).iloc[0]
    assert row.area_nm2 == pytest.approx(math.pi * 40 * 20, rel=0.01)
    assert row.ecd_nm == pytest.approx(2 * math.sqrt(40 * 20), rel=0.01)
    assert row.feret_max_nm == pytest.approx(80, rel=0.02)
    assert row.feret_min_nm == pytest.approx(40, rel=0.02)
    assert row.orientation_deg == pytest.approx(25, abs=0.5)
    assert row.eccentricity == pytest.approx(math.sqrt(0.75), abs=0.01)


def test_small_domains_on_oblong_pixels_lie_as_their_recorded_pixels_do() -> None:
    """A staircase of four pixels, 2.5 nm in x and 4 in y: covariance by hand, each pixel a rectangle (side^2 / 12)."""
    mask = np.zeros((40, 40), bool)
    mask[20, 20:22] = mask[21, 22:24] = True
    row = measure_mask(mask, nm_per_px=(2.5, 4.0)).iloc[0]
    # x -1.5 -.5 .5 1.5, y -.5 -.5 .5 .5 px: variances 5/4 and 1/4, covariance 1/2.
    xx, yy, xy = (5 / 4 + 1 / 12) * 2.5**2, (1 / 4 + 1 / 12) * 4.0**2, 1 / 2 * 2.5 * 4.0
    assert row.orientation_deg == pytest.approx(180 - math.degrees(math.atan2(2 * xy, xx - yy) / 2))
    mean, spread = (xx + yy) / 2, math.hypot((xx - yy) / 2, xy)
    assert row.eccentricity == pytest.approx(math.sqrt(1 - (mean - spread) / (mean + spread)))


def test_labels_are_kept_and_edges_flagged() -> None:
    labels = np.zeros((60, 80), np.uint16)
    labels[10:20, 30:40] = 7
    labels[50:60, 5:10] = 3
    labels[40:45, 75:80] = 9
    table = measure_mask(labels, 2.0)
    assert table.domain.tolist() == [3, 7, 9]
    assert table.touches_edge.tolist() == [True, False, True]
    assert table.area_px.tolist() == [50, 100, 25]
    assert table.area_nm2.tolist() == [200, 400, 100]
    assert table.centroid_x_px[1] == 34.5
    assert table.centroid_y_px[1] == 14.5


def test_what_is_covered_counts_as_cut() -> None:
    labels = np.zeros((60, 80), np.int32)
    labels[10:20, 30:40], labels[30:36, 50:56] = 4, 9
    bar = np.zeros(labels.shape, bool)
    bar[36:40, 40:70] = True
    table = measure(labels, None, burnt_in=bar).domains
    assert table.touches_edge.tolist() == [False, True]
    assert table.edge_weight.isna().tolist() == [False, True]


@pytest.mark.parametrize("nm_per_px", [(1.5, 1.0), (1.0, 1.5), (1.1, 1.0), (2.0, 1.0)])
def test_small_discs_on_oblong_pixels_are_as_wide_as_on_square_ones(nm_per_px: tuple[float, float]) -> None:
    """12 nm, at 20 places between pixels; on squares of 1 nm their least Feret diameter comes out 3 % too small."""
    found = []
    for at in np.random.default_rng(0).uniform(0, 1, (20, 2)):
        y, x = np.mgrid[:26, :26] - 13.0
        mask = np.hypot((x - at[0]) * nm_per_px[0], (y - at[1]) * nm_per_px[1]) <= 6
        found.append(measure_mask(mask, nm_per_px).feret_min_nm[0])
    assert np.mean(found) == pytest.approx(12, rel=0.045)


def test_touching_labels_are_measured_apart() -> None:
    labels = np.zeros((40, 60), np.int32)
    labels[10:30, 10:30], labels[10:30, 30:50] = 1, 2
    table = measure_mask(labels)
    assert table.feret_min_px.to_numpy() == pytest.approx([20, 20], abs=0.5)


def test_uncalibrated_nm_are_nan() -> None:
    table = measure_mask(disc(10))
    nm = [c.name for c in DOMAIN_COLUMNS if c.unit in ("nm", "nm2")]
    assert table[nm].isna().all().all()
    # Of a bare disc nothing is known of the mask's doubt, and it has no stiffness.
    unknown = [name for name in table.columns if re.search("_low|_high|persistence|contrast", name)]
    assert table.drop(columns=[*nm, *unknown], errors="ignore").notna().all().all()


def test_empty_mask_has_all_columns_with_their_types() -> None:
    empty, full = measure_mask(np.zeros((30, 30), bool), 1.0), measure_mask(disc(8), 1.0)
    assert len(empty) == 0
    assert (empty.dtypes == full.dtypes).all()


def test_measuring_is_repeatable() -> None:
    labels = np.kron(np.arange(1, 10).reshape(3, 3), disc(9, 30)).astype(np.int32)
    first, second = measure(labels, (1.0, 1.0)), measure(labels, (1.0, 1.0))
    assert first.domains.equals(second.domains)
    assert repr(first.field) == repr(second.field)


def test_integers_of_one_value_are_one_domain_and_more_pieces_a_doubt() -> None:
    pieces = np.zeros((60, 80), np.uint8)
    pieces[5:15, 5:15] = pieces[30:50, 40:60] = 255
    with pytest.warns(UserWarning, match="2 pieces of one value, 255, are measured as one domain: .*mask > 0"):
        assert measure_mask(pieces).area_px.tolist() == [500]
    # Warnings are errors here: these are clear.
    assert measure_mask(pieces > 0).area_px.tolist() == [100, 400]
    pieces[:20] //= 2
    assert measure_mask(pieces).domain.tolist() == [127, 255]
    pieces[:20] = 0
    assert measure_mask(pieces).domain.tolist() == [255]


@pytest.mark.parametrize(
    "mask", [np.zeros((4, 4, 3), bool), np.zeros((4, 4), float), np.full((4, 4), -1)], ids=["3-D", "float", "negative"]
)
def test_what_is_no_mask_is_refused(mask: np.ndarray) -> None:
    with pytest.raises(ValueError, match=r"2-D array|numbers its domains"):
        measure_mask(mask)


@pytest.mark.parametrize("size", [0, -1.0, math.nan, (1.0, math.inf)])
def test_what_is_no_pixel_size_is_refused(size: float) -> None:
    with pytest.raises(ValueError, match="nm_per_px"):
        measure_mask(disc(5), nm_per_px=size)


def test_a_hollow_particle_has_the_diameter_of_its_outside() -> None:
    """A shell of radii 30 and 20 px: its material is a disc of 44.7 px, its outside one of 60 px; 0.5 nm a px."""
    hollow = disc(30) & ~np.pad(disc(20), 10)[: disc(30).shape[0], : disc(30).shape[1]]
    (shell,) = measure_mask(hollow, 0.5).itertuples()
    assert shell.ecd_px == pytest.approx(2 * math.sqrt(30**2 - 20**2), rel=0.01)
    assert shell.filled_ecd_px == pytest.approx(60, rel=0.005)
    assert shell.filled_ecd_nm == pytest.approx(30, rel=0.005)
    (full,) = measure_mask(disc(30)).itertuples()
    assert full.filled_ecd_px == full.ecd_px


def test_contrast_is_told_by_number() -> None:
    labels = np.zeros((40, 80), np.int32)
    labels[5:30, 5:30], labels[5:30, 45:70] = 2, 5
    table = measure(labels, None, contrast=np.array([np.nan, np.nan, -0.5, np.nan, np.nan, 0.3])).domains
    assert table.contrast.tolist() == [-0.5, 0.3]
    assert measure_mask(labels).contrast.isna().all()
