"""What is measured before an engine is used, in numbers that can be checked by hand."""

import numpy as np
import pytest

from nanomorph.bundle import load_bundle
from nanomorph.inference import gates
from nanomorph.inference.gates import Gate, Outcome
from nanomorph.micrograph import Calibration, Micrograph
from nanomorph.model import Model


@pytest.mark.parametrize(
    ("ours", "theirs", "dice"), [([1, 1, 0], [1, 0, 0], 2 / 3), ([0, 0], [0, 0], 1.0), ([1, 0], [0, 1], 0.0)]
)
def test_dice_by_hand(ours, theirs, dice):
    assert gates.mask_dice(np.array(ours, bool), np.array(theirs, bool)) == pytest.approx(dice)


def test_differences_are_those_of_the_worst_output():
    theirs = {"a": np.array([4.0, 0.0]), "b": np.array([1.0, 1.0])}
    ours = {"a": np.array([4.0, 0.4]), "b": np.array([1.0, 0.5])}
    assert gates.largest_difference(ours, theirs) == 0.5  # b: 0.5 of 1; a: 0.4 of 4
    assert gates.mean_difference(ours, theirs) == 0.25


def test_not_a_number_never_passes():
    assert not gates.at_most("x", float("nan"), 1.0, 1).passed
    assert str(Gate("x", 2.0, 1.0, False)) == "x: 2 (limit 1, FAILED)"


def outcome(width, labels=("a",), mask=(1, 0)):
    return Outcome(np.packbits(np.array(mask, bool)), labels, width)


def test_widths_change_in_share_and_in_nm():
    nan = float("nan")
    pairs = [(outcome(11.0), outcome(10.0)), (outcome(10.1), outcome(10.0)), (outcome(nan), outcome(nan))]
    relative, nm = gates._width_gates(pairs, [(2.0, 2.0), None, None])
    assert (relative.value, relative.n, relative.passed) == (pytest.approx(0.055), 2, False)
    assert (nm.value, nm.limit, nm.n) == (pytest.approx(2.0), pytest.approx(0.4), 1)  # 1 px of 2 nm; 2 % of 20 nm


def test_a_domain_that_is_lost_is_a_change_of_all_its_width():
    (relative,) = gates._width_gates([(outcome(float("nan")), outcome(10.0))], [None])
    assert relative.value == 1.0


def test_labels_agree_task_by_task():
    pairs = [(outcome(1, ("a", "x")), outcome(1, ("a", "y"))), (outcome(1, ("a", "x")), outcome(1, ("a", "x")))]
    dice, agreement = gates._outcome_gates(pairs, 0.8)
    assert (agreement.value, agreement.n, agreement.passed) == (0.75, 4, False)
    assert dice.value == 1.0


class Shifted:
    """An engine whose foreground is moved by one row."""

    provider, precision, dim, batch_pixels = "CPU", "fp32", 2, 1

    def __init__(self, engine, rows):
        self.engine, self.rows = engine, rows

    def run(self, batch):
        outputs = self.engine.run(batch)
        return outputs | {"foreground": np.roll(outputs["foreground"], self.rows, axis=2)}


def test_an_engine_that_is_off_by_a_few_rows_fails_by_its_masks(tiny_bundle):
    """A bar of 20 rows moved by 4: 16 of 20 rows in common, a Dice of 0.8; its width and label stay."""
    model = Model(load_bundle(tiny_bundle), device="cpu")
    pixels = np.full((96, 128), 220, np.uint8)
    pixels[40:60] = 20
    micrograph = Micrograph(pixels, (1.0, 1.0), Calibration.USER, "bar")
    references = list(gates.cases(model, model.engine, [micrograph]))
    assert all(gate.passed for gate in gates.gates(model, model.engine, references))
    found = {gate.name: gate for gate in gates.gates(model, Shifted(model.engine, 4), references)}
    assert found["mask Dice, mean"].value == pytest.approx(0.8)
    assert not found["mask Dice, mean"].passed
    assert found["label agreement"].passed


@pytest.mark.parametrize("bad", ["a", "b"])
def test_an_output_of_no_numbers_is_no_small_difference(bad):
    theirs = {"a": np.ones(3), "b": np.ones(3)}
    ours = theirs | {bad: np.full(3, np.nan)}
    for difference in (gates.largest_difference, gates.mean_difference):
        assert not gates.at_most("x", difference(ours, theirs), 1e-3, 1).passed
