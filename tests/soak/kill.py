"""Kill the watcher with -9 at random moments while the fake microscope writes, restart it, and count.

    python tests/soak/kill.py --work /tmp/soak --bundle BUNDLE --images 10000 --kills 100

Ends with the tally; exit code 1 where anything is lost, double, half-read or left behind.
"""

from __future__ import annotations

import argparse
import os
import queue
import random
import signal
import subprocess
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

import skimage.measure  # noqa: F401 (what a watcher imports at its first image)
from tally import rows, tally

import nanomorph.cli.watch
import nanomorph.report
import nanomorph.running.run
import nanomorph.watching  # noqa: F401
from nanomorph.cli.main import main as cli

TESTS = Path(__file__).parents[1]


def watch_arguments(options: argparse.Namespace, *more: str) -> list[str]:
    """What a user would type after `nanomorph`."""
    work = options.work
    arguments = ["watch", str(work / "in"), "--out", str(work / "out"), "--device", "cpu", "--json"]
    arguments += ["--settle", "1", "--poll", "0.5", *(["--no-overlays"] if options.no_overlays else []), *more]
    return arguments + (["--bundle", str(options.bundle)] if options.bundle else [])


def start_watcher(arguments: list[str], log: Path) -> tuple[int, BinaryIO]:
    """The real program in a process of its own: its id, and its stdout.

    Forked from this one, which has imported everything: a start then costs a tenth of the 2.5 s of CPU that a
    hundred restarts would spend on imports.
    """
    reading, writing = os.pipe()
    process = os.fork()
    if process == 0:
        os.dup2(writing, 1)
        os.dup2(os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND), 2)
        os.close(reading)
        sys.stdout, sys.stderr = open(1, "w"), open(2, "w")  # noqa: SIM115
        code = 70
        try:
            code = cli(arguments)
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(code)
    os.close(writing)
    return process, open(reading, "rb")


def microscope_command(options: argparse.Namespace) -> list[str]:
    """All modes, all formats, and a share that is lost every minute."""
    command = [sys.executable, str(TESTS / "fake_microscope.py"), str(options.work / "in")]
    command += ["--images", str(options.images), "--rate", str(options.rate), "--side", str(options.side)]
    command += ["--ledger", str(options.work / "ledger.csv"), "--lose-share", "60", "--seed", str(options.seed)]
    return command


def kill_once(arguments: list[str], log: Path, chance: random.Random, most: int) -> int:
    """Start the watcher and kill it at a random moment: while it starts, or after up to `most` images and a bit.

    By progress rather than by time, so that a slow machine sees the same moments. Returns the images it got done.
    """
    limit = 0 if chance.random() < 0.15 else chance.randint(1, most)
    done = 0
    process, said = start_watcher(arguments, log)
    with open(log, "ab") as file, said:
        # Near the end there are fewer images left than wanted: then it is killed while it watches.
        lines = Lines(said)
        while done < limit and (line := lines.next(seconds=20)):
            file.write(line)
            done += b'"outcome": "done"' in line
        time.sleep(chance.uniform(0, 0.3 if limit else 3.0))
        os.kill(process, signal.SIGKILL)
        _, status = os.waitpid(process, 0)
    if not os.WIFSIGNALED(status):
        raise SystemExit(f"the watcher ended by itself with {os.waitstatus_to_exitcode(status)}: see {log}")
    return done


class Lines:
    """Lines of a pipe, waited for no longer than so many seconds each."""

    def __init__(self, pipe: BinaryIO) -> None:
        self._queue: queue.SimpleQueue[bytes] = queue.SimpleQueue()
        threading.Thread(target=self._fill, args=(pipe,), daemon=True).start()

    def next(self, seconds: float) -> bytes:
        """The next line; nothing at the end, or when none comes in time."""
        try:
            return self._queue.get(timeout=seconds)
        except queue.Empty:
            return b""

    def _fill(self, pipe: BinaryIO) -> None:
        with suppress(ValueError):  # closed by who asked for it
            for line in pipe:
                self._queue.put(line)
        self._queue.put(b"")


def finish(arguments: list[str], log: Path) -> int:
    """Let the watcher run until it is idle; returns its exit code."""
    process, said = start_watcher(arguments, log)
    with open(log, "ab") as file, said:
        file.writelines(said)
    return os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--bundle", type=Path)
    parser.add_argument("--images", type=int, default=10_000)
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--rate", type=float, default=8.0)
    parser.add_argument("--side", type=int, default=64)
    parser.add_argument("--no-overlays", action="store_true")
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
            done = kill_once(watch_arguments(options), log, chance, most)
            table = options.work / "out" / "labels.csv"
            known = len(rows(table)) if table.exists() else 0
            print(f"kill {n + 1} after {done} images, {known} rows in labels.csv", flush=True)
        microscope.wait()
        code = finish(watch_arguments(options, "--idle-exit", "15"), log)
    counts = tally(options.work / "out", options.work / "ledger.csv", options.side)
    print(f"{options.kills} kills in {time.monotonic() - begun:.0f} s; last watcher ended with {code}")
    for kind, count in counts.items():
        print(f"{kind:>30}: {count}")
    return int(any(count for kind, count in counts.items() if kind not in {"files written", "images", "rows"}))


if __name__ == "__main__":
    raise SystemExit(main())
