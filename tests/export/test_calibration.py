"""Which micrographs calibrate and which prove: never the same group, never a held-out one, one preparation."""

import csv

import cv2
import numpy as np
import pytest

from nanomorph.errors import ConfigurationError
from nanomorph.prepare import InputSpec, pad
from nanomorph.readers import read_path
from nanomorph_export.calibration import EACH, gather, synthetic, write_proof
from nanomorph_training.data import collect, is_held_out
from nanomorph_training.kinds import LABELS
from nanomorph_training.micrographs.cache import Cache


@pytest.fixture
def real(tmp_path):
    """Twelve micrographs of six articles, two each; of these `article-3` is held out."""
    rows = []
    for number in range(12):
        frame = np.random.default_rng(number).integers(0, 256, (60, 80), dtype=np.uint8)
        assert cv2.imwrite(str(tmp_path / f"{number}.png"), frame)
        rows.append({"file": f"{number}.png", "group": f"article-{number // 2}"})
    with open(tmp_path / "list.csv", "w", newline="") as file:
        writer = csv.DictWriter(file, ["file", "group"])
        writer.writeheader()
        writer.writerows(rows)
    return tmp_path / "list.csv"


def group_of(real):
    return {str(sample.path): sample.group for sample in collect([real])}


def test_groups_are_not_split_and_held_out_ones_not_touched(real):
    said = []
    found, groups = gather([real], said.append), group_of(real)
    ranges = {groups[m.source] for m in found.ranges}
    proof = {groups[m.source] for m in found.proof if m.source in groups}
    assert ranges
    assert proof
    assert not ranges & proof
    assert is_held_out("article-3")
    assert ranges | proof == {f"article-{n}" for n in (0, 1, 2, 4, 5)}
    assert said == ["2 of 12 micrographs are held out and were not touched"]
    assert len(found.proof) == len([m for m in found.proof if m.source in groups]) + EACH * len(LABELS)


def test_calibration_sees_what_training_saw(real, tmp_path):
    """The same bytes through export as through the training cache."""
    found = gather([real])
    samples = {str(sample.path): sample for sample in collect([real])}
    for micrograph, frame in zip(found.ranges, found.frames(InputSpec()), strict=True):
        trained_on = Cache(tmp_path / "cache").image(samples[micrograph.source])
        np.testing.assert_array_equal(frame[0, 0], pad(np.asarray(trained_on), 32))


def test_one_micrograph_cannot_do_both(tmp_path):
    assert cv2.imwrite(str(tmp_path / "one.png"), np.zeros((60, 80), np.uint8))
    with pytest.raises(ConfigurationError, match="two micrographs"):
        gather([tmp_path / "one.png"])


@pytest.mark.parametrize("damaged", [(), ("a",), ("b",)])
def test_int8_needs_micrographs_of_two_groups_that_can_be_read(tmp_path, damaged):
    """Only micrographs that can be read count; without int8 one group is enough, for it proves."""
    groups = ["a", "a", "b", "b"] if damaged else ["a"] * 4
    for number, group in enumerate(groups):
        assert cv2.imwrite(str(tmp_path / f"{number}.png"), np.full((60, 80), 40 * number, np.uint8))
        if group in damaged:
            (tmp_path / f"{number}.png").write_bytes(b"no picture")
    rows = [f"{number}.png,{group}" for number, group in enumerate(groups)]
    (tmp_path / "list.csv").write_text("\n".join(["file,group", *rows]))
    assert len(gather([tmp_path / "list.csv"]).proof) >= EACH * len(LABELS)
    with pytest.raises(ConfigurationError, match="readable micrographs of two groups"):
        gather([tmp_path / "list.csv"], for_int8=True)


def test_the_proof_in_a_bundle_is_small_calibrated_and_the_same_each_time(tmp_path):
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
    files = write_proof(tmp_path / "a")
    assert write_proof(tmp_path / "b") == files
    assert sum((tmp_path / "a" / file).stat().st_size for file in files) < 1.5e6
    for file, drawn in zip(files, synthetic(2, 256), strict=True):
        assert (tmp_path / "a" / file).read_bytes() == (tmp_path / "b" / file).read_bytes()
        micrograph = read_path(tmp_path / "a" / file)
        np.testing.assert_array_equal(micrograph.pixels, drawn.pixels)
        assert micrograph.nm_per_px == pytest.approx(drawn.nm_per_px, rel=1e-3)
