"""The data sets of Lu et al. 2022, told by their folders: labels, masks, and groups that keep copies together.

    2022-nanowire-morphology/{bundle,dispersed,network,singular}/    Zenodo 6377140; annotated PNGs beside the images
    context_virus_1nm_256x256/{augmented_train,validation,test}/CLASS/    Matuszewski and Sintorn 2021; 1 nm/px

The third, metal nanoparticles (AutoDetect-mNP), is a folder per class and needs no rule of its own.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from nanomorph_training.micrographs.samples import Sample

NANOWIRES, VIRUSES = "2022-nanowire-morphology", "context_virus_1nm_256x256"
MORPHOLOGIES = ("bundle", "dispersed", "network", "singular")
VIRUS_PARTS = ("augmented_train", "train", "validation", "test")
VIRUS_NM_PER_PX = 1.0
# One recording was stored as TIFF and, for the notebooks, again as JPEG: the first found counts.
RECORDED = (".tif", ".tiff", ".jpg", ".jpeg")


def recognise(folder: Path) -> list[Sample]:
    """The samples of `folder` where it is one of the data sets, or holds one; otherwise none."""
    for name, read in ((NANOWIRES, _nanowires), (VIRUSES, _viruses)):
        root = folder if folder.name == name else folder / name
        if root.is_dir():
            return read(root)
    return []


def _nanowires(root: Path) -> list[Sample]:
    return [sample for label in MORPHOLOGIES for sample in _morphology(root / label, label, str(root))]


def _morphology(folder: Path, label: str, source: str) -> list[Sample]:
    """`<a>_<b>_<rest>.png` is the annotated copy of `<a>_<b>`; turned copies `<stem>_1` to `_3` are one group."""
    files = sorted(folder.iterdir()) if folder.is_dir() else []
    annotations = {_first_two(path.stem): path for path in files if path.suffix.lower() == ".png"}
    samples = []
    for path in _once(files):
        mask = annotations.get(_first_two(path.stem)) if label != "singular" else None
        group = f"nanowires/{label}/{_unturned(path.stem) if label == 'singular' else path.stem}"
        samples.append(Sample(path, source, mask, label=label, group=group, annotated=mask is not None))
    return samples


def _once(files: Iterable[Path]) -> list[Path]:
    """One file for every stem, the earliest of RECORDED."""
    recorded = [path for path in files if path.suffix.lower() in RECORDED]
    best: dict[str, Path] = {}
    for path in sorted(recorded, key=lambda path: RECORDED.index(path.suffix.lower())):
        best.setdefault(path.stem, path)
    return sorted(best.values())


def _first_two(stem: str) -> str:
    return "_".join(stem.split("_")[:2])


def _unturned(stem: str) -> str:
    return re.sub(r"_[123]$", "", stem)


def _viruses(root: Path) -> list[Sample]:
    """Crops and turned copies of one micrograph, `<micrograph>_<n>_<k>`, are one group in whatever part they lie."""
    found = [path for part in VIRUS_PARTS for path in sorted((root / part).glob("*/*")) if path.is_file()]
    return [
        Sample(
            path,
            source=str(root),
            label=path.parent.name,
            group=f"viruses/{path.parent.name}/{re.sub(r'(_[0-9]+)+$', '', path.stem)}",
            nm_per_px=VIRUS_NM_PER_PX,
        )
        for path in found
        if path.suffix.lower() in (*RECORDED, ".png")
    ]
