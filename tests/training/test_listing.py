"""Folders, archives, lists and the reference paper's layouts become samples; archives are decoded in one pass."""

from __future__ import annotations

import io
import tarfile
import zipfile
from pathlib import Path

import cv2
import numpy as np
import pytest

from nanomorph.errors import ConfigurationError
from nanomorph.micrograph import ReadError
from nanomorph_training import data
from nanomorph_training.data import labelled_samples
from nanomorph_training.micrographs.cache import Cache
from nanomorph_training.micrographs.listing import from_archive
from nanomorph_training.micrographs.masks import read_mask
from nanomorph_training.pretraining.batches import Batches
from nanomorph_training.pretraining.settings import PretrainSettings


def png(seed: int, shape: tuple[int, int] = (70, 80)) -> bytes:
    image = np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)
    return cv2.imencode(".png", image)[1].tobytes()


def write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def write_zip(path: Path, members: dict[str, bytes]) -> None:
    with zipfile.ZipFile(path, "w") as file:
        for name, content in members.items():
            file.writestr(name, content)


def write_tar(path: Path, members: dict[str, bytes]) -> None:
    with tarfile.open(path, "w:gz") as file:
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            file.addfile(info, io.BytesIO(content))


MEMBERS = {"b/2.png": png(2), "a.png": png(1), "notes.txt": b"x", "broken.png": png(3)[:200]}


@pytest.mark.parametrize(("name", "pack"), [("m.zip", write_zip), ("m.tar.gz", write_tar)])
def test_an_archives_members_are_decoded_once_and_in_one_pass(
    tmp_path: Path, name: str, pack, monkeypatch: pytest.MonkeyPatch
) -> None:
    pack(tmp_path / name, MEMBERS)
    samples = data.collect([tmp_path / name])
    assert [sample.member for sample in samples] == ["a.png", "b/2.png", "broken.png"]
    assert samples[0].name == f"{tmp_path / name}!/a.png"
    cache = Cache(tmp_path / "cache")
    for sample, seed in ((samples[1], 2), (samples[0], 1)):
        alone = tmp_path / "alone.png"
        alone.write_bytes(png(seed))
        np.testing.assert_array_equal(cache.image(sample), cache.image(data.collect([alone])[0]))
        monkeypatch.setattr(Cache, "_decode_archive", lambda *_: pytest.fail("the archive was read again"))
    with pytest.raises(ReadError, match=r"truncated|unreadable"):
        cache.image(samples[2])
    monkeypatch.undo()
    # A later run finds what was decoded, without opening the archive.
    monkeypatch.setattr("nanomorph_training.micrographs.listing.open_archive", lambda *_: pytest.fail("opened again"))
    assert Cache(tmp_path / "cache").image(samples[0]).shape == (70, 80)


def test_archives_below_a_folder_and_in_a_list_belong_to_the_pool(tmp_path: Path) -> None:
    write(tmp_path / "pool" / "1.png", png(1))
    write_zip(tmp_path / "pool" / "m.zip", MEMBERS)
    found = data.collect([tmp_path / "pool", tmp_path / "pool" / "m.zip"])
    assert [(s.path.name, s.member) for s in found] == [
        ("1.png", ""),
        ("m.zip", "a.png"),
        ("m.zip", "b/2.png"),
        ("m.zip", "broken.png"),
    ]
    (tmp_path / "l.csv").write_text("file,group\npool/m.zip!/b/2.png,g\n")
    (listed,) = data.collect([tmp_path / "l.csv"])
    assert (listed.path, listed.member, listed.group) == (tmp_path / "pool/m.zip", "b/2.png", "g")
    assert Cache(tmp_path / "cache").image(listed).shape == (70, 80)
    assert data.fingerprint(found) != data.fingerprint(found[:-1])


def test_an_archive_without_a_micrograph_is_named(tmp_path: Path) -> None:
    write_zip(tmp_path / "m.zip", {"notes.txt": b"x"})
    with pytest.raises(ConfigurationError, match=r"m\.zip holds no micrograph"):
        data.collect([tmp_path / "m.zip"])
    assert from_archive(tmp_path / "m.zip", "s") == []
    with pytest.raises(ReadError, match=r"holds no micrograph called a\.png"):
        Cache(tmp_path / "cache").image(data.Sample(tmp_path / "m.zip", "s", member="a.png"))


