"""The yardstick for int8: what a mirror does to labels."""

from types import SimpleNamespace

import numpy as np
import pytest

from nanomorph.inference.gates import AGREEMENT_LIMIT, Outcome
from nanomorph.micrograph import Calibration, Micrograph
from nanomorph_export import mirror


def test_a_mirrored_micrograph_takes_its_boxes_along():
    pixels = np.arange(12, dtype=np.uint16).reshape(3, 4)
    turned = mirror.mirrored(Micrograph(pixels, (1.0, 2.0), Calibration.USER, "m", drawn=((0, 1, 1.5, 2),)))
    np.testing.assert_array_equal(turned.pixels[0], [3, 2, 1, 0])
    assert turned.drawn == ((2.5, 1, 4, 2),)
    assert turned.nm_per_px == (1.0, 2.0)


@pytest.mark.parametrize(("labels", "limit"), [("aabb", 0.5), ("aaaa", AGREEMENT_LIMIT)])
def test_int8_may_turn_as_many_labels_as_a_mirror(monkeypatch, labels, limit):
    """Of four micrographs named `a` two are named `b` in the mirror: half of the labels must stay. If none: .995."""
    micrograph = Micrograph(np.zeros((2, 2), np.uint8), None, Calibration.NONE, "m")

    def case(label):
        return SimpleNamespace(micrograph=micrograph, outcome=Outcome(np.zeros(1, np.uint8), (label,), 1.0))

    monkeypatch.setattr(mirror, "cases", lambda *_: [case(label) for label in labels])
    assert mirror.int8_agreement_limit(None, None, [case("a")] * 4) == limit
