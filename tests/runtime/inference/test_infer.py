"""Batching keeps order and shapes; results lie on the recorded pixels."""

import numpy as np
import pytest

from nanomorph.bundle import load_bundle
from nanomorph.engines.opening import open_engine
from nanomorph.inference.infer import Seen, batches, infer
from nanomorph.micrograph import Calibration, Micrograph
from nanomorph.prepare import InputSpec, Prepared, prepare
from nanomorph.stages import FLUSH


def frame(height, width):
    return Prepared(np.zeros((height, width), np.uint8), (height, width), 1.0, (height, width))


def shapes(sizes, pixels):
    groups = batches([(n, frame(*size)) for n, size in enumerate(sizes)], pixels)
    return [[tag for tag, _ in group] for group in groups]


def test_only_neighbours_of_equal_shape_share_a_batch():
    assert shapes([(32, 32), (32, 32), (64, 32), (32, 32)], 10**6) == [[0, 1], [2], [3]]


def test_a_batch_holds_no_more_than_its_pixels():
    assert shapes([(32, 32)] * 5, 2 * 32 * 32) == [[0, 1], [2, 3], [4]]


def test_a_frame_larger_than_a_batch_goes_alone():
    assert shapes([(64, 64)] * 2, 100) == [[0], [1]]


def test_a_batch_may_be_given_in_frames():
    groups = batches([(n, frame(64, 64)) for n in range(5)], pixels=1, frames=2)
    assert [[tag for tag, _ in group] for group in groups] == [[0, 1], [2, 3], [4]]


def test_no_work_no_batches():
    assert shapes([], 100) == []


def test_a_flush_ends_a_batch():
    work = [(0, frame(32, 32)), FLUSH, (1, frame(32, 32)), FLUSH, FLUSH]
    groups = [one if one is FLUSH else [tag for tag, _ in one] for one in batches(work, 10**6)]
    assert groups == [[0], FLUSH, [1], FLUSH, FLUSH]


def test_maps_come_back_on_recorded_pixels(tiny_bundle):
    pixels = np.full((300, 200), 200, np.uint8)
    pixels[100:200, :100] = 10
    micrograph = Micrograph(pixels, None, Calibration.NONE, "square")
    spec = InputSpec(max_side=150)
    (result,) = infer(open_engine(load_bundle(tiny_bundle), "cpu"), [prepare(micrograph, spec)])
    assert result.foreground.shape == (300, 200)
    assert result.interior is None
    assert (result.foreground[102:198, :98] > 0.9).all()
    assert (result.foreground > 0.5).sum() == pytest.approx(100 * 100, rel=0.02)


@pytest.mark.parametrize("side", [40, 20])
def test_two_looks_are_blended_the_same_every_time(side):
    """Also where the second look is on recorded pixels already, and its map must not be written to."""
    rng = np.random.default_rng(0)
    first, second = (rng.random((n, n), np.float32) for n in (10, side))
    share = np.full((5, 5), 0.25, np.float32)
    whole, fine = (Prepared(np.zeros((n, n), np.uint8), (n, n), n / 40, (40, 40)) for n in (10, side))
    seen = Seen(first, whole, again=(Seen(second, fine), share))
    of_first, of_second = Seen(first, whole).recorded(), Seen(second, fine).recorded()
    assert np.array_equal(seen.recorded(), of_first + np.float32(0.25) * (of_second - of_first))
    assert np.array_equal(seen.recorded(), seen.recorded())
