"""Coverage-guided fuzzing of the reader and the archive reader (pip install atheris; Linux).

    python tests/soak/fuzz.py CORPUS -max_total_time=1800 -rss_limit_mb=4096 -timeout=60 -artifact_prefix=/tmp/

Anything but a result or a ReadError is a finding: an exception of another kind, a crash, a hang, memory beyond
the limit. CORPUS is filled with small valid files of every format at the start. Arguments are libFuzzer's.
"""

from __future__ import annotations

import io
import logging
import sys
import tarfile
import tempfile
import warnings
import zipfile
from contextlib import suppress
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["nanomorph", "tifffile", "rsciio", "zipfile", "tarfile"]):
    import rsciio.digitalmicrograph
    import rsciio.emd
    import rsciio.tia  # noqa: F401

    import nanomorph.readers.mrc
    import nanomorph.readers.native
    import nanomorph.readers.pictures
    import nanomorph.readers.tiff  # noqa: F401
    from nanomorph.micrograph import ReadError
    from nanomorph.readers import read_micrograph
    from nanomorph.sources import Item, discover

import cv2

sys.path.insert(0, str(Path(__file__).parents[1]))
from micrograph_files import dm3, emi, mrc, rod_image, ser, tiff

MIB = 1024**2
# The first byte of an input says what the rest is called: the name decides where the content leaves it open.
NAMES = ["a.tif", "a.mrc", "a.dm3", "a_1.ser", "a.emi", "a.png", "a.jpg", "a.bmp", "a.emd", "a.dm4", "a.st"]
ARCHIVES = ["a.zip", "a.tar", "a.tar.gz", "a.tar.bz2", "a.tar.xz"]
ALL = NAMES + ARCHIVES
FOLDER = Path(tempfile.mkdtemp(prefix="nanomorph-fuzz-"))


def one_input(data: bytes) -> None:
    """What libFuzzer calls."""
    if not data:
        return
    name, content = ALL[data[0] % len(ALL)], data[1:]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        _archive(name, content) if name in ARCHIVES else _micrograph(name, content)


def _micrograph(name: str, content: bytes) -> None:
    with suppress(ReadError):
        read_micrograph(name, content)


def _archive(name: str, content: bytes) -> None:
    path = FOLDER / name
    path.write_bytes(content)
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


def fill(corpus: Path, real: Path | None) -> None:
    """Write the seeds, and small real files where there are some."""
    corpus.mkdir(parents=True, exist_ok=True)
    files = seeds()
    for path in sorted(real.iterdir()) if real and real.is_dir() else []:
        if path.suffix != ".csv" and path.stat().st_size < MIB:
            files[path.name] = path.read_bytes()
    for name, content in files.items():
        kind = next((i for i, one in enumerate(ALL) if one == name), None)
        if kind is None:
            kind = next((i for i, one in enumerate(ALL) if Path(one).suffix == Path(name).suffix), 0)
        (corpus / name).write_bytes(bytes([kind]) + content)


def main() -> None:
    logging.disable(logging.CRITICAL)
    corpus = Path(next(one for one in sys.argv[1:] if not one.startswith("-")))
    fill(corpus, Path(__file__).parents[3] / "shared" / "data" / "formats")
    atheris.Setup(sys.argv, one_input)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
