"""The segmentation study: a segmenter on every encoder from few masks and from all, and Otsu beside them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from nanomorph.bundle import MANIFEST
from nanomorph.errors import ConfigurationError
from nanomorph_training.classical import OTSU
from nanomorph_training.data import Sample, is_held_out
from nanomorph_training.micrographs.cache import Cache
from nanomorph_training.runs.run_folder import RunFolder
from nanomorph_training.study.contestants import IMAGENET, RANDOM, Contestant
from nanomorph_training.study.draws import Draw, draws, possible_sizes
from nanomorph_training.study.outcome import Compared, Line, Study
from nanomorph_training.study.segment import Masked, Trials
from nanomorph_training.study.settings import HELD_OUT, StudySettings
from nanomorph_training.study.statistics import mean_difference


def segmentation(
    samples: Sequence[Sample], encoders: Sequence[Contestant], settings: StudySettings, cache: Path, run: RunFolder
) -> Study:
    """Train and judge everything; every training is a run folder of its own that goes on where it was stopped.

    Raises ConfigurationError where an encoder is a bundle, which cannot be trained further, or where `steps` are
    neither one number nor one for each size.
    """
    _require_runs(encoders)
    groups = [sample.group or sample.name for sample in samples]
    held_out = [is_held_out(sample.group) for sample in samples]
    found = draws(np.zeros(len(samples), int), groups, settings.n_draws, settings.test_share, settings.seed, held_out)
    sizes = sizes_with_all(found, settings.sizes)
    steps = steps_by_size(sizes, settings.steps)
    trials = Trials(samples, settings, Cache(cache), run)
    results = [trials.learned(one, draw, n, steps[n]) for n in sizes for draw in found for one in encoders]
    results += [trials.otsu(draw, n) for n in sizes for draw in found]
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


def _require_runs(encoders: Sequence[Contestant]) -> None:
    for one in encoders:
        if (one.path / MANIFEST).is_file():
            raise ConfigurationError(f"--encoder {one.path} is a bundle and cannot be trained: give its training run")


def sizes_with_all(found: Sequence[Draw], wanted: Sequence[int]) -> list[int]:
    """The sizes that every draw can give, and the largest of all: as many as the poorest draw has."""
    most = min(len(draw.order[0]) for draw in found)
    return sorted({*possible_sizes(found, wanted), most})


def steps_by_size(sizes: Sequence[int], steps: Sequence[int]) -> dict[int, int]:
    """How long a segmenter learns from so many masks: few masks are learned sooner.

    Raises ConfigurationError where `steps` are neither one number nor one for each size.
    """
    if len(steps) not in (1, len(sizes)):
        raise ConfigurationError(
            f"--steps has {len(steps)} numbers; give one, or one each for {', '.join(map(str, sizes))} masks"
        )
    return dict(zip(sizes, steps if len(steps) > 1 else [*steps] * len(sizes), strict=True))


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
    if settings.drawn:
        notes.append(f"and half of its windows from drawn fields: {', '.join(map(str, settings.drawn))}")
    if settings.test != HELD_OUT:
        notes.append(f"encoders may have seen some of the tested micrographs, without masks: --test {HELD_OUT}")
    return notes
