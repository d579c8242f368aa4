"""A bundle takes its place whole, and nothing that is no bundle's is lost for it."""

import os
import shutil
import time
from pathlib import Path

import pytest

from nanomorph.bundle import load_bundle
from nanomorph.errors import ConfigurationError, FatalError
from nanomorph_export.place import DAY, clear_leftovers, put, require_room
from nanomorph_export.write_bundle import write_bundle


@pytest.fixture
def bundle(tiny_bundle, tmp_path):
    return shutil.copytree(tiny_bundle, tmp_path / "bundle")


@pytest.fixture
def draft(tiny_bundle, tmp_path):
    """A successor, in a folder of drafts beside the bundle."""
    new = shutil.copytree(tiny_bundle, tmp_path / ".bundle-x" / "bundle")
    manifest = new / "bundle.json"
    manifest.write_text(manifest.read_text().replace('"tiny"', '"successor"'))
    return new


def test_a_folder_that_is_no_bundle_is_not_replaced(tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "raw.tif").write_text("three days of work")
    with pytest.raises(ConfigurationError, match="is there and no bundle"):
        write_bundle(tmp_path / "mine", None, None)
    assert (tmp_path / "mine" / "raw.tif").read_text() == "three days of work"


def test_what_lies_beside_a_bundle_in_its_folder_is_not_deleted(bundle):
    for name in ("runs/head.json", "labels.csv", "heads/notes.txt", "z.csv"):
        (bundle / name).parent.mkdir(exist_ok=True)
        (bundle / name).write_text("weeks of work")
    with pytest.raises(ConfigurationError, match=r"no part of a bundle .*\(heads/notes.txt, labels.csv, runs/head"):
        write_bundle(bundle, None, None)
    assert (bundle / "runs" / "head.json").read_text() == "weeks of work"


def test_what_is_a_bundles_is_replaced_and_notes_stay(bundle, draft):
    for name in ("engines/fp32.engine", "heads/density.0123abcd.onnx", "CARD.md"):
        (bundle / name).parent.mkdir(exist_ok=True)
        (bundle / name).write_text(name)
    require_room(bundle)
    put(draft, bundle)
    assert load_bundle(bundle).name == "successor"
    assert (bundle / "CARD.md").read_text() == "CARD.md"
    assert not (bundle / "engines").exists()


@pytest.mark.skipif(os.name == "nt", reason="a link needs a privilege there")
def test_a_link_stays_a_link(bundle, tmp_path, monkeypatch):
    (tmp_path / "current").symlink_to(bundle)
    asked = []
    monkeypatch.setattr("nanomorph_export.write_bundle.require_room", lambda folder: asked.append(folder) or 1 / 0)
    with pytest.raises(ZeroDivisionError):
        write_bundle(tmp_path / "current", None, None)
    assert asked == [bundle]


@pytest.mark.parametrize("refused", [("draft", "bundle"), ("old",)])
def test_a_bundle_that_cannot_be_put_in_place_leaves_the_old_one(tmp_path, monkeypatch, refused):
    """Windows refuses a rename while somebody has a file open; also when the old one is to be put back."""
    for name in ("work/draft", "bundle"):
        (tmp_path / name).mkdir(parents=True)
        (tmp_path / name / "bundle.json").write_text(name)
    rename = Path.replace

    def replace(self: Path, target: Path) -> Path:
        if self.name in refused or self.name == "draft":
            raise PermissionError(13, "in use")
        return rename(self, target)

    monkeypatch.setattr(Path, "replace", replace)
    with pytest.raises(FatalError, match=r"bundle cannot be replaced \(in use\): .* The new bundle is in .*bundle.new"):
        put(tmp_path / "work" / "draft", tmp_path / "bundle")
    assert (tmp_path / "bundle" / "bundle.json").read_text() == "bundle"
    assert (tmp_path / "bundle.new" / "bundle.json").read_text() == "work/draft"


def test_a_folder_that_is_open_for_a_moment_is_waited_for(bundle, draft, monkeypatch):
    refusals = iter([PermissionError("a scanner"), PermissionError("a scanner")])
    rename = Path.replace

    def replace(self: Path, target: Path) -> Path:
        if error := next(refusals, None):
            raise error
        return rename(self, target)

    monkeypatch.setattr(Path, "replace", replace)
    monkeypatch.setattr("nanomorph.atomic._PAUSES", (0.0, 0.0))
    put(draft, bundle)
    assert load_bundle(bundle).name == "successor"


def test_drafts_of_killed_exports_go_after_a_day(tmp_path):
    for name in (".bundle-new/bundle", ".bundle-dead/bundle", ".bundle-held/old", ".bundle-mine/photos"):
        (tmp_path / name).mkdir(parents=True)
    long_ago = time.time() - 2 * DAY
    for name in (".bundle-dead", ".bundle-held", ".bundle-mine"):
        os.utime(tmp_path / name, (long_ago, long_ago))
    said = []
    clear_leftovers(tmp_path, said.append)
    assert sorted(path.name for path in tmp_path.iterdir()) == [".bundle-held", ".bundle-mine", ".bundle-new"]
    assert len(said) == 1
    assert str(tmp_path / ".bundle-held" / "old") in said[0]
