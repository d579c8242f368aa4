"""Kill the watcher with -9 at random moments while the fake microscope writes, restart it, and count.

    python tests/soak/kill.py --work /tmp/soak --bundle BUNDLE --images 10000 --kills 100

Ends with the tally; exit code 1 where anything is lost, double, half-read or left behind.
"""

from __future__ import annotations

import argparse
import random
import subprocess
import sys
import time
from pathlib import Path

from tally import rows, tally

TESTS = Path(__file__).parents[1]


def watch_command(options: argparse.Namespace, *more: str) -> list[str]:
    """The real program, as a user starts it."""
    work = options.work
    command = [sys.executable, "-m", "nanomorph.cli.main", "watch", str(work / "in"), "--out", str(work / "out")]
    command += ["--device", "cpu", "--settle", "1", "--poll", "0.5", "--json", *more]
    return command + (["--bundle", str(options.bundle)] if options.bundle else [])


def microscope_command(options: argparse.Namespace) -> list[str]:
    """All modes, all formats, and a share that is lost every minute."""
    command = [sys.executable, str(TESTS / "fake_microscope.py"), str(options.work / "in")]
    command += ["--images", str(options.images), "--rate", str(options.rate), "--side", str(options.side)]
    command += ["--ledger", str(options.work / "ledger.csv"), "--lose-share", "60", "--seed", str(options.seed)]
    return command


def kill_once(command: list[str], log: Path, chance: random.Random, most: int) -> int:
    """Start the watcher and kill it at a random moment: while it starts, or after up to `most` images and a bit.

    By progress rather than by time, so that a slow machine sees the same moments. Returns the images it got done.
    """
    limit = 0 if chance.random() < 0.15 else chance.randint(1, most)
    done = 0
    with open(log, "ab") as file, subprocess.Popen(command, stdout=subprocess.PIPE, stderr=file) as watcher:
        assert watcher.stdout is not None
        for line in watcher.stdout if limit else ():
            file.write(line)
            done += b'"outcome": "done"' in line
            if done >= limit:
                break
        time.sleep(chance.uniform(0, 0.3 if limit else 3.0))
        if watcher.poll() is not None:
            raise SystemExit(f"the watcher ended by itself with {watcher.returncode}: see {log}")
        watcher.kill()
    return done


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--bundle", type=Path)
    parser.add_argument("--images", type=int, default=10_000)
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--rate", type=float, default=8.0)
    parser.add_argument("--side", type=int, default=64)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    chance = random.Random(options.seed)
    options.work.mkdir(parents=True, exist_ok=True)
    (options.work / "in").mkdir(exist_ok=True)
    begun = time.monotonic()
    log = options.work / "watch.log"
    most = 2 * options.images // options.kills
    with subprocess.Popen(microscope_command(options)) as microscope:
        for n in range(options.kills):
            done = kill_once(watch_command(options), log, chance, most)
            table = options.work / "out" / "labels.csv"
            known = len(rows(table)) if table.exists() else 0
            print(f"kill {n + 1} after {done} images, {known} rows in labels.csv", flush=True)
        microscope.wait()
        with open(log, "a") as file:
            code = subprocess.run(watch_command(options, "--idle-exit", "15"), stdout=file, stderr=file, check=False)
    counts = tally(options.work / "out", options.work / "ledger.csv", options.side)
    print(f"{options.kills} kills in {time.monotonic() - begun:.0f} s; last watcher ended with {code.returncode}")
    for kind, count in counts.items():
        print(f"{kind:>30}: {count}")
    return int(any(count for kind, count in counts.items() if kind not in {"files written", "images", "rows"}))


if __name__ == "__main__":
    raise SystemExit(main())