def test_calibrated_frames_meet_at_one_pixel_size(tmp_path: Path) -> None:
    """300 px at 1 nm and 150 px at 2 nm show the same 300 nm; at 2 nm/px both are 150 px. The third states nothing."""
    for name, side in (("fine", 300), ("coarse", 150), ("bare", 300)):
        write(tmp_path / f"{name}.png", png(1, (side, side)))
    (tmp_path / "l.csv").write_text("file,nm_per_px\nfine.png,1\ncoarse.png,2\nbare.png,\n")
    cache = Cache(tmp_path / "cache", PretrainSettings(nm_per_px=2.0).input)
    shapes = [cache.image(sample).shape for sample in data.collect([tmp_path / "l.csv"])]
    assert shapes == [(150, 150), (150, 150), (300, 300)]
    (tmp_path / "l.csv").write_text("file,nm_per_px\nfine.png,2e-9\n")
    with pytest.raises(ConfigurationError, match=r"line 2: nm_per_px 2e-09: .*did you mean m\? Then give 2; leave"):
        data.collect([tmp_path / "l.csv"])
    (tmp_path / "l.csv").write_text("file,nm_per_px\nfine.png,one\n")
    with pytest.raises(ConfigurationError, match=r"l\.csv, line 2: nm_per_px is 'one'"):
        data.collect([tmp_path / "l.csv"])


def test_burnt_in_letters_are_not_learned(tmp_path: Path) -> None:
    frame = np.random.default_rng(0).normal(120, 15, (256, 256)).clip(0, 255).astype(np.uint8)
    cv2.rectangle(frame, (20, 225), (120, 231), 255, -1)
    cv2.putText(frame, "100 nm", (30, 218), cv2.FONT_HERSHEY_SIMPLEX, 0.7, 255, 2)
    write(tmp_path / "a.png", cv2.imencode(".png", frame)[1].tobytes())
    seen = Cache(tmp_path / "cache").image(data.collect([tmp_path / "a.png"])[0])
    bar = seen[226:231, 22:118]
    assert bar.std() < 3
    assert abs(float(bar.mean()) - float(np.median(seen))) < 5


def test_a_large_frame_gives_many_windows() -> None:
    """One frame alone fills a batch with different places."""
    frame = np.random.default_rng(0).integers(0, 256, (900, 1000), dtype=np.uint8)
    first = Batches(PretrainSettings(window=64, batch=32, zoom=0.0), [frame], ["here"]).cut(0, 0)[0, :, 0]
    assert len({window.tobytes() for window in first}) == 32
    assert PretrainSettings(max_side=2048).input.max_side == 2048


def test_nanowires_of_the_paper_by_path(tmp_path: Path) -> None:
    root = tmp_path / "2022-nanowire-morphology"
    for label in ("bundle", "dispersed", "network"):
        for stem in ("1_1", "1_2"):
            write(root / label / f"{stem}.tif", png(1))
            write(root / label / f"{stem}.jpg", png(1))
    for stem in ("7", "7_1", "7_2", "7_3", "8"):
        write(root / "singular" / f"{stem}.jpg", png(1))
    write(root / "dispersed" / "1_1_labels-v2.png", png(1))
    for path in (tmp_path, root):
        samples = data.collect([path])
        assert len(samples) == 2 * 3 + 5
        assert {s.label for s in samples} == {"bundle", "dispersed", "network", "singular"}
        assert [s.mask.name for s in samples if s.mask] == ["1_1_labels-v2.png"]
        assert all(s.path.suffix == ".tif" for s in samples if s.label != "singular")
        turned = {s.group for s in samples if s.label == "singular"}
        assert turned == {"nanowires/singular/7", "nanowires/singular/8"}


def test_a_painted_copy_is_a_mask_where_green_and_blue_differ(tmp_path: Path) -> None:
    gray = np.full((70, 80, 3), 90, np.uint8)
    gray[10:20, 30:40] = (40, 200, 90)  # painted; B, G, R
    gray[40:50, 30:40] = (77, 77, 200)  # red alone differs: not painted
    root = tmp_path / "2022-nanowire-morphology"
    write(root / "network" / "1_1_x.png", cv2.imencode(".png", gray)[1].tobytes())
    write(root / "network" / "1_1.jpg", cv2.imencode(".jpg", gray)[1].tobytes())
    (sample,) = data.collect([root])
    expected = np.zeros((70, 80), int)
    expected[10:20, 30:40] = 1
    assert sample.mask is not None
    np.testing.assert_array_equal(read_mask(sample.mask, annotated=True), expected)
    np.testing.assert_array_equal(Cache(tmp_path / "cache").target(sample) & 1, expected)


def test_viruses_of_the_paper_by_path(tmp_path: Path) -> None:
    root = tmp_path / "context_virus_1nm_256x256"
    write(root / "augmented_train" / "Adenovirus" / "A4-65k-071120_2_0.png", png(1))
    write(root / "augmented_train" / "Adenovirus" / "A4-65k-071120_2_1.png", png(2))
    write(root / "test" / "Ebola" / "E1_0.tif", png(3))
    samples = data.collect([tmp_path])
    assert [s.label for s in samples] == ["Adenovirus", "Adenovirus", "Ebola"]
    assert len({s.group for s in samples}) == 2
    assert {s.nm_per_px for s in samples} == {1.0}


def test_a_folder_per_class_needs_no_rule(tmp_path: Path) -> None:
    for label in ("rods", "spheres", "triangles"):
        write(tmp_path / "mnp" / label / "1.tif", png(1))
    assert [s.label for s in labelled_samples([tmp_path / "mnp"], None)] == ["rods", "spheres", "triangles"]
