"""Is a path on a network filesystem? Asked of the operating system, without touching the path's server."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path, PureWindowsPath

_NETWORK = re.compile(
    r"nfs\d?|cifs|smb\w*|ncpfs|afs|9p|ceph|lustre|gpfs|beegfs|glusterfs|ocfs2|gfs2?|davfs|webdav|prl_fs|vboxsf|vmhgfs|"
    r"acfs|fuse\.(sshfs|s3fs|rclone|glusterfs|ceph|davfs2?|gvfsd-fuse|cephfs|juicefs|vmhgfs-fuse|curlftpfs|smbnetfs)"
)
_WINDOWS_REMOTE = 4


def network_filesystem(path: Path) -> str | None:
    """The kind of network filesystem that `path` (which need not exist) is on, or None for a local disk."""
    if sys.platform == "win32":
        return _windows(str(path.absolute()))
    real = os.path.realpath(path)
    if sys.platform == "darwin":
        table = subprocess.run(["/sbin/mount"], capture_output=True, text=True, check=True, timeout=30).stdout
        return _kind(real, _mac_mounts(table))
    try:
        table = Path("/proc/self/mountinfo").read_text(encoding="utf-8", errors="surrogateescape")
    except OSError:
        return None  # a system without /proc: nothing is known against it
    return _kind(real, _linux_mounts(table))


def _kind(path: str, mounts: list[tuple[str, str]]) -> str | None:
    """Of mount points and kinds, in the order of mounting, the last of the deepest that holds `path`."""
    best = max(
        (
            (len(point), number, kind)
            for number, (point, kind) in enumerate(mounts)
            if path == point or path.startswith(point.rstrip("/") + "/")
        ),
        default=(0, 0, ""),
    )
    return best[2] if _NETWORK.fullmatch(best[2]) else None


def _linux_mounts(table: str) -> list[tuple[str, str]]:
    """Of /proc/self/mountinfo (proc(5)): the mount point is field 5, the kind follows the lone dash."""
    mounts = []
    for line in table.splitlines():
        before, _, after = line.partition(" - ")
        point = re.sub(r"\\([0-7]{3})", lambda match: chr(int(match[1], 8)), before.split(" ")[4])
        mounts.append((point, after.split(" ")[0]))
    return mounts


def _mac_mounts(table: str) -> list[tuple[str, str]]:
    """Of `mount`: `//user@server/share on /Volumes/share (smbfs, nodev, ...)`; local disks say `local`."""
    found = [re.fullmatch(r".+? on (?P<point>/.*) \((?P<flags>[^()]*)\)", line) for line in table.splitlines()]
    mounts = [(match["point"], match["flags"].split(", ")) for match in found if match]
    return [(point, "local" if "local" in flags else flags[0]) for point, flags in mounts]


def _windows(path: str) -> str | None:
    # `\\?\C:\run` is a local path without the limit of 260 characters.
    drive = PureWindowsPath(re.sub(r"^\\\\\?\\(?=[A-Za-z]:)", "", path)).drive
    if drive.startswith("\\\\"):
        return "a Windows share"
    import ctypes

    kind = ctypes.windll.kernel32.GetDriveTypeW(f"{drive}\\")  # type: ignore[attr-defined,unused-ignore]
    return "a network drive" if kind == _WINDOWS_REMOTE else None
