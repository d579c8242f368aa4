"""The segmentation study: a segmenter on every encoder from few masks and from all, and Otsu beside them."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from nanomorph.atomic import atomic_open
from nanomorph.bundle import MANIFEST
from nanomorph.errors import ConfigurationError
from nanomorph_training.cache import Cache, read_mask
from nanomorph_training.classical import otsu
from nanomorph_training.data import Sample, is_held_out
from nanomorph_training.run_folder import RunFolder
from nanomorph_training.scores import overlap
from nanomorph_training.study.contestants import IMAGENET, RANDOM, Contestant
from nanomorph_training.study.draws import Draw, draws, possible_sizes
from nanomorph_training.study.outcome import Compared, Line, Study
from nanomorph_training.study.settings import HELD_OUT, StudySettings
from nanomorph_training.study.statistics import mean_difference
from nanomorph_training.targets import FOREGROUND

OTSU = "Otsu, border decides the sign"


@dataclass(frozen=True, eq=False)
class Masked:
    """Dice and IoU (m,) of an entrant on the test part of a draw, learned from `size` masks."""

    name: str
    replica: int
    draw: Draw
    size: int
    dice: np.ndarray
    iou: np.ndarray


def segmentation(
    samples: Sequence[Sample], encoders: Sequence[Contestant], settings: StudySettings, cache: Path, run: RunFolder
) -> Study:
    """Train and judge everything; every training is a run folder of its own that goes on where it was stopped.

    Raises ConfigurationError where an encoder is a bundle, which cannot be trained further, or where `steps` are
    neither one number nor one for each size.
    """
    for one in encoders:
        if (one.path / MANIFEST).is_file():
            raise ConfigurationError(f"--encoder {one.path} is a bundle and cannot be trained: give its training run")
    groups = [sample.group or sample.name for sample in samples]
    held_out = [is_held_out(sample.group) for sample in samples]
    found = draws(np.zeros(len(samples), int), groups, settings.draws, settings.test_share, settings.seed, held_out)
    sizes = sizes_with_all(found, settings.sizes)
    steps = steps_by_size(sizes, settings.steps)
    decoded = Cache(cache)
    results = [
        _learned(samples, one, draw, size, steps[size], settings, decoded, run)
        for size in sizes
        for draw in found
        for one in encoders
    ]
    results += [_otsu(samples, draw, size, decoded) for size in sizes for draw in found]
    frozen = "frozen" if settings.encoder_lr == 0 else "fine-tuned"
    return Study(
        title=f"Foreground by labelled images, encoders {frozen}",
        measure="Dice",
        size_name="labelled images",
        rows=[_row(one, groups) for one in results],
        lines=_lines(results, sizes),
        compared=list(_compared(results, sizes, groups)),
        notes=_notes(samples, groups, found, steps, settings),
    )


def sizes_with_all(found: Sequence[Draw], wanted: Sequence[int]) -> list[int]:
    """The sizes that every draw can give, and the largest of all: as many as the poorest draw has."""
    most = min(len(draw.order[0]) for draw in found)
    return sorted({*possible_sizes(found, wanted), most})


def steps_by_size(sizes: Sequence[int], steps: Sequence[int]) -> dict[int, int]:
    """How long a segmenter learns from so many masks: few masks are learned sooner."""
    if len(steps) not in (1, len(sizes)):
        raise ConfigurationError(
            f"--steps has {len(steps)} numbers; give one, or one each for {', '.join(map(str, sizes))} masks"
        )
    return dict(zip(sizes, steps if len(steps) > 1 else [*steps] * len(sizes), strict=True))


def _learned(
    samples: Sequence[Sample],
    encoder: Contestant,
    draw: Draw,
    size: int,
    steps: int,
    settings: StudySettings,
    cache: Cache,
    run: RunFolder,
) -> Masked:
    from nanomorph_training.segmentation.run import fit_segmenter
    from nanomorph_training.segmentation.settings import SegmenterSettings
    from nanomorph_training.segmentation.trained import foreground_threshold, load_backbone

    folder = run.path / "runs" / f"{encoder.name}-{encoder.replica}" / f"{size}-images" / f"draw-{draw.number}"
    listed = folder / "labelled.csv"
    _write_list(listed, [samples[n] for n in draw.labelled(size)])
    run.say(f"{encoder.name}, seed {encoder.replica}: {size} masks, draw {draw.number}")
    fit_segmenter(
        [listed],
        encoder.path,
        folder,
        SegmenterSettings(
            encoder=settings.network,
            window=settings.window,
            batch=settings.batch,
            amp=settings.amp,
            steps=steps,
            encoder_lr=settings.encoder_lr,
            seed=settings.seed + encoder.replica,
            threads=settings.threads,
            train_on_all=True,  # the draw has set its test apart
        ),
        cache,
        resume=True,
    )
    from nanomorph_training.predict import predict

    backbone, threshold = load_backbone(folder), foreground_threshold(folder)
    scores = _scores(samples, draw, cache, lambda image: predict(backbone, image)[1] >= threshold)
    return Masked(encoder.name, encoder.replica, draw, size, *scores)


def _otsu(samples: Sequence[Sample], draw: Draw, size: int, cache: Cache) -> Masked:
    """The same at every size: it learns nothing."""
    return Masked(OTSU, 0, draw, size, *_scores(samples, draw, cache, otsu))


def _scores(
    samples: Sequence[Sample], draw: Draw, cache: Cache, segment: Callable[[np.ndarray], np.ndarray]
) -> tuple[np.ndarray, np.ndarray]:
    tested = [samples[n] for n in draw.test]
    pairs = [(np.asarray(cache.image(s)), np.asarray(cache.target(s)) & FOREGROUND > 0) for s in tested]
    dice, iou = np.array([overlap(segment(image), truth) for image, truth in pairs]).T
    return dice, iou


def _write_list(path: Path, samples: Sequence[Sample]) -> None:
    with atomic_open(path, "w") as file:
        writer = csv.writer(file)
        writer.writerow(("file", "mask", "instance_mask", "group", "nm_per_px"))
        for n, s in enumerate(samples):
            assert s.mask is not None
            mask = str((_plain(s.mask, path.with_suffix("") / f"{n}.png") if s.annotated else s.mask).resolve())
            given = ("", mask) if s.by_instance else (mask, "")
            writer.writerow((s.path.resolve(), *given, s.group, "" if s.nm_per_px is None else s.nm_per_px))


def _plain(annotated: Path, out: Path) -> Path:
    """An annotated micrograph's foreground as a mask of its own: a list has no column that says what it is."""
    out.parent.mkdir(exist_ok=True)
    mask = read_mask(annotated, annotated=True).astype(np.uint8) * np.uint8(255)
    with atomic_open(out) as file:
        file.write(cv2.imencode(".png", mask)[1].tobytes())
    return out


