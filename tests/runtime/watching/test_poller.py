"""Every new or changed file is sighted once, at little cost, whatever happens around it."""

import os
import sys

import pytest

from nanomorph.watching.poller import FolderLostError, Poller
from nanomorph.watching.rules import Rules

posix_only = pytest.mark.skipif(sys.platform == "win32", reason="needs POSIX links, pipes and modes")


def names(poller, deep=False):
    return [one.name for one in poller.look(deep)]


def put(path, text="x"):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "in"


def test_each_file_is_sighted_once_in_natural_order(folder):
    for name in ("img10.tif", "img2.tif", "grid 1/a.tif"):
        put(folder / name)
    poller = Poller(folder)
    assert names(poller) == ["img2.tif", "img10.tif", "grid 1/a.tif"]
    assert names(poller) == []
    put(folder / "grid 1" / "deeper" / "b.tif")
    assert names(poller) == ["grid 1/deeper/b.tif"]
    assert poller.n_files == 4


def test_hidden_temporary_and_unwanted_files_are_not_sighted(folder):
    for name in (".a.tif", "b.tif.tmp", "c.part", "Thumbs.db", "d.tif", "e.xml", "atlas/f.tif"):
        put(folder / name)
    rules = Rules(include=("*.TIF",), exclude=("atlas/*",))
    assert names(Poller(folder, rules.wanted)) == ["d.tif"]


def test_a_rename_is_a_new_file(folder):
    put(folder / "a.tif.part")
    poller = Poller(folder)
    assert names(poller) == []
    (folder / "a.tif.part").rename(folder / "a.tif")
    assert names(poller) == ["a.tif"]


def test_a_file_rewritten_in_place_is_sighted_by_a_deep_look(folder):
    put(folder / "a.tif", "one")
    poller = Poller(folder)
    assert names(poller, deep=True) == ["a.tif"]
    put(folder / "a.tif", "other")
    (again,) = poller.look(deep=True)
    assert (again.name, again.size) == ("a.tif", 5)


def test_times_are_compared_with_themselves_only(folder):
    put(folder / "a.tif")
    os.utime(folder / "a.tif", (10**10, 10**10))  # in the year 2286
    poller = Poller(folder)
    assert names(poller, deep=True) == ["a.tif"]
    os.utime(folder / "a.tif", (0, 0))
    assert names(poller, deep=True) == ["a.tif"]
    assert names(poller, deep=True) == []


def test_a_settled_tree_costs_one_stat_a_folder(folder, monkeypatch):
    for n in range(50):
        put(folder / f"{n % 5}" / f"{n}.tif")
    poller = Poller(folder)
    for _ in range(3):
        names(poller)
    listed = []
    monkeypatch.setattr("nanomorph.watching.poller.visible", lambda path: listed.append(path) or [])
    assert names(poller) == []
    assert listed == []
    assert poller.n_files == 50


def test_what_comes_within_one_tick_of_a_coarse_clock_is_sighted(folder):
    put(folder / "a.tif")
    tick = (10**9, 10**9)
    os.utime(folder, tick)
    poller = Poller(folder)
    assert names(poller) == ["a.tif"]
    put(folder / "b.tif")
    os.utime(folder, tick)  # FAT: the folder's time has not moved
    assert names(poller) == ["b.tif"]


def test_a_lost_folder_is_an_error_and_comes_back_as_it_was(folder):
    put(folder / "a.tif")
    poller = Poller(folder)
    assert names(poller) == ["a.tif"]
    folder.rename(folder.with_name("away"))
    for _ in range(3):
        with pytest.raises(FolderLostError, match="in"):
            names(poller)
    folder.with_name("away").rename(folder)
    assert names(poller) == []
    put(folder / "b.tif")
    assert names(poller) == ["b.tif"]


def test_a_folder_that_cannot_be_listed_ends_no_scan(folder, monkeypatch, caplog):
    for name in ("bad/a.tif", "good/b.tif"):
        put(folder / name)
    real = os.scandir

    def scandir(path):
        if str(path).endswith("bad"):
            raise PermissionError(13, "Permission denied")
        return real(path)

    monkeypatch.setattr(os, "scandir", scandir)
    poller = Poller(folder)
    assert names(poller) == ["good/b.tif"]
    assert names(poller) == []
    assert [record.getMessage() for record in caplog.records] == [
        f"{folder / 'bad'}: cannot be listed (Permission denied); trying again"
    ]
    monkeypatch.setattr(os, "scandir", real)
    assert names(poller) == ["bad/a.tif"]


@posix_only
def test_links_and_pipes_are_sighted_with_a_reason_and_loops_end(folder):
    put(folder / "a.tif")
    (folder / "broken.tif").symlink_to("nowhere")
    (folder / "circle.tif").symlink_to("circle.tif")
    (folder / "loop").symlink_to(".")
    os.mkfifo(folder / "pipe.tif")
    reasons = {one.name: one.rejected and one.rejected.reason for one in Poller(folder).look(deep=True)}
    assert reasons == {
        "a.tif": None,
        "broken.tif": "broken-link",
        "circle.tif": "symlink-loop",
        "loop": "symlink-loop",
        "pipe.tif": "not-a-regular-file",
    }


def test_output_inside_the_folder_is_no_input(folder):
    for name in ("a.tif", "out/masks/a.tif", "earlier/journal.sqlite", "earlier/masks/b.tif"):
        put(folder / name)
    assert names(Poller(folder, exclude=folder / "out")) == ["a.tif"]


def test_a_forgotten_file_is_sighted_again(folder):
    put(folder / "grid" / "a.tif")
    poller = Poller(folder)
    names(poller)
    poller.forget("grid/a.tif")
    poller.forget("nowhere/b.tif")
    assert names(poller) == ["grid/a.tif"]
