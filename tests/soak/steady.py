"""A long, quiet watch: is memory flat, and how long does a complete file take to its row in labels.csv?

    python tests/soak/steady.py --work /tmp/steady --images 5000 --rate 5 [--bundle BUNDLE]

Prints the watcher's resident memory at every 250 images, and the distribution of the seconds between the last
byte of a file and the moment its row could be read.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
from tally import rows, tally

TESTS = Path(__file__).parents[1]
MIB = 1024**2


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--images", type=int, default=5000)
    parser.add_argument("--rate", type=float, default=5.0)
    parser.add_argument("--side", type=int, default=64)
    parser.add_argument("--modes", nargs="+", default=["burst", "slow", "rename"])
    parser.add_argument("--settle", type=float, default=5.0)
    parser.add_argument("--poll", type=float, default=2.0)
    parser.add_argument("--bundle", type=Path)
    options = parser.parse_args()
    folder, out, ledger = options.work / "in", options.work / "out", options.work / "ledger.csv"
    folder.mkdir(parents=True)
    microscope = [sys.executable, str(TESTS / "fake_microscope.py"), str(folder), "--images", str(options.images)]
    microscope += ["--rate", str(options.rate), "--side", str(options.side), "--ledger", str(ledger)]
    microscope += ["--modes", *options.modes, "--formats", "tiff", "mrc"]
    watch = [sys.executable, "-m", "nanomorph.cli.main", "watch", str(folder), "--out", str(out), "--device", "cpu"]
    watch += ["--settle", str(options.settle), "--poll", str(options.poll), "--idle-exit", "30"]
    watch += ["--bundle", str(options.bundle)] if options.bundle else []
    with (
        open(options.work / "watch.log", "w") as log,
        subprocess.Popen(watch, stderr=log) as watcher,
        subprocess.Popen(microscope),
    ):
        appeared = follow(watcher, out / "labels.csv")
    delays = [appeared[row["file"]] - float(row["complete_at"]) for row in rows(ledger) if row["file"] in appeared]
    print_delays(np.array(delays), options)
    counts = tally(out, ledger, options.side)
    for kind, count in counts.items():
        print(f"{kind:>30}: {count}")
    return watcher.returncode


def follow(watcher: subprocess.Popen, table: Path) -> dict[str, float]:
    """Until the watcher ends: when each micrograph's row was first there to be read; memory on the way."""
    appeared: dict[str, float] = {}
    version, printed = (0, 0), 0
    while watcher.poll() is None:
        time.sleep(0.05)
        if not table.exists() or (now := (table.stat().st_mtime_ns, table.stat().st_ino)) == version:
            continue
        version, at = now, time.time()
        for row in rows(table):
            appeared.setdefault(row["micrograph"], at)
        if len(appeared) >= printed:
            print(f"{len(appeared):>6} images {resident(watcher.pid) / MIB:>7.0f} MiB", flush=True)
            printed = len(appeared) + 250
    return appeared


def resident(pid: int) -> int:
    """Resident bytes of a process (proc(5))."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * 4096


def print_delays(delays: np.ndarray, options: argparse.Namespace) -> None:
    """Percentiles, in seconds."""
    print(
        f"complete file to row in labels.csv, settle {options.settle:g} s, poll {options.poll:g} s, n = {len(delays)}:"
    )
    for share in (0, 5, 25, 50, 75, 95, 99, 100):
        print(f"{share:>5} % {np.percentile(delays, share):>7.2f} s")


if __name__ == "__main__":
    raise SystemExit(main())