def _row(one: Masked, groups: Sequence[str]) -> dict[str, Any]:
    return {
        "entrant": one.name,
        "seed": one.replica,
        "labelled_images": one.size,
        "draw": one.draw.number,
        "n_test": len(one.dice),
        "groups_test": len({groups[n] for n in one.draw.test}),
        "dice": float(one.dice.mean()),
        "iou": float(one.iou.mean()),
        "median_dice": float(np.median(one.dice)),
    }


def _lines(results: Sequence[Masked], sizes: Sequence[int]) -> list[Line]:
    def scores(name: str) -> dict[int, list[float]]:
        return {size: [float(m.dice.mean()) for m in results if (m.name, m.size) == (name, size)] for size in sizes}

    return [Line(name, scores(name)) for name in dict.fromkeys(one.name for one in results)]


def _compared(results: Sequence[Masked], sizes: Sequence[int], groups: Sequence[str]) -> Iterator[Compared]:
    names = dict.fromkeys(one.name for one in results)
    baselines = [name for name in (RANDOM, IMAGENET, OTSU) if name in names]
    for name in names:
        for baseline in baselines if name not in baselines else ():
            for size in sizes:
                a, b = ([(m.draw, m.dice) for m in results if (m.name, m.size) == (x, size)] for x in (name, baseline))
                yield Compared(name, baseline, size, mean_difference(a, b, groups))


def _notes(
    samples: Sequence[Sample],
    groups: Sequence[str],
    found: Sequence[Draw],
    steps: dict[int, int],
    settings: StudySettings,
) -> list[str]:
    tested = [len(draw.test) for draw in found]
    split = "the held-out groups" if settings.test == HELD_OUT else f"{settings.test} of the micrographs"
    notes = [
        f"{len(samples)} micrographs of {len(set(groups))} groups; {len(found)} draws, the same for every line",
        f"tested: {split}, whole groups that no mask was drawn from, {min(tested)} to {max(tested)} micrographs a draw",
        f"every segmenter: {', '.join(str(n) for n in dict.fromkeys(steps.values()))} steps"
        f"{' by size' if len(set(steps.values())) > 1 else ''} of {settings.batch} windows of {settings.window} px in "
        f"{settings.amp}; the last column is all masks that every draw has; `random` fine-tuned is full supervised "
        "training",
    ]
    if settings.test != HELD_OUT:
        notes.append(f"encoders may have seen some of the tested micrographs, without masks: --test {HELD_OUT}")
    return notes
