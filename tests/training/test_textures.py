"""Synthetic textures and grids: exact depths, the wanted share of material, and which phase is the material."""

from __future__ import annotations

import numpy as np
import pytest

from nanomorph_training.data import collect
from nanomorph_training.synthesis import synthesize_field, truth
from nanomorph_training.synthesis.chains import arc_lengths
from nanomorph_training.synthesis.grids import draw_grid
from nanomorph_training.synthesis.raster import RIM_PX
from nanomorph_training.synthesis.textures import (
    DARK_FROM,
    FRACTIONS,
    Texture,
    draw_texture,
    foam,
    lamellae,
    texture_footprint,
)


def stripes(width: int, gap: int, side: int = 120) -> np.ndarray:
    """Signed depth of upright stripes: half a pixel in the outermost column of each."""
    place = np.arange(side) % (width + gap)
    depth = np.where(place < width, np.minimum(place, width - 1 - place) + 0.5, -1.0)
    return np.tile(depth.astype(np.float32), (side, 1))


def test_the_width_of_stripes_is_their_width() -> None:
    # Depths of a stripe of 8 columns: .5 1.5 2.5 3.5 3.5 2.5 1.5 .5, in the mean 2, times 4 is 8.
    assert Texture(stripes(8, 12)).width_px == pytest.approx(8)


def test_a_footprint_gives_the_depth_back() -> None:
    texture = Texture(stripes(8, 12))
    footprint = texture_footprint(texture)
    assert footprint.inside.sum() == 120 * 48
    assert np.allclose(footprint.depth, texture.depth.ravel()[footprint.pixels])
    assert (footprint.depth > -RIM_PX).all()


@pytest.mark.parametrize("seed", range(6))
def test_the_material_has_a_share_within_bounds(seed: int) -> None:
    share = (draw_texture(np.random.default_rng(seed), (160, 200), 10.0).depth > 0).mean()
    assert FRACTIONS[0] - 0.01 < share < FRACTIONS[1] + 0.01


def test_lamellae_repeat_after_a_period() -> None:
    class Straight(np.random.Generator):
        def random(self) -> float:  # no bend
            return 1.0

    height = lamellae(Straight(np.random.PCG64(3)), (200, 200), 20.0)
    spectrum = np.abs(np.fft.fft2(height))
    row, column = np.unravel_index(spectrum.argmax(), spectrum.shape)
    frequency = np.hypot(np.fft.fftfreq(200)[row], np.fft.fftfreq(200)[column])
    assert frequency == pytest.approx(1 / 20, abs=1 / 200)


def test_walls_of_a_foam_lie_where_two_seeds_are_equally_far() -> None:
    height = foam(np.random.default_rng(1), (150, 150), 30.0)
    assert height.max() <= 0
    # Cells of one seed each: their middles are the minima, about (150 / 30)^2 = 25 of them and those at the rim.
    assert 20 <= truth.domain_labels(height < np.quantile(height, 0.5))[1].shape[0] - 1 <= 45


def test_the_material_is_the_lesser_phase_or_the_dark_one() -> None:
    seen_bright = 0
    for seed in range(24):
        field = synthesize_field("texture", seed, 128, annotations=0.0)
        bright = field.optics.polarity > 0
        seen_bright += bright
        assert not (bright and field.mask.mean() > DARK_FROM)
        assert field.optics.contrast >= 2
    assert seen_bright
    wished = synthesize_field("texture", 3, 128, polarity=1, contrast=0.8)
    assert (wished.optics.polarity, wished.optics.contrast) == (1, 0.8)


@pytest.mark.parametrize("seed", range(4))
def test_a_grid_spans_the_field(seed: int) -> None:
    field = synthesize_field("grid", seed, 256, annotations=0.0)
    assert truth.percolates(field.mask)
    assert field.mask.mean() < 0.7
    assert set(field.wires["kind"]) == {"wire"}


def test_bars_of_a_grid_cross_the_whole_field() -> None:
    bars = draw_grid(np.random.default_rng(5), (100, 200), 4.0)
    assert all(arc_lengths(bar.axis)[-1] > np.hypot(100, 200) for bar in bars)


def test_two_phases_are_one_foreground(tmp_path) -> None:
    for name in ("a.tif", "b.tif", "c.tif", "m.png", "i.tif"):
        (tmp_path / name).touch()
    (tmp_path / "labels.csv").write_text(
        "file,mask,instances,label\na.tif,m.png,i.tif,grid\nb.tif,m.png,i.tif,texture\nc.tif,m.png,i.tif,particles\n"
    )
    samples = collect([tmp_path / "labels.csv"])
    assert [(s.mask.name, s.by_instance) for s in samples] == [("m.png", False), ("m.png", False), ("i.tif", True)]
