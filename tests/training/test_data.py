"""Pools, groups and the cache."""

from __future__ import annotations

import csv
import hashlib
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from nanomorph.errors import ConfigurationError
from nanomorph.prepare import InputSpec
from nanomorph_training import data
from nanomorph_training.micrographs.cache import Cache
from nanomorph_training.micrographs.masks import read_instances, read_mask


def test_held_out_is_the_rule_of_the_digest() -> None:
    assert [n for n in range(8) if data.is_held_out(f"article-{n}")] == [3]
    assert int(hashlib.md5(b"article-3").hexdigest(), 16) % 4 == 0
    share = np.mean([data.is_held_out(f"10.1016/{n}") for n in range(4000)])
    assert share == pytest.approx(0.25, abs=0.03)


def test_nothing_unknown_or_synthetic_is_held_out() -> None:
    assert not data.is_held_out("")
    assert not any(data.is_held_out(f"synthetic-{n}") for n in range(64))


def test_a_list_gives_masks_labels_and_groups(pool: Path) -> None:
    samples = data.collect([pool])
    assert len(samples) == 8
    assert samples[3].path == pool.parent / "3.png"
    assert samples[3].mask == pool.parent / "3_mask.png"
    assert samples[3].by_instance
    assert (samples[3].label, samples[3].group) == ("b", "article-3")
    assert len(data.without_held_out(samples)) == 7


def test_a_folder_stands_for_its_list_and_no_file_counts_twice(pool: Path) -> None:
    assert len(data.collect([pool, pool.parent, pool.parent / "0.png"])) == 8


def test_a_wire_is_told_by_its_mask_and_a_particle_by_its_instances(tmp_path: Path) -> None:
    rows = [
        {"file": "a.tif", "mask": "m/a.png", "instances": "i/a.tif", "label": "network", "group": "synthetic-1"},
        {"file": "b.tif", "mask": "m/b.png", "instances": "i/b.tif", "label": "particles", "group": "synthetic-2"},
        {"file": "c.tif", "mask": "m/c.png", "instances": "", "label": "", "group": ""},
    ]
    for name in (row[column] for row in rows for column in ("file", "mask", "instances") if row[column]):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    with open(tmp_path / "labels.csv", "w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    wire, particles, unknown = data.from_csv(tmp_path / "labels.csv")
    assert (wire.mask, wire.by_instance) == (tmp_path / "m/a.png", False)
    assert (particles.mask, particles.by_instance) == (tmp_path / "i/b.tif", True)
    assert (unknown.mask, unknown.by_instance) == (tmp_path / "m/c.png", False)
    assert wire.is_synthetic


def test_a_doubtful_weak_label_is_no_label_but_tells_wires(tmp_path: Path) -> None:
    for name in ("a.png", "m.png"):
        (tmp_path / name).touch()
    (tmp_path / "l.csv").write_text("file,instance_mask,weak_label\na.png,m.png,bundle?\n")
    (sample,) = data.from_csv(tmp_path / "l.csv")
    assert sample.label == ""
    assert not sample.by_instance


def test_masks_beside_images_are_found_by_number(tmp_path: Path) -> None:
    names = ("images/image_1.png", "labels/label_1.png", "images/image_2.png", "images/3.png", "labels/3_mask.png")
    for name in names:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        cv2.imwrite(str(tmp_path / name), np.zeros((4, 4), np.uint8))
    masks = {sample.path.name: sample.mask for sample in data.collect([tmp_path])}
    assert masks["image_1.png"] == tmp_path / "labels/label_1.png"
    assert masks["image_2.png"] is None
    assert masks["3.png"] == tmp_path / "labels/3_mask.png"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({}, "holds no micrograph"),
        ({"a.csv": "name\nx\n"}, "holds no micrograph"),
        ({"a.csv": "file\nx\n", "b.csv": "file\ny\n"}, "several lists"),
    ],
)
def test_a_folder_that_says_nothing_is_named(tmp_path: Path, content: dict[str, str], message: str) -> None:
    for name, text in content.items():
        (tmp_path / name).write_text(text)
    with pytest.raises(ConfigurationError, match=message):
        data.collect([tmp_path])


