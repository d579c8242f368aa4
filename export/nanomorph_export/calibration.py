"""Micrographs for export: some give int8 its ranges, others, of other groups, prove what leaves."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from nanomorph.errors import ConfigurationError
from nanomorph.micrograph import Calibration, Micrograph, ReadError
from nanomorph.prepare import InputSpec, prepare
from nanomorph.readers import read_path
from nanomorph_training.data import Sample, collect, group_split, without_held_out
from nanomorph_training.kinds import LABELS
from nanomorph_training.synthesis import synthesize_field
from nanomorph_training.synthesis.files import write_tiff

# Of each kind, for the proof; a few smaller ones travel in the bundle, to hold compiled engines against.
EACH, EACH_IN_BUNDLE = 5, 2
SIDE, SIDE_IN_BUNDLE = 384, 256
# Far from any seed a person would train with.
SEED = 900_000
RANGES_SHARE, RANGES_MOST, PROOF_MOST = 0.3, 48, 100


@dataclass(frozen=True, eq=False)
class Micrographs:
    """ranges: real ones that show which values occur inside the network. proof: what gates are measured on."""

    ranges: list[Micrograph]
    proof: list[Micrograph]

    def frames(self, spec: InputSpec) -> list[np.ndarray]:
        """`ranges` as the model sees them: uint8 (1, 1, H, W)."""
        return [prepare(micrograph, spec).pixels[None, None] for micrograph in self.ranges]


def gather(
    paths: Sequence[Path] | None, report: Callable[[str], None] = lambda _: None, for_int8: bool = False
) -> Micrographs:
    """Real micrographs of `paths`, none of a held-out group, and synthetic ones of every kind.

    A group (article, specimen) gives ranges or proof, never both. for_int8: there must be real ones of both.
    Raises ConfigurationError where there are too few.
    """
    if not paths:
        return Micrographs([], synthetic(EACH, SIDE))
    samples = collect(paths)
    allowed = without_held_out(samples)
    if len(allowed) < len(samples):
        report(f"{len(samples) - len(allowed)} of {len(samples)} micrographs are held out and were not touched")
    if len(allowed) < 2:
        raise ConfigurationError("--calibrate: two micrographs that are not held out are the least")
    groups = [sample.group or str(sample.path) for sample in allowed]
    for_ranges = group_split(groups, RANGES_SHARE, "calibration")
    sides = [[s for s, taken in zip(allowed, for_ranges, strict=True) if taken == side] for side in (True, False)]
    ranges, proof = _read(sides[0], RANGES_MOST, report), _read(sides[1], PROOF_MOST, report)
    if for_int8 and not (ranges and proof):
        raise ConfigurationError(
            "int8 needs --calibrate with readable micrographs of two groups (articles, specimens) that are not held "
            "out: one gives the ranges, the other proves them"
        )
    return Micrographs(ranges, proof + synthetic(EACH, SIDE))


def synthetic(each: int, side: int) -> list[Micrograph]:
    """Drawn fields of every kind, calibrated; the same ones each time."""
    fields = [(f"{label}-{n}", synthesize_field(label, SEED + n, side)) for label in LABELS for n in range(each)]
    return [
        Micrograph(field.image, (field.nm_per_px, field.nm_per_px), Calibration.METADATA, name)
        for name, field in fields
    ]


def write_proof(folder: Path) -> list[str]:
    """Write the fields that travel in a bundle; their names relative to it."""
    (folder / "proof").mkdir()
    files = []
    for micrograph in synthetic(EACH_IN_BUNDLE, SIDE_IN_BUNDLE):
        assert micrograph.nm_per_px is not None
        files.append(f"proof/{micrograph.source}.tif")
        write_tiff(folder / files[-1], micrograph.pixels, micrograph.nm_per_px[0], "zlib")
    return files


def _read(samples: Sequence[Sample], most: int, report: Callable[[str], None]) -> list[Micrograph]:
    """At most `most` of them, evenly chosen; one that cannot be read is reported and left out."""
    micrographs = []
    for index in np.unique(np.linspace(0, len(samples) - 1, min(most, len(samples))).astype(int)):
        try:
            micrographs.append(read_path(samples[index].path))
        except ReadError as error:
            report(f"left out {samples[index].path}: {error}")
    return micrographs
