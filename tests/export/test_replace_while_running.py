"""A hundred micrographs while their head is replaced twice: none is lost, each row says who judged it."""

import csv
import shutil
from collections import Counter

import cv2
import numpy as np
import pytest

from nanomorph.bundle import load_bundle
from nanomorph.cli.main import main
from nanomorph.model import Model
from nanomorph.running.run import Run
from nanomorph.running.work import Settings
from nanomorph.sources import discover
from nanomorph.stages import FLUSH
from nanomorph.watching.follow import BundleFollower
from nanomorph_export.replace_head import replace_head
from nanomorph_training.heads.head import Head

FRACTION = 20 * 30 / (64 * 96)  # of the square in every frame: about 0.1


def density(boundary):
    """Full from `boundary` on; inputs as those of the tiny bundle's head."""
    one = np.ones(1)
    return Head(
        "density", "field", ("sparse", "full"), False, ("foreground_fraction",), boundary * one, 0.01 * one,
        np.array([[-1.0], [1.0]]), np.zeros(2), 1.0, 0.5, np.zeros((2, 1)), 100.0,
    )  # fmt: skip


@pytest.fixture
def images(tmp_path):
    folder = tmp_path / "images"
    folder.mkdir()
    for n in range(100):
        frame = np.full((64, 96), 200 + n % 20, np.uint8)
        frame[20:40, 30:60] = 20
        assert cv2.imwrite(str(folder / f"{n:03}.png"), frame)
    return folder


def flushed(items, every=10):
    for n, item in enumerate(items, start=1):
        yield item
        if n % every == 0:
            yield FLUSH


def labels(out):
    with open(out / "labels.csv", encoding="utf-8", newline="") as file:
        return [row for row in csv.DictReader(file) if row["task"] == "density"]


def test_every_row_says_which_bundle_judged_it(tiny_bundle, images, tmp_path):
    bundle, out = shutil.copytree(tiny_bundle, tmp_path / "bundle"), tmp_path / "out"
    model = Model(load_bundle(bundle), "cpu")
    follower = BundleFollower(bundle, model.bundle.fingerprint, lambda loaded: Model(loaded, "cpu"))
    heads = {3: density(0.9 * FRACTION), 6: density(1.1 * FRACTION)}
    lulls, expected = Counter(), {model.bundle.fingerprint: "sparse"}

    with Run(out, model, Settings(workers=2), "test", follow=bundle) as run:

        def at_lull():
            lulls["n"] += 1
            if head := heads.get(lulls["n"]):
                fingerprint = replace_head(bundle, head).fingerprint
                expected[fingerprint] = "full" if len(expected) == 1 else "sparse"
            if new := follower.check():
                run.use(new)

        events = [event.outcome for event in run.process(flushed(discover([images], exclude=out)), at_lull)]

    assert Counter(events) == {"done": 100}
    rows = labels(out)
    assert sorted(row["micrograph"] for row in rows) == [f"{n:03}.png" for n in range(100)]
    assert list(Counter(row["bundle"] for row in rows).values()) == [30, 30, 40]
    assert all(row["label"] == expected[row["bundle"]] for row in rows)

    # And the whole archive is brought to the last head without reading an image.
    shutil.rmtree(images)
    assert main(["relabel", str(out), "--bundle", str(bundle)]) == 0
    assert {(row["bundle"], row["label"]) for row in labels(out)} == {(list(expected)[-1], "sparse")}