def test_a_missing_path_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="nowhere does not exist"):
        data.collect([tmp_path / "nowhere"])


def test_a_group_is_never_split() -> None:
    groups = [f"g{n % 10}" for n in range(100)]
    chosen = data.group_split(groups, 0.3)
    assert chosen.sum() == 30
    for group in set(groups):
        assert len({bool(c) for c, g in zip(chosen, groups, strict=True) if g == group}) == 1
    np.testing.assert_array_equal(chosen[::-1], data.group_split(groups[::-1], 0.3))
    assert data.group_split(["a", "b"], 0.01).sum() == 1
    assert data.group_split(["a"], 0.5).sum() == 0


def test_a_source_is_drawn_by_the_root_of_its_size() -> None:
    sources = ["few"] * 4 + ["many"] * 100
    rng = np.random.default_rng(0)
    shares = data.shares(sources)
    assert shares[:4].sum() == pytest.approx(2 / (2 + 10))
    assert shares.sum() == pytest.approx(1)
    drawn = np.mean([np.mean(data.draw(shares, 1, rng) < 4) for _ in range(3000)])
    assert drawn == pytest.approx(2 / (2 + 10), abs=0.03)
    assert len(set(data.draw(shares, 50, rng).tolist())) == 50


def test_synthetic_samples_get_no_more_than_their_share() -> None:
    sources, synthetic = ["real"] * 4 + ["drawn"] * 100, [False] * 4 + [True] * 100
    assert data.shares(sources, synthetic, 0.35)[4:].sum() == pytest.approx(0.35)
    assert data.shares(sources, synthetic, 0.95)[4:].sum() == pytest.approx(10 / 12)  # less anyway
    assert data.shares(sources[4:], synthetic[4:], 0.35).sum() == pytest.approx(1)  # nothing else to draw


def test_the_fingerprint_changes_with_a_file(pool: Path) -> None:
    samples = data.collect([pool])
    before = data.fingerprint(samples)
    assert data.fingerprint(samples[::-1]) == before
    assert data.fingerprint(samples[1:]) != before


def test_the_fingerprint_changes_with_what_is_known_of_a_file(pool: Path) -> None:
    first, *others = data.collect([pool])
    before = data.fingerprint([first, *others])
    for change in ({"label": "rod"}, {"nm_per_px": 0.5}, {"group": "x"}, {"by_instance": not first.by_instance}):
        assert data.fingerprint([replace(first, **change), *others]) != before, change
    assert first.mask is not None
    pixels = cv2.imread(str(first.mask), cv2.IMREAD_UNCHANGED)
    cv2.imwrite(str(first.mask), (pixels == 0).astype(np.uint8))
    assert data.fingerprint([first, *others]) != before


def test_the_cache_decodes_once(pool: Path, tmp_path: Path) -> None:
    cache = Cache(tmp_path / "cache")
    sample = data.collect([pool])[0]
    first = cache.image(sample)
    assert (first.dtype, first.shape) == (np.uint8, (96, 128))
    stored = {path: path.stat().st_mtime_ns for path in cache.folder.iterdir()}
    np.testing.assert_array_equal(cache.image(sample), first)
    assert {path: path.stat().st_mtime_ns for path in cache.folder.iterdir()} == stored


def test_a_target_lies_on_the_reduced_image(pool: Path, tmp_path: Path) -> None:
    sample = data.collect([pool])[0]
    cache = Cache(tmp_path / "cache", InputSpec(max_side=64))
    image, target = cache.image(sample), cache.target(sample)
    assert image.shape == target.shape == (48, 64)
    whole = read_mask(pool.parent / "0_mask.png") > 0
    assert np.mean(target & 1) == pytest.approx(whole.mean(), rel=0.1)


