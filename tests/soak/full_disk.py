"""Fill the disk that results go to while the watcher works, free it again, and count.

python tests/soak/full_disk.py --work /tmp/full [--bundle BUNDLE]     (Linux, as root: mounts a tmpfs of 64 MiB)
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from pathlib import Path

from tally import tally

TESTS = Path(__file__).parents[1]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--images", type=int, default=200)
    parser.add_argument("--bundle", type=Path)
    options = parser.parse_args()
    work = options.work
    (work / "in").mkdir(parents=True)
    (work / "disk").mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64m", "tmpfs", str(work / "disk")], check=True)
    try:
        return demonstrate(options, work / "disk")
    finally:
        subprocess.run(["umount", str(work / "disk")], check=True)


def demonstrate(options: argparse.Namespace, disk: Path) -> int:
    """Fill, free, wait, count."""
    work, out = options.work, disk / "out"
    microscope = [sys.executable, str(TESTS / "fake_microscope.py"), str(work / "in"), "--images", str(options.images)]
    microscope += ["--rate", "5", "--side", "64", "--ledger", str(work / "ledger.csv")]
    watch = [sys.executable, "-m", "nanomorph.cli.main", "watch", str(work / "in"), "--out", str(out)]
    watch += ["--device", "cpu", "--settle", "1", "--poll", "0.5", "--idle-exit", "20"]
    watch += ["--bundle", str(options.bundle)] if options.bundle else []
    with (
        open(work / "watch.log", "w") as log,
        subprocess.Popen(microscope),
        subprocess.Popen(watch, stderr=log) as watcher,
    ):
        wait_for(work / "watch.log", "done", 10)
        fill(disk / "ballast")
        print("disk filled")
        wait_for(work / "watch.log", "paused", 1)
        time.sleep(10)
        done_when_full = (work / "watch.log").read_text().count(" done ")
        (disk / "ballast").unlink()
        print(f"disk freed; {done_when_full} images were done by then")
        watcher.wait()
    for line in (work / "watch.log").read_text().splitlines():
        if any(word in line for word in ("paused", "watching", "stopped", "analysed")):
            print(line)
    counts = tally(out, work / "ledger.csv", 64)
    print(f"exit code {watcher.returncode}")
    for kind, count in counts.items():
        print(f"{kind:>30}: {count}")
    return int(any(count for kind, count in counts.items() if kind not in {"files written", "images", "rows"}))


def fill(ballast: Path) -> None:
    """Write until nothing more goes on."""
    try:
        with open(ballast, "wb", buffering=0) as file:
            while file.write(bytes(4096)):
                pass
    except OSError as error:
        print(f"ballast of {ballast.stat().st_size} bytes: {error.strerror}")


def wait_for(log: Path, word: str, times: int) -> None:
    """Until the log has said a word so often."""
    while log.read_text().count(f" {word}") < times:
        time.sleep(0.2)


if __name__ == "__main__":
    raise SystemExit(main())
