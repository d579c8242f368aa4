"""A microscope that writes the way real ones do: slowly, in bursts, preallocated, under temporary names.

    python tests/fake_microscope.py FOLDER --images 200 --rate 5 --modes slow rename rewrite --formats tiff pair

Each way of writing is a generator that pauses (yields) wherever a real writer may be caught half-way; the
program below runs several at once in real time, and tests step them by hand. What the folder must hold in the
end goes to a ledger (CSV: file, mode, sha256). `--lose-share` moves the folder away now and then.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import os
import random
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))
from micrograph_files import dm3, emi, mrc, rod_image, ser, tiff

FORMATS = {
    "tiff": lambda pixels: {".tif": tiff(pixels)},
    "mrc": lambda pixels: {".mrc": mrc(pixels)},
    "dm": lambda pixels: {".dm3": dm3(pixels)},
    # TIA writes the description last.
    "pair": lambda pixels: {"_1.ser": ser(pixels), ".emi": emi()},
}
STEPS = 5

Writing = Iterator[None]


def burst(path: Path, data: bytes) -> Writing:
    """All at once."""
    path.write_bytes(data)
    yield


def slow(path: Path, data: bytes) -> Writing:
    """Piece by piece, closed only at the end."""
    with open(path, "wb") as file:
        for piece in _pieces(data):
            file.write(piece)
            file.flush()
            yield


def preallocated(path: Path, data: bytes) -> Writing:
    """Its full size first, then its content from the start: as Samba and some cameras do."""
    with open(path, "wb") as file:
        file.truncate(len(data))
        yield
        for piece in _pieces(data):
            file.write(piece)
            file.flush()
            yield


def backwards(path: Path, data: bytes) -> Writing:
    """Its full size first, then the header last: as writers do that learn the metadata late."""
    pieces = _pieces(data)
    with open(path, "wb") as file:
        file.truncate(len(data))
        at = len(data)
        for piece in reversed(pieces):
            at -= len(piece)
            file.seek(at)
            file.write(piece)
            file.flush()
            yield


def rename(path: Path, data: bytes) -> Writing:
    """Under a temporary name, then renamed."""
    temporary = path.with_name(path.name + ".tmp")
    yield from slow(temporary, data)
    temporary.replace(path)
    yield


def rewrite(path: Path, data: bytes) -> Writing:
    """First something else, whole; then in place what is to stay."""
    other = FORMATS_BY_SUFFIX[path.suffix](rod_image(10**6 + int(hashlib.sha256(data).hexdigest()[:6], 16)))
    yield from slow(path, other)
    yield from slow(path, data)


def skew(path: Path, data: bytes) -> Writing:
    """With times of a clock that is wrong by years, in either direction, and jumps."""
    for _ in slow(path, data):
        wrong = random.Random(len(data)).choice((-1, 1)) * 10**8 + time.time()
        os.utime(path, (wrong, wrong))
        yield


MODES = {
    "burst": burst,
    "slow": slow,
    "preallocated": preallocated,
    "backwards": backwards,
    "rename": rename,
    "rewrite": rewrite,
    "skew": skew,
}
FORMATS_BY_SUFFIX = {".tif": tiff, ".mrc": mrc, ".dm3": dm3, ".ser": ser, ".emi": lambda _: emi()}


def _pieces(data: bytes) -> list[bytes]:
    size = -(-len(data) // STEPS)
    return [data[at : at + size] for at in range(0, len(data), size)]


def acquire(folder: Path, number: int, mode: str, format_: str, side: int = 96) -> tuple[dict[str, bytes], Writing]:
    """The files (name -> final content) of image `number`, and the writing of them, not yet begun."""
    stem = f"{format_}_{mode}_{number:06d}"
    parent = folder / f"grid {number // 1000}"
    files = {f"{parent.name}/{stem}{end}": data for end, data in FORMATS[format_](rod_image(number, side)).items()}

    def writing() -> Writing:
        parent.mkdir(parents=True, exist_ok=True)
        for name, data in files.items():
            yield from MODES[mode](folder / name, data)

    return files, writing()


def lose_share(folder: Path) -> Writing:
    """The folder vanishes, and comes back as it was."""
    away = folder.with_name(folder.name + ".away")
    folder.rename(away)
    yield
    away.rename(folder)


def run(options: argparse.Namespace) -> None:
    """Write in real time: begin `rate` images a second, each step `step` seconds apart."""
    chance = random.Random(options.seed)
    options.folder.mkdir(parents=True, exist_ok=True)
    active: list[Writing] = []
    begun, started, next_loss = 0, time.monotonic(), options.lose_share or float("inf")
    with open(options.ledger, "w", newline="", encoding="utf-8") as file:
        ledger = csv.writer(file)
        ledger.writerow(("file", "mode", "sha256", "complete_at"))
        while begun < options.images or active:
            elapsed = time.monotonic() - started
            while begun < min(options.images, options.rate * elapsed):
                mode, format_ = chance.choice(options.modes), chance.choice(options.formats)
                files, writing = acquire(options.folder, options.first + begun, mode, format_, options.side)
                active.append(_entered(writing, files, mode, ledger))
                begun += 1
            if elapsed > next_loss:
                _drop_out(options)
                next_loss = elapsed + options.lose_share
            active = [writing for writing in active if next(writing, writing) is None]
            file.flush()
            time.sleep(options.step)


def _entered(writing: Writing, files: dict[str, bytes], mode: str, ledger: Any) -> Writing:
    """The same writing, with a line a file in the ledger at its end; `complete_at` by this machine's clock."""
    yield from writing
    for name, data in files.items():
        ledger.writerow((name, mode, hashlib.sha256(data).hexdigest(), f"{time.time():.3f}"))


def _drop_out(options: argparse.Namespace) -> None:
    for _ in lose_share(options.folder):
        time.sleep(options.lost_for)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--images", type=int, default=100)
    parser.add_argument("--rate", type=float, default=5.0, help="images a second")
    parser.add_argument("--modes", nargs="+", choices=MODES, default=list(MODES))
    parser.add_argument("--formats", nargs="+", choices=FORMATS, default=list(FORMATS))
    parser.add_argument("--side", type=int, default=96, help="px")
    parser.add_argument("--step", type=float, default=0.1, help="seconds between the pieces of a file")
    parser.add_argument("--first", type=int, default=0, help="number of the first image")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--ledger", type=Path, default=Path("ledger.csv"))
    parser.add_argument("--lose-share", type=float, default=0, help="every so many seconds; 0: never")
    parser.add_argument("--lost-for", type=float, default=2.0, help="seconds")
    run(parser.parse_args())


if __name__ == "__main__":
    main()
