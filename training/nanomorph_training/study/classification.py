"""The classification study: every entrant on every draw, beside its baselines."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from nanomorph.errors import ConfigurationError
from nanomorph_training.classical import WHOLE_IMAGE
from nanomorph_training.data import Sample
from nanomorph_training.heads.fitting import encode
from nanomorph_training.runs.run_folder import RunFolder
from nanomorph_training.scores import NOTHING, balanced_accuracy
from nanomorph_training.study.classify import Entrant, Outcome, outcomes
from nanomorph_training.study.contestants import IMAGENET, RANDOM, Contestant
from nanomorph_training.study.draws import Draw, draws, possible_sizes
from nanomorph_training.study.entrants import SUPERVISED, entrants
from nanomorph_training.study.outcome import Compared, Line, Study
from nanomorph_training.study.pool import Pool
from nanomorph_training.study.settings import FIELD, HELD_OUT, PREDICTED, TRANSFER, StudySettings
from nanomorph_training.study.statistics import difference

JUDGED_WORDS = {PREDICTED: "predicted domains", TRANSFER: "predicted domains, learned from given masks"}
BEST_CLASSICAL = "best classical"


def classification(
    samples: Sequence[Sample], encoders: Sequence[Contestant], settings: StudySettings, cache: Path, run: RunFolder
) -> Study:
    """Fit and judge everything. Raises ConfigurationError where the data allow no draw."""
    y, classes = encode([sample.label for sample in samples], settings.labels)
    pool = Pool(samples, y, classes, cache, run.say)
    found = draws(y, pool.groups, settings.n_draws, settings.test_share, settings.seed, pool.held_out)
    sizes = possible_sizes(found, settings.sizes)
    if not sizes:
        raise ConfigurationError(f"no draw can give {min(settings.sizes)} labels of every class: label more")
    run.say(f"{len(samples)} micrographs of {', '.join(classes)}; {len(found)} draws of {', '.join(map(str, sizes))}")
    done: dict[str, list[Outcome]] = {}
    for entrant, judge in entrants(pool, encoders, settings):
        these = list(outcomes(entrant, judge, found, sizes))
        done.setdefault(name_of(entrant), []).extend(these)
        most = [_score(one, y) for one in these if one.per_class == sizes[-1]]
        run.say(f"{name_of(entrant)}, seed {entrant.replica}: {np.median(most):.3f} with {sizes[-1]} a class")
    return Study(
        title=f"Labels per class: {', '.join(classes)}",
        measure="balanced accuracy",
        size_name="labels per class",
        rows=[_row(one, y, pool.groups) for these in done.values() for one in these],
        lines=[Line(name, _by_size(these, y)) for name, these in done.items()],
        compared=list(_compared(done, y, pool.groups)),
        notes=_notes(pool, found, settings),
    )


def name_of(entrant: Entrant) -> str:
    """The line of the table that an entrant belongs to; seeds of one training share it."""
    parts = [entrant.name, JUDGED_WORDS.get(entrant.judged, "")]
    if entrant.judged == FIELD and entrant.sees in ("descriptors", "both"):
        parts.append({"descriptors": "field descriptors", "both": "embedding and field descriptors"}[entrant.sees])
    return ", ".join(filter(None, parts))


def _score(outcome: Outcome, y: np.ndarray) -> float:
    return balanced_accuracy(y[outcome.draw.test], outcome.guess)


def _by_size(these: Sequence[Outcome], y: np.ndarray) -> dict[int, list[float]]:
    table: dict[int, list[float]] = {}
    for one in these:
        table.setdefault(one.per_class, []).append(_score(one, y))
    return table


def _row(outcome: Outcome, y: np.ndarray, groups: Sequence[str]) -> dict[str, Any]:
    """One line of scores.csv."""
    entrant, tested = outcome.entrant, outcome.draw.test
    return {
        "entrant": entrant.name,
        "seed": entrant.replica,
        "judged": entrant.judged,
        "sees": entrant.sees,
        "labels_per_class": outcome.per_class,
        "draw": outcome.draw.number,
        "n_labelled": len(outcome.draw.labelled(outcome.per_class)),
        "n_test": len(tested),
        "groups_test": len({groups[n] for n in tested}),
        "accuracy": float((outcome.guess == y[tested]).mean()),
        "balanced_accuracy": _score(outcome, y),
        "nothing_found": int((outcome.guess == NOTHING).sum()),
    }


def _compared(done: dict[str, list[Outcome]], y: np.ndarray, groups: Sequence[str]) -> Iterator[Compared]:
    """Everything learned against each baseline, size by size; the best classical is chosen for each size."""
    for name, these in done.items():
        if these[0].entrant.name in {RANDOM, IMAGENET, SUPERVISED, *WHOLE_IMAGE}:
            continue
        for size in sorted({one.per_class for one in these}):
            mine = [one for one in these if one.per_class == size]
            for baseline, other in _baselines(done, size, y):
                yield Compared(name, baseline, size, difference(mine, other, y, groups))


def _baselines(done: dict[str, list[Outcome]], size: int, y: np.ndarray) -> Iterator[tuple[str, list[Outcome]]]:
    at = {name: [one for one in these if one.per_class == size] for name, these in done.items()}
    yield from ((name, at[name]) for name in (RANDOM, IMAGENET, SUPERVISED) if at.get(name))
    classical = [at[name] for name in WHOLE_IMAGE if at.get(name)]
    if classical:
        yield BEST_CLASSICAL, max(classical, key=lambda these: float(np.median([_score(one, y) for one in these])))


def _notes(pool: Pool, found: Sequence[Draw], settings: StudySettings) -> list[str]:
    counts = Counter(pool.classes[k] for k in pool.y)
    tested = [len(draw.test) for draw in found]
    split = "the held-out groups" if settings.test == HELD_OUT else f"at least {settings.test} of each class"
    notes = [
        f"{len(pool.y)} micrographs of {len(set(pool.groups))} groups: "
        + ", ".join(f"{name} {counts[name]}" for name in pool.classes),
        f"{len(found)} draws, the same for every line; tested: {split}, whole groups that no label was drawn from, "
        f"{min(tested)} to {max(tested)} micrographs a draw",
        "embeddings: " + ("the mean of eight turns and flips" if settings.turned else "of the micrograph as it is"),
        f"{BEST_CLASSICAL}: of those here the one of the highest median at that size, chosen on the test itself",
    ]
    if settings.test != HELD_OUT:
        notes.append(
            "encoders and segmenters may have seen some of the tested micrographs (an encoder without their labels, a "
            f"segmenter with their masks): --test {HELD_OUT} leaves out what this project's trainings have seen"
        )
    if FIELD in settings.judged and not settings.supervised_steps:
        notes.append("full supervised training is left out, as it trains a network for every draw: --supervised-steps")
    return notes
