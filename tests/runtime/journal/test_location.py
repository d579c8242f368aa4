"""Where a journal lies, and where it must not."""

import os
from pathlib import Path

import pytest

from nanomorph.cli.main import main
from nanomorph.errors import ConfigurationError
from nanomorph.journal import (
    Journal,
    JournalError,
    JournalReader,
    filesystems,
    locate,
    locate_existing,
    location,
    place,
    point,
)
from nanomorph.journal.filesystems import network_filesystem
from nanomorph.journal.schema import identity_of

MOUNTINFO = r"""
22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw
40 22 0:35 / /mnt/lab\040share rw,relatime shared:20 - cifs //server/lab rw,vers=3.0
41 22 0:36 / /data rw - nfs4 server:/data rw
42 41 8:2 / /data/local rw - xfs /dev/sdb1 rw
43 22 0:40 / /sshfs rw - fuse.sshfs user@host:/ rw
"""

MAC = """/dev/disk3s1s1 on / (apfs, sealed, local, read-only, journaled)
//user@server/Lab%20Data on /Volumes/Lab Data (smbfs, nodev, nosuid, mounted by user)
server:/export on /Volumes/nfs (nfs, asynchronous)
"""


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/home/a/journal.sqlite", None),
        ("/mnt/lab share/out/journal.sqlite", "cifs"),
        ("/mnt/lab shares/journal.sqlite", None),
        ("/data/out", "nfs4"),
        ("/data/local/out", None),
        ("/sshfs", "fuse.sshfs"),
    ],
)
def test_linux(path, kind):
    assert filesystems._kind(path, filesystems._linux_mounts(MOUNTINFO.strip())) == kind


@pytest.mark.parametrize(
    ("path", "kind"), [("/Users/a", None), ("/Volumes/Lab Data/out", "smbfs"), ("/Volumes/nfs/out", "nfs")]
)
def test_macos(path, kind):
    assert filesystems._kind(path, filesystems._mac_mounts(MAC)) == kind


def test_windows_shares_by_name():
    assert filesystems._windows(r"\\server\share\out\journal.sqlite") == "a Windows share"


def test_the_temporary_folder_of_this_machine_is_local(tmp_path):
    assert network_filesystem(tmp_path / "not" / "there" / "yet") is None


def open_run(out: Path, wanted: Path | None) -> Path:
    """As `Run` does it."""
    with Journal.open(place(out, wanted)) as journal:
        point(out, journal.path, identity_of(journal.path))
        return journal.path


def test_a_network_place_is_refused_and_a_local_one_remembered(tmp_path, monkeypatch):
    out, local = tmp_path / "share" / "out", tmp_path / "disk"
    out.mkdir(parents=True)
    local.mkdir()
    monkeypatch.setattr(location, "network_filesystem", lambda path: "nfs4" if "share" in Path(path).parts else None)
    with pytest.raises(ConfigurationError, match=r"network filesystem \(nfs4\).*--journal PATH"):
        place(out, None)
    assert open_run(out, local) == local / "journal.sqlite"
    assert open_run(out, None) == local / "journal.sqlite"
    assert locate(out) == local / "journal.sqlite"
    with pytest.raises(ConfigurationError, match="has its journal at"):
        place(out, tmp_path / "elsewhere.sqlite")
    assert not (out / "journal.sqlite").exists()


@pytest.fixture
def share(tmp_path, monkeypatch):
    """An output folder on a share, and a way to stand at another machine."""
    monkeypatch.setattr(location.platform, "node", lambda: machine["name"])
    machine = {"name": "tem-1"}
    out = tmp_path / "share"
    out.mkdir()
    return out, lambda name: machine.update(name=name)


def test_a_second_machine_is_refused_and_the_first_one_named(share, tmp_path):
    out, stand_at = share
    first = open_run(out, tmp_path / "disk-1" / "journal.sqlite")
    stand_at("tem-2")
    theirs = rf"belongs to tem-1, process {os.getpid()}, whose journal is .*disk-1"
    first.rename(tmp_path / "not-on-this-machine")
    with pytest.raises(ConfigurationError, match=theirs):
        open_run(out, tmp_path / "disk-2" / "journal.sqlite")
    assert not (tmp_path / "disk-2").exists()
    with Journal.open(tmp_path / "disk-2" / "journal.sqlite"), pytest.raises(ConfigurationError, match=theirs):
        place(out, tmp_path / "disk-2" / "journal.sqlite")
    with pytest.raises(JournalError, match=r"no .*disk-1.*it lies on tem-1"):
        locate_existing(out)


def test_of_two_machines_that_begin_at_once_one_goes_on(share, tmp_path):
    out, stand_at = share
    journals = [Journal.open(place(out, tmp_path / disk / "journal.sqlite")) for disk in ("disk-1", "disk-2")]
    point(out, journals[0].path, identity_of(journals[0].path))
    stand_at("tem-2")
    with pytest.raises(ConfigurationError, match="belongs to tem-1"):
        point(out, journals[1].path, identity_of(journals[1].path))
    for journal in journals:
        journal.close()


def test_a_journal_that_was_brought_along_goes_on(share, tmp_path):
    out, stand_at = share
    first = open_run(out, tmp_path / "disk-1" / "journal.sqlite")
    stand_at("tem-2")
    (tmp_path / "disk-2").mkdir()
    moved = first.rename(tmp_path / "disk-2" / "journal.sqlite")
    assert open_run(out, moved) == moved
    assert locate(out) == moved
    assert "host tem-2" in (out / "journal.path").read_text()


def test_a_finished_run_in_a_folder_that_cannot_be_written_to_is_read(tmp_path, monkeypatch):
    """SQLite would make files beside it, and an archive's share says no (root may write anywhere: so it is told)."""
    path = tmp_path / "journal.sqlite"
    Journal.open(path).close()
    before = sorted(file.name for file in tmp_path.iterdir())
    monkeypatch.setattr("nanomorph.journal.schema.os.access", lambda *_: False)
    with JournalReader.open(path) as journal:
        assert journal.counts()["done"] == 0
        assert sorted(file.name for file in tmp_path.iterdir()) == before


@pytest.mark.parametrize("command", [["report"], ["status"], ["relabel"], ["batch", ".", "--out"]])
def test_a_file_in_place_of_its_folder(command, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    Path("results").mkdir()
    for name in ("journal.sqlite", "labels.csv"):
        Path("results", name).touch()
    Path("lonely.csv").touch()
    assert main([*command, str(Path("results", "labels.csv"))]) == 2
    assert (
        capsys.readouterr().err == f"nanomorph: {Path('results', 'labels.csv')} is a file: give the folder, results.\n"
    )
    for wrong in ("lonely.csv", str(Path("lonely.csv", "results"))):
        assert main([*command, wrong]) == 2
        assert capsys.readouterr().err == "nanomorph: lonely.csv is a file: give the folder.\n"
