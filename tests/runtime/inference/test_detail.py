"""A finer look: tiles blend without seams, thin wires come back, thick particles stay as they were."""

import itertools

import numpy as np
import pytest

from nanomorph.bundle import load_bundle
from nanomorph.engines.opening import open_engine
from nanomorph.errors import ConfigurationError
from nanomorph.inference.detail import Detail, look, ramp, refine, starts
from nanomorph.inference.infer import infer
from nanomorph.micrograph import Calibration, Micrograph
from nanomorph.prepare import InputSpec, at_scale, prepare

SPEC = InputSpec(max_side=128, low=0, high=100)


class Counted:
    """An engine that counts what it is shown."""

    provider, precision, batch_pixels = "CPU", "fp32", 4 * 128 * 128

    def __init__(self, bundle) -> None:
        self.engine, self.shapes = open_engine(load_bundle(bundle), "cpu"), []

    def run(self, batch: np.ndarray) -> dict[str, np.ndarray]:
        self.shapes.append(batch.shape)
        return self.engine.run(batch)


@pytest.fixture
def engine(tiny_bundle) -> Counted:
    return Counted(tiny_bundle)


def frame(thin: bool = True, thick: bool = True, side: int = 768) -> tuple[Micrograph, np.ndarray]:
    """Dark on light: a disc of radius 120 and slanted lines 9 px wide (1.5 px when the frame is seen whole)."""
    y, x = np.mgrid[:side, :side].astype(float)
    inside = np.zeros(x.shape, bool)
    if thick:
        inside |= np.hypot(x - 560, y - 560) < 120
    if thin:
        inside |= (np.abs((x + 0.3 * y) % 60 - 30) < 4.5) & (x < 330)
    pixels = np.where(inside, 20, 230).astype(np.uint8)
    return Micrograph(pixels, None, Calibration.NONE, "drawn"), inside


def seen(engine: Counted, micrograph: Micrograph, detail: Detail):
    whole = prepare(micrograph, SPEC)
    (first,) = infer(engine, [whole])
    return first, refine(engine, micrograph, whole, first, SPEC, detail)


def test_tiles_cover_a_side_and_overlap() -> None:
    assert starts(100, 128, 32) == [0]
    assert starts(300, 128, 32) == [0, 86, 172]
    for length in range(128, 700, 37):
        first = starts(length, 128, 32)
        assert first[0] == 0
        assert first[-1] + 128 == length
        assert all(b - a <= 96 for a, b in itertools.pairwise(first))


def test_ramp_rises_over_the_overlap() -> None:
    assert ramp(8, 4).tolist() == [0.25, 0.5, 0.75, 1, 1, 0.75, 0.5, 0.25]


def test_tiles_of_a_stateless_model_give_what_one_pass_over_all_gives(engine) -> None:
    micrograph, _ = frame(side=400)
    fine = at_scale(micrograph, SPEC, 1.0, None)
    maps = look(engine, fine, np.ones((4, 4), np.float32), 128, 32)
    (whole,) = infer(engine, [fine])
    assert list(maps) == ["foreground"]
    assert maps["foreground"].recorded() == pytest.approx(whole.foreground, abs=1e-5)
    assert {shape[1:] for shape in engine.shapes[:-1]} == {(1, 128, 128)}


def test_thin_wires_are_looked_at_again_and_come_back(engine) -> None:
    micrograph, inside = frame()
    first, second = seen(engine, micrograph, Detail.parse("auto"))
    left = np.s_[:, :300]
    wrong = [np.mean((f[left] >= 0.5) != inside[left]) for f in (first.foreground, second.foreground)]
    assert wrong[1] < 0.5 * wrong[0]
    assert second.embedding is first.embedding


def test_thick_particles_are_not(engine) -> None:
    micrograph, _ = frame(thin=False)
    first, second = seen(engine, micrograph, Detail.parse("auto"))
    assert second is first
    assert len(engine.shapes) == 1
    # Asked for everywhere: tiles are made, yet what is thick keeps the first look.
    _, third = seen(engine, micrograph, Detail.parse("4"))
    assert (third.foreground[500:620, 500:620] == first.foreground[500:620, 500:620]).all()


def test_only_tiles_with_something_thin_are_made(engine) -> None:
    micrograph, _ = frame()
    seen(engine, micrograph, Detail.parse("auto"))
    few = sum(shape[0] for shape in engine.shapes[1:])
    engine.shapes.clear()
    seen(engine, micrograph, Detail.parse("4"))
    assert 0 < few < sum(shape[0] for shape in engine.shapes[1:])


def test_whole_is_one_look_and_nothing_is_finer_than_recorded(engine) -> None:
    micrograph, _ = frame()
    first, second = seen(engine, micrograph, Detail.parse("whole"))
    assert second is first
    small = Micrograph(micrograph.pixels[:128, :128], None, Calibration.NONE, "small")
    first, second = seen(engine, small, Detail.parse("8"))
    assert second is first


def test_two_looks_are_the_same_twice(engine) -> None:
    micrograph, _ = frame()
    once, again = (seen(engine, micrograph, Detail.parse("auto"))[1].foreground for _ in range(2))
    assert np.array_equal(once, again)


@pytest.mark.parametrize("text", ["fine", "0.5", "-1", "nan", "inf", "99", ""])
def test_what_is_no_detail_is_refused(text: str) -> None:
    with pytest.raises(ConfigurationError, match="--detail"):
        Detail.parse(text)
