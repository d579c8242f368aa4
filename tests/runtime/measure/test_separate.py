"""What is cut into particles, what is left whole, what is taken for dirt."""

from itertools import pairwise

import numpy as np
import pytest

from nanomorph.measure import segment
from nanomorph.measure.separating import separate


def discs(*circles: tuple[float, float, float], shape: tuple[int, int] = (120, 160)) -> np.ndarray:
    y, x = np.mgrid[: shape[0], : shape[1]]
    return np.any([np.hypot(x - cx, y - cy) <= r for cx, cy, r in circles], axis=0)


def wire(*points: tuple[float, float], width: float = 8, shape: tuple[int, int] = (200, 200)) -> np.ndarray:
    """Everything nearer than width / 2 to a chain of segments."""
    y, x = np.mgrid[: shape[0], : shape[1]]
    inside = np.zeros(shape, bool)
    for (x0, y0), (x1, y1) in pairwise(points):
        dx, dy = x1 - x0, y1 - y0
        t = np.clip(((x - x0) * dx + (y - y0) * dy) / (dx**2 + dy**2), 0, 1)
        inside |= np.hypot(x - x0 - t * dx, y - y0 - t * dy) <= width / 2
    return inside


def count(mask: np.ndarray, interior: np.ndarray | None = None) -> int:
    labels = segment(mask.astype(np.float32), interior, 0.5)
    assert labels.dtype == np.int32
    assert (labels > 0)[mask].all()
    return int(labels.max())


def test_touching_discs_are_two() -> None:
    mask = discs((50, 60, 25), (92, 60, 25))
    labels = segment(mask.astype(np.float32), None, 0.5)
    assert labels.max() == 2
    areas = np.bincount(labels.ravel())[1:]
    assert areas == pytest.approx([mask.sum() / 2] * 2, rel=0.02)
    assert labels[60, 50] != labels[60, 92]


def test_discs_of_unequal_size_in_a_cluster_are_told_apart() -> None:
    assert count(discs((40, 40, 20), (75, 45, 18), (55, 75, 18), (92, 75, 16))) == 4


def test_two_discs_that_overlap_by_half_stay_one() -> None:
    assert count(discs((50, 60, 25), (68, 60, 25))) == 1


@pytest.mark.parametrize("width", [5, 12])
def test_long_wire_stays_whole(width: int) -> None:
    assert count(wire((15, 20), (80, 60), (100, 120), (180, 185), width=width)) == 1


def test_y_and_network_stay_whole() -> None:
    assert count(wire((100, 100), (100, 10)) | wire((100, 100), (20, 170)) | wire((100, 100), (180, 170))) == 1
    mesh = np.zeros((200, 200), bool)
    for at in (20, 70, 120, 170):
        mesh |= wire((5, at), (195, at + 8)) | wire((at, 5), (at - 8, 195))
    assert count(mesh) == 1


def test_learned_interior_separates_what_the_outline_does_not() -> None:
    """Two bars side by side: their common outline is a plain rectangle."""
    mask = np.zeros((80, 120), bool)
    mask[20:60, 20:100] = True
    interior = np.zeros(mask.shape, np.float32)
    interior[25:35, 25:95] = interior[45:55, 25:95] = 1.0
    assert count(mask) == 1
    labels = segment(mask.astype(np.float32), interior, 0.5)
    assert labels.max() == 2
    assert labels[30, 60] != labels[50, 60]


def test_a_flaw_in_the_learned_interior_cuts_no_wire() -> None:
    mask = wire((15, 100), (185, 100), width=10)
    interior = wire((15, 100), (185, 100), width=5).astype(np.float32)
    interior[:, 95:100] = 0.4
    assert count(mask, interior) == 1


def test_interior_that_learned_nothing_here_leaves_it_to_the_shape() -> None:
    mask = discs((50, 60, 25), (92, 60, 25))
    assert count(mask, np.zeros(mask.shape, np.float32)) == 2


CHAIN = ((40, 100), (58, 100), (76, 100))


def beads(*singles: tuple[float, float]) -> tuple[np.ndarray, np.ndarray]:
    """Three touching discs whose learned interiors are joined by narrow bridges, and single ones: mask and interior."""
    places = (*CHAIN, *singles)
    mask = discs(*((x, y, 10) for x, y in places), shape=(200, 200))
    cores = discs(*((x, y, 6) for x, y in places), shape=(200, 200))
    return mask, (cores | wire(*CHAIN, width=4)).astype(np.float32)


def test_an_interior_that_runs_through_beads_is_cut_at_its_necks() -> None:
    mask, interior = beads((40, 40), (160, 160))
    labels = segment(mask.astype(np.float32), interior, 0.5)
    assert labels.max() == 5
    assert len({int(labels[y, x]) for x, y in CHAIN}) == 3
    areas = np.bincount(labels.ravel())[1:]
    assert areas == pytest.approx([mask.sum() / 5] * 5, rel=0.1)


