"""Where a journal lies, and where it must not."""

from pathlib import Path

import pytest

from nanomorph.errors import ConfigurationError
from nanomorph.journal import Journal, filesystems, locate, location, place
from nanomorph.journal.filesystems import network_filesystem

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


def test_a_network_place_is_refused_and_a_local_one_remembered(tmp_path, monkeypatch):
    out, local = tmp_path / "share" / "out", tmp_path / "disk"
    out.mkdir(parents=True)
    local.mkdir()
    monkeypatch.setattr(location, "network_filesystem", lambda path: "nfs4" if "share" in Path(path).parts else None)
    with pytest.raises(ConfigurationError, match=r"network filesystem \(nfs4\).*--journal PATH"):
        place(out, None)
    assert place(out, local) == local / "journal.sqlite"
    Journal.open(place(out, None)).close()
    assert locate(out) == local / "journal.sqlite"
    with pytest.raises(ConfigurationError, match="has its journal at"):
        place(out, tmp_path / "elsewhere.sqlite")
    assert not (out / "journal.sqlite").exists()
