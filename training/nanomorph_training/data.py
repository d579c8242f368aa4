"""Which micrographs a training run sees, in which groups, how often, and which articles are kept out.

Images of one group (an article, a specimen, a movie) resemble one another: splits go by group, never by image.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from nanomorph.errors import ConfigurationError
from nanomorph_training.micrographs.listing import from_csv, samples_of
from nanomorph_training.micrographs.samples import SYNTHETIC, Sample

__all__ = [
    "Sample",
    "collect",
    "draw",
    "fingerprint",
    "from_csv",
    "group_split",
    "is_held_out",
    "labelled_samples",
    "masked_samples",
    "shares",
    "to_learn_from",
    "without_held_out",
]


def is_held_out(group: str) -> bool:
    """True for the quarter of all articles that no stage of training may see.

    The rule: md5 of the group's name, as a number, is divisible by 4. It needs no list, so pretraining,
    segmenter and heads agree on it, and an article added later falls on the same side everywhere.
    Nothing is held out where the group is unknown ("") or synthetic (a name starting with `synthetic`).
    """
    if not group or group.startswith(SYNTHETIC):
        return False
    return int(hashlib.md5(group.encode(), usedforsecurity=False).hexdigest(), 16) % 4 == 0


def collect(paths: Iterable[Path]) -> list[Sample]:
    """All samples of folders, archives, CSV lists and single files, each micrograph once, in a stable order.

    A folder stands for the one CSV with a column `file` in it, for a data set of the reference paper (`paper_sets`),
    for its `images/` and masks folder, or for every micrograph below it and in the archives below it. Raises
    ConfigurationError where a path gives nothing.
    """
    found: dict[tuple[Path, str], Sample] = {}
    for sample in _listed(paths):
        found.setdefault((sample.path.resolve(), sample.member), sample)
    return list(found.values())


def _listed(paths: Iterable[Path]) -> Iterator[Sample]:
    """Every sample as often as it is listed."""
    for path in paths:
        samples = samples_of(Path(path))
        if not samples:
            raise ConfigurationError(
                f"{path} holds no micrograph; name a folder, a file, an archive or a CSV with a column `file`"
            )
        yield from samples


def labelled_samples(paths: Sequence[Path], classes: Sequence[str] | None) -> list[Sample]:
    """Samples that have a label, of the named classes; a folder per class gives its name.

    Raises ConfigurationError where a class has none, and where one micrograph has two labels.
    """
    found: dict[tuple[Path, str], Sample] = {}
    for sample in map(_labelled_by_folder, _listed(paths)):
        first = found.setdefault((sample.path.resolve(), sample.member), sample) if sample.label else sample
        if first.label != sample.label:
            raise ConfigurationError(f"{sample.name} has two labels, {first.label} and {sample.label}: keep one")
    samples = [s for s in found.values() if classes is None or s.label in classes]
    missing = set(classes or ()) - {s.label for s in samples}
    if missing:
        there = ", ".join(sorted({s.label for s in found.values()} - {""})) or "none"
        raise ConfigurationError(f"no micrograph has the label {', '.join(sorted(missing))}; labels are: {there}")
    if not samples:
        raise ConfigurationError(
            f"no micrograph of {', '.join(map(str, paths))} has a label: give a folder that holds a folder per class, "
            "or a CSV with the columns `file` and `label`"
        )
    return samples


def masked_samples(paths: Sequence[Path]) -> list[Sample]:
    """Samples that have a mask. Raises ConfigurationError where there is none."""
    samples = [sample for sample in collect(paths) if sample.mask is not None]
    if not samples:
        raise ConfigurationError(
            "no micrograph has a mask: give CSV lists with columns file and mask (or instance_mask)"
        )
    return samples


def _labelled_by_folder(sample: Sample) -> Sample:
    source = Path(sample.source)
    if sample.label or not source.is_dir():
        return sample
    parts = sample.path.relative_to(source).parts
    return replace(sample, label=parts[0]) if len(parts) > 1 else sample


def group_split(groups: Sequence[str], fraction: float, salt: str = "") -> np.ndarray:
    """Boolean (n,): which samples go to the smaller part. All of a group go the same way; needs no seed.

    A group's side depends on its name and `salt` alone. At least one group lies on each side where there
    are two or more.
    """
    unique = sorted(set(groups), key=lambda group: hashlib.sha256(f"{salt}/{group}".encode()).digest())
    taken = min(max(1, round(fraction * len(unique))), len(unique) - 1) if fraction > 0 else 0
    return np.isin(np.asarray(groups, dtype=object), unique[:taken])


def without_held_out(samples: Sequence[Sample]) -> list[Sample]:
    """The samples that training may see."""
    return [sample for sample in samples if not is_held_out(sample.group)]


def to_learn_from(samples: Sequence[Sample]) -> list[Sample]:
    """As `without_held_out`. Raises ConfigurationError where nothing is left."""
    kept = without_held_out(samples)
    if samples and not kept:
        raise ConfigurationError(
            f"all {len(samples)} micrographs are of groups that are kept for the test: name more groups, or add "
            "--train-on-all"
        )
    return kept


def fingerprint(samples: Sequence[Sample]) -> str:
    """Twelve hex digits that change when a file of the pool is added, removed or replaced by one of another size.

    And where what is known of one changes: its group, label, stated pixel size, or a byte of its mask.
    """
    digest = hashlib.sha256()
    for sample in sorted(samples, key=lambda sample: sample.name):
        member = f"!/{sample.member}" if sample.member else ""
        digest.update(f"{sample.path.name}{member} {sample.path.stat().st_size} {sample.group}\n".encode())
        digest.update(f"{sample.label} {sample.nm_per_px} {sample.by_instance} {sample.annotated}\n".encode())
        if sample.mask is not None:
            digest.update(hashlib.sha256(sample.mask.read_bytes()).digest())
    return digest.hexdigest()[:12]


def shares(sources: Sequence[str], synthetic: Sequence[bool] = (), most_synthetic: float = 1.0) -> np.ndarray:
    """Float64 (n,), sum 1: how often each sample is drawn; a source's share grows with the root of its number.

    So 2,000 synthetic fields do not drown 20 real ones, and 20 are not repeated a hundred times. Synthetic
    samples together get at most `most_synthetic`, where there are others.
    """
    _, index, counts = np.unique(np.asarray(sources, dtype=str), return_inverse=True, return_counts=True)
    weight = (1 / np.sqrt(counts))[index]
    weight /= weight.sum()
    drawn = np.array(synthetic, dtype=bool) if len(synthetic) else np.zeros(len(weight), dtype=bool)
    total = weight[drawn].sum()
    if drawn.any() and not drawn.all() and total > most_synthetic:
        weight = np.where(drawn, weight * most_synthetic / total, weight * (1 - most_synthetic) / (1 - total))
    return weight


def draw(shares: np.ndarray, size: int, rng: np.random.Generator) -> np.ndarray:
    """`size` different samples (if there are so many), each by its share."""
    return rng.choice(len(shares), size=size, replace=size > len(shares), p=shares)