def test_without_single_particles_about_a_chain_may_be_a_wire() -> None:
    assert count(*beads()) == 1


def test_a_net_with_knots_is_not_cut_beside_a_particle() -> None:
    grid = [(x, y) for x in (40, 80, 120) for y in (40, 80, 120)]
    knots = discs(*((x, y, 9) for x, y in grid), shape=(200, 200))
    for at in (40, 80, 120):
        knots |= wire((20, at), (140, at), width=6) | wire((at, 20), (at, 140), width=6)
    single = discs((170, 170, 14), shape=(200, 200))
    mask = knots | single
    assert count(mask, mask.astype(np.float32)) == 2


def beside(specimen: np.ndarray, sure: float = 1.0) -> tuple[np.ndarray, np.ndarray]:
    """A specimen so sure, and four specks that are less so: mask, and an interior that is as large."""
    specks = discs(*((x, y, 4) for x in (10, 190) for y in (10, 190)), shape=specimen.shape)
    return specimen | specks, np.where(specimen, sure, 0.8 * specks).astype(np.float32)


def test_what_is_unsure_is_left_out_beside_particles() -> None:
    particles = discs((60, 60, 25), (140, 60, 20), (100, 140, 25), shape=(200, 200))
    mask, interior = beside(particles)
    labels = segment(mask.astype(np.float32), interior, 0.5)
    assert np.array_equal(labels > 0, particles)
    assert np.unique(labels).tolist() == [0, 1, 2, 3]