def test_a_mask_of_another_size_is_an_error(pool: Path, tmp_path: Path) -> None:
    cv2.imwrite(str(pool.parent / "0_mask.png"), np.zeros((96, 127), np.uint8))
    with pytest.raises(ConfigurationError, match=r"127 x 96 px.*128 x 96 px"):
        Cache(tmp_path / "cache").target(data.collect([pool])[0])


def test_a_colour_mask_counts_what_is_not_black(tmp_path: Path) -> None:
    pixels = np.zeros((2, 2, 4), np.uint8)
    pixels[..., 3] = 255
    pixels[0, 0, :3] = 7
    cv2.imwrite(str(tmp_path / "m.png"), pixels)
    np.testing.assert_array_equal(read_mask(tmp_path / "m.png"), [[1, 0], [0, 0]])
    with pytest.raises(ConfigurationError, match="missing or no image"):
        read_mask(tmp_path / "none.png")


def test_instances_are_told_by_numbers_colours_or_pieces(tmp_path: Path) -> None:
    """Two squares that touch and one apart: by number or colour three, by one value two."""
    numbers = np.zeros((40, 60), np.uint8)
    numbers[5:15, 5:15], numbers[5:15, 15:25], numbers[25:35, 40:50] = 1, 2, 3
    colours = np.zeros((40, 60, 3), np.uint8)
    for number, colour in ((1, (0, 0, 200)), (2, (0, 200, 0)), (3, (0, 0, 200))):
        colours[numbers == number] = colour
    for name, pixels, count in (("n", numbers, 3), ("c", colours, 3), ("one", (numbers > 0) * np.uint8(255), 2)):
        cv2.imwrite(str(tmp_path / f"{name}.png"), pixels)
        found = read_instances(tmp_path / f"{name}.png")
        assert np.array_equal(found > 0, numbers > 0)
        assert len(np.unique(found[found > 0])) == count


def test_what_is_transparent_is_no_material_and_a_painted_copy_no_mask(tmp_path: Path) -> None:
    layer = np.full((20, 20, 4), 255, np.uint8)
    layer[..., 3] = 0
    layer[5:10, 5:10, 3] = 255
    cv2.imwrite(str(tmp_path / "layer.png"), layer)
    assert read_mask(tmp_path / "layer.png").sum() == 25
    cv2.imwrite(str(tmp_path / "copy.png"), np.full((20, 20, 3), 90, np.uint8))
    with pytest.raises(ConfigurationError, match="is material everywhere: is it a copy of the micrograph"):
        read_mask(tmp_path / "copy.png")


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
def test_a_gray_micrograph_is_no_mask(tmp_path: Path, dtype: type) -> None:
    """Also with black places; a mask of many particles, one px apart, is one."""
    grains = np.random.default_rng(0).normal(120, 20, (64, 64)).clip(0, 255)
    grains[:, :20] = 0
    cv2.imwrite(str(tmp_path / "gray.tif"), grains.astype(dtype))
    with pytest.raises(ConfigurationError, match="as many grays as a micrograph"):
        read_mask(tmp_path / "gray.tif")
    numbers = np.kron(np.arange(1, 401).reshape(20, 20), [[1, 1, 0]] * 3)
    cv2.imwrite(str(tmp_path / "numbers.tif"), numbers.astype(np.uint16))
    assert np.array_equal(read_mask(tmp_path / "numbers.tif"), numbers)


def test_all_held_out_is_said(pool: Path) -> None:
    held = next(f"g{n}" for n in range(100) if data.is_held_out(f"g{n}"))
    with pytest.raises(ConfigurationError, match="are of groups that are kept for the test"):
        data.to_learn_from([replace(sample, group=held) for sample in data.collect([pool])])


def test_real_lists_can_be_read(shared_data: Path) -> None:
    samples = data.collect([shared_data / "nanoparticles/nanoparticles.csv", shared_data / "unlabeled/unlabeled.csv"])
    assert all(sample.path.is_file() for sample in samples)
    kept = data.without_held_out(samples)
    assert 0.6 < len(kept) / len(samples) < 0.9
    assert not {s.group for s in kept} & {s.group for s in samples if data.is_held_out(s.group)}
