"""How much of a core does it cost to watch a folder of old files, at the default poll?

    python tests/soak/idle.py --work /tmp/idle --files 100000 --seconds 120 [--bundle BUNDLE]

The files are foreign to the reader (.tif names, a few bytes), hidden from nobody, and known to the journal.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from pathlib import Path

from nanomorph.journal import Journal
from nanomorph.sources import Rejected


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--files", type=int, default=100_000)
    parser.add_argument("--seconds", type=float, default=120)
    parser.add_argument("--bundle", type=Path)
    options = parser.parse_args()
    folder, out = options.work / "in", options.work / "out"
    make(folder, out, options.files)
    command = [sys.executable, "-m", "nanomorph.cli.main", "watch", str(folder), "--out", str(out), "--device", "cpu"]
    command += ["--bundle", str(options.bundle)] if options.bundle else []
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as watcher:
        assert watcher.stderr is not None
        for line in watcher.stderr:
            print(line, end="")
            if "watching" in line:
                break
        time.sleep(20)  # the first looks: everything is compared with the journal
        begun, used = time.monotonic(), cpu_seconds(watcher.pid)
        print(f"start: {used:.1f} s of CPU")
        time.sleep(options.seconds)
        seconds, spent = time.monotonic() - begun, cpu_seconds(watcher.pid) - used
        print(
            f"{options.files} files: {spent:.2f} s of CPU in {seconds:.0f} s, {100 * spent / seconds:.2f} % of a core"
        )
        watcher.terminate()


def make(folder: Path, out: Path, n: int) -> None:
    """Files in folders of 5,000, all settled."""
    out.mkdir(parents=True)
    with Journal.open(out / "journal.sqlite") as journal, journal._transaction():
        for number in range(n):
            path = folder / f"grid {number // 5000}" / f"image_{number:06d}.tif"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(b"old file")
            found = path.stat()
            name = path.relative_to(folder).as_posix()
            old = Rejected(name, "not-an-image", "", f"{found.st_mtime_ns}", found.st_size)
            journal._replace(old, "quarantined", reason=old.reason)


def cpu_seconds(pid: int) -> float:
    """User and system time of a process (proc(5))."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / 100


if __name__ == "__main__":
    main()
