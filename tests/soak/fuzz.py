"""Coverage-guided fuzzing of the reader and the archive reader (pip install atheris; Linux).

    python tests/soak/fuzz.py CORPUS --only reader --cpu 1800 -rss_limit_mb=2048 -timeout=30 -print_final_stats=1
    python tests/soak/fuzz.py CORPUS2 --only archives --cpu 1800 -rss_limit_mb=2048 -timeout=30 -print_final_stats=1

Anything but a result or a ReadError is a finding: an exception of another kind, a crash, a hang, memory beyond
the limit. CORPUS is filled with small valid files of every format at the start. `--cpu` stops after so many seconds
of CPU, which on a busy machine is what counts. The other arguments are libFuzzer's.
"""

from __future__ import annotations

import argparse
import bz2
import gzip
import io
import logging
import lzma
import os
import signal
import sys
import tempfile
import time
import warnings
from contextlib import suppress
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["nanomorph", "tifffile", "rsciio", "zipfile", "tarfile"]):
    # Here and not above: what is imported already is not instrumented.
    import tarfile
    import zipfile

    import rsciio.digitalmicrograph
    import rsciio.emd
    import rsciio.tia  # noqa: F401

    import nanomorph.readers.mrc
    import nanomorph.readers.native
    import nanomorph.readers.pictures
    import nanomorph.readers.tiff  # noqa: F401
    from nanomorph.micrograph import ReadError
    from nanomorph.readers import read_micrograph
    from nanomorph.readers.strict import FrameGate, frame_gate
    from nanomorph.sources import Item, discover

import cv2

sys.path.insert(0, str(Path(__file__).parents[1]))
from micrograph_files import dm3, emi, mrc, rod_image, ser, tiff

MIB = 1024**2
NAMES = ["a.tif", "a.mrc", "a.dm3", "a_1.ser", "a.emi", "a.png", "a.jpg", "a.bmp", "a.emd", "a.dm4", "a.st"]
ARCHIVES = ["a.zip", "a.tar", "a.tar.gz", "a.tar.bz2", "a.tar.xz"]
# A changed byte rarely survives a compressed stream: here the changed tar is packed afterwards.
PACKED = {"packed.tar.gz": gzip.compress, "packed.tar.bz2": bz2.compress, "packed.tar.xz": lzma.compress}
KINDS = {"reader": NAMES, "archives": [*ARCHIVES, *PACKED]}
MOST_PIXELS = 16 * 10**6
FOLDER = Path(tempfile.mkdtemp(prefix="nanomorph-fuzz-"))


class Fuzz:
    """Reads inputs. The first byte says what the rest is called: the name decides where the content leaves it open."""

    def __init__(self, names: list[str], cpu: float | None) -> None:
        self.names, self.cpu, self.runs = names, cpu, 0

    def __call__(self, data: bytes) -> None:
        """What libFuzzer calls."""
        self.runs += 1
        if self.cpu and self.runs % 500 == 0 and time.process_time() > self.cpu:
            os.kill(os.getpid(), signal.SIGINT)  # libFuzzer prints its figures and ends
        if not data:
            return
        name, content = self.names[data[0] % len(self.names)], data[1:]
        frame_gate.set(FrameGate(MOST_PIXELS))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            _micrograph(name, content) if name in NAMES else _archive(name, content)


def _micrograph(name: str, content: bytes) -> None:
    with suppress(ReadError):
        read_micrograph(name, content)


def _archive(name: str, content: bytes) -> None:
    path = FOLDER / name
    path.write_bytes(PACKED[name](content) if name in PACKED else content)
    for entry in discover([path], limit=16 * MIB):
        if isinstance(entry, Item):
            with suppress(ReadError):
                entry.load()


def seeds() -> dict[str, bytes]:
    """One small valid file of every kind, by name."""
    pixels = rod_image(1, 40)
    found = {"a.tif": tiff(pixels), "a.mrc": mrc(pixels), "a.dm3": dm3(pixels), "a_1.ser": ser(pixels), "a.emi": emi()}
    found["a.st"] = found["a.mrc"]
    for end in (".png", ".jpg", ".bmp"):
        found[f"a{end}"] = cv2.imencode(end, pixels)[1].tobytes()
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("x/a.tif", found["a.tif"])
        archive.writestr("a.mrc", found["a.mrc"])
    found["a.zip"] = file.getvalue()
    for mode in ("", "gz", "bz2", "xz"):
        file = io.BytesIO()
        with tarfile.open(fileobj=file, mode=f"w:{mode}") as tar:
            info = tarfile.TarInfo("x/a.tif")
            info.size = len(found["a.tif"])
            tar.addfile(info, io.BytesIO(found["a.tif"]))
        found[f"a.tar.{mode}" if mode else "a.tar"] = file.getvalue()
    for compression in ("zlib", "lzw", "packbits", "jpeg"):
        found[f"{compression}.tif"] = tiff(pixels, compression=compression)
    found["rgb.tif"] = tiff(cv2.merge([pixels] * 3), photometric="rgb")
    found["stack.tif"] = tiff(pixels[None].repeat(3, 0), photometric="minisblack")
    found["big.tif"] = tiff(pixels, bigtiff=True)
    found["tiled.tif"] = tiff(pixels, tile=(16, 16))
    return found


def fill(corpus: Path, names: list[str], real: Path) -> None:
    """Write the seeds, and small real files where there are some, under every name of `names` that fits."""
    corpus.mkdir(parents=True, exist_ok=True)
    files = seeds()
    for path in sorted(real.iterdir()) if real.is_dir() else []:
        if path.suffix != ".csv" and path.stat().st_size < MIB // 4:
            files[path.name] = path.read_bytes()
    for kind, name in enumerate(names):
        plain = ".tar" if name in PACKED else Path(name).suffix
        for seed, content in files.items():
            if Path(seed).suffix == plain:
                (corpus / f"{name}-{seed}").write_bytes(bytes([kind]) + content)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument("corpus", type=Path)
    parser.add_argument("--only", choices=tuple(KINDS), required=True)
    parser.add_argument("--cpu", type=float, help="stop after so many seconds of CPU")
    options, of_libfuzzer = parser.parse_known_args()
    logging.disable(logging.CRITICAL)
    names = KINDS[options.only]
    fill(options.corpus, names, Path(__file__).parents[3] / "shared" / "data" / "formats")
    atheris.Setup([sys.argv[0], str(options.corpus), *of_libfuzzer], Fuzz(names, options.cpu))
    atheris.Fuzz()


if __name__ == "__main__":
    main()