def many_beside(n: int, radius: float) -> tuple[np.ndarray, np.ndarray]:
    """So many sure particles of radius 8 px, and five unsure ones of another: mask and interior."""
    sure = discs(*((15 + 25 * (k % 10), 15 + 25 * (k // 10), 8) for k in range(n)), shape=(200, 260))
    unsure = discs(*((15 + 40 * k, 160, radius) for k in range(5)), shape=(200, 260))
    return sure | unsure, np.where(sure, 1, 0.6 * unsure).astype(np.float32)


@pytest.mark.parametrize(("n", "radius", "found"), [(30, 5, 35), (30, 15, 35), (30, 3, 30), (30, 18, 30), (29, 5, 29)])
def test_unsure_ones_stay_that_are_like_many_sure_ones(n: int, radius: float, found: int) -> None:
    """Areas of .39 and 3.5 times the usual one, of .14 and 5, and beside one sure particle too few."""
    mask, interior = many_beside(n, radius)
    assert segment(mask.astype(np.float32), interior, 0.5).max() == found


@pytest.mark.parametrize("side", [200, 1000])
def test_what_is_unsure_stays_beside_wires(side: int) -> None:
    strands = wire((15, 100), (185, 100), width=8) | wire((100, 15), (100, 185), width=8)
    mask, interior = (np.kron(one, np.ones((side // 200, side // 200), one.dtype)) for one in beside(strands))
    assert count(mask, interior) == 5


def test_more_than_half_of_the_material_is_never_left_out() -> None:
    sure, unsure = discs((60, 60, 20), shape=(200, 200)), discs((140, 60, 20), (60, 140, 12), shape=(200, 200))
    labels = segment((sure | unsure).astype(np.float32), np.where(sure, 1, 0.8 * unsure).astype(np.float32), 0.5)
    assert labels.max() == 3
    fewer = discs((140, 60, 19), shape=(200, 200))
    labels = segment((sure | fewer).astype(np.float32), np.where(sure, 1, 0.8 * fewer).astype(np.float32), 0.5)
    assert labels.max() == 1


def with_crumbs(n: int, radius: float = 3) -> np.ndarray:
    """A particle of 80 px, another of 50 px, and n crumbs beside them."""
    crumbs = ((10 + 12 * k % 180, 185 - 14 * (12 * k // 180), radius) for k in range(n))
    return discs((60, 60, 40), (150, 100, 25), *crumbs, shape=(200, 200))


def test_crumbs_are_left_out_beside_particles() -> None:
    # Diameter 7 px: 37 px, less than a hundredth of the large one's 5,025.
    mask = with_crumbs(5)
    labels = segment(mask.astype(np.float32), mask.astype(np.float32), 0.5)
    assert np.array_equal(labels > 0, with_crumbs(0))
    # Of diameter 9 px they are 69 px, more than a hundredth.
    larger = with_crumbs(5, 4.5)
    assert count(larger, larger.astype(np.float32)) == 7


def test_many_small_particles_are_a_population_of_their_own() -> None:
    mask = with_crumbs(15)  # 15 x 29 px are 5.9 % of 7,421
    assert count(mask, mask.astype(np.float32)) == 17


def test_what_the_frame_cuts_says_nothing_about_sizes() -> None:
    mask = discs((0, 0, 80), (150, 150, 4), (120, 40, 4), (40, 150, 4), shape=(200, 200))
    assert count(mask, mask.astype(np.float32)) == 4


def test_pieces_beside_a_network_stay() -> None:
    mask = wire((5, 60), (195, 60)) | wire((5, 140), (195, 140)) | wire((60, 5), (60, 195)) | wire((140, 5), (140, 195))
    mask |= discs((100, 100, 4), shape=(200, 200))
    assert count(mask, mask.astype(np.float32)) == 2


def test_where_nothing_is_sure_all_stays() -> None:
    mask, interior = beside(discs((60, 60, 25), (140, 60, 20), shape=(200, 200)), sure=0.85)
    assert count(mask, interior) == 6


def test_a_sure_speck_is_a_particle() -> None:
    mask, interior = beside(discs((60, 60, 25), shape=(200, 200)))
    interior[interior > 0] = 1
    assert count(mask, interior) == 5


def test_a_particle_partly_under_another_gets_what_shows_of_it() -> None:
    large, small = discs((60, 60, 40)), discs((96, 60, 24))
    interior = (discs((60, 60, 24)) | discs((110, 60, 5))).astype(np.float32)
    labels = segment((large | small).astype(np.float32), interior, 0.5)
    shows = small & ~large
    assert labels.max() == 2
    assert np.count_nonzero((labels == labels[60, 110]) & shows) > 0.9 * np.count_nonzero(shows)


def test_specks_and_pinholes_go_and_real_holes_stay() -> None:
    probability = np.zeros((100, 100), np.float32)
    probability[20:60, 20:60] = 0.9
    probability[30:32, 30:32] = 0.1  # 4 px: filled
    probability[40:50, 40:50] = 0.1  # 100 px: a hole
    probability[80:82, 80:83] = 0.9  # 6 px: a speck
    probability[80:90, 10:20] = 0.55  # never sure
    labels = segment(probability, None, 0.5)
    assert labels.max() == 1
    assert np.count_nonzero(labels) == 40 * 40 - 100


def test_specks_are_judged_by_physical_size_where_it_is_known() -> None:
    probability = np.zeros((100, 100), np.float32)
    probability[20:60, 20:60] = probability[80:86, 80:86] = 1.0  # 36 px
    assert segment(probability, None, 0.5, nm_per_px=(1.0, 1.0)).max() == 2
    assert segment(probability, None, 0.5, nm_per_px=(0.1, 0.1)).max() == 1  # 0.7 nm


def test_nothing_gives_nothing() -> None:
    assert segment(np.zeros((40, 50), np.float32), None, 0.5).max() == 0


def lattice(step: int, radius: float, bar: float) -> np.ndarray:
    """Discs on a square lattice joined by bars of a width, in 300 x 300 px."""
    at = range(20, 290, step)
    mask = discs(*((x, y, radius) for x in at for y in at), shape=(300, 300))
    for line in at:
        mask |= wire((20, line), (at[-1], line), width=bar, shape=(300, 300))
        mask |= wire((line, 20), (line, at[-1]), width=bar, shape=(300, 300))
    return mask


@pytest.mark.parametrize(("step", "radius", "bar"), [(40, 8, 8), (60, 8, 6), (40, 14, 4), (36, 18, 2), (90, 12, 12)])
def test_what_is_not_flooded_would_have_stayed_whole(monkeypatch, step: int, radius: float, bar: float) -> None:
    mask = lattice(step, radius, bar)
    interior = discs(*((x, y, 5) for x in range(20, 290, step) for y in range(20, 290, step)), shape=mask.shape)
    for learned in (None, interior.astype(np.float32)):
        found = segment(mask.astype(np.float32), learned, 0.5)
        with monkeypatch.context() as patch:
            patch.setattr(separate, "too_few", lambda *_: False)
            assert np.array_equal(segment(mask.astype(np.float32), learned, 0.5), found)


def test_a_network_of_few_seeds_is_not_flooded(monkeypatch) -> None:
    mask, seeds = lattice(90, 12, 12), discs((20, 20, 5), (200, 200, 5), shape=(300, 300))
    monkeypatch.setattr("skimage.segmentation.watershed", None)
    assert count(mask, seeds.astype(np.float32)) == 1


def test_few_pieces_and_many_are_looked_at_alike(monkeypatch: pytest.MonkeyPatch) -> None:
    probability = discs((30, 30, 20), (64, 30, 20), (30, 90, 18), (120, 60, 16), (146, 60, 14)).astype(np.float32)
    few = segment(probability, None, 0.5)
    monkeypatch.setattr(separate, "FEW", 0)
    assert few.max() == 5
    assert np.array_equal(segment(probability, None, 0.5), few)
