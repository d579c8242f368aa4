"""From files to a study on disk."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from nanomorph.errors import ConfigurationError
from nanomorph_training import data
from nanomorph_training.data import Sample, labelled_samples
from nanomorph_training.runs.run_folder import RunFolder
from nanomorph_training.study.contestants import IMAGENET, RANDOM, Contestant, contestants
from nanomorph_training.study.outcome import Study
from nanomorph_training.study.report import write_study
from nanomorph_training.study.settings import CLASSIFICATION, GIVEN, TRANSFER, StudySettings


def study(
    paths: Sequence[Path],
    encoders: Sequence[str],
    out: Path,
    settings: StudySettings,
    cache: Path,
    options: Mapping[str, Any],
) -> Study:
    """Compare encoders on labelled micrographs, write scores, differences, table and figure to `out`.

    options: of the command, for repeat.txt.
    Raises ConfigurationError before any work where data, encoders and settings do not go together.
    """
    run = RunFolder(out)
    samples = studied_samples(paths, settings)
    compared = entered(encoders, settings, cache / "encoders", run)
    if settings.task == CLASSIFICATION:
        from nanomorph_training.study.classification import classification

        found = classification(samples, compared, settings, cache, run)
    else:
        from nanomorph_training.study.segmentation import segmentation

        found = segmentation(samples, compared, settings, cache, run)
    write_study(found, out)
    run.write_repeat("evaluate", options, data.fingerprint(samples))
    return found


def studied_samples(paths: Sequence[Path], settings: StudySettings) -> list[Sample]:
    """Micrographs with a label, or for segmentation with a mask. Raises ConfigurationError where there is none."""
    if settings.task == CLASSIFICATION:
        samples = labelled_samples(paths, settings.labels)
        _require_masks(samples, settings)
        return samples
    return data.masked_samples(paths)


def _require_masks(samples: Sequence[Sample], settings: StudySettings) -> None:
    without = [sample.path for sample in samples if sample.mask is None]
    asked = [judged for judged in (GIVEN, TRANSFER) if judged in settings.judged]
    if without and asked:
        raise ConfigurationError(
            f"--judged {asked[0]} needs a mask of every micrograph: {len(without)} have none, such as {without[0]}"
        )


def entered(words: Sequence[str], settings: StudySettings, folder: Path, run: RunFolder) -> list[Contestant]:
    """The encoders asked for and the untrained ones beside them; ImageNet's where its weights can be had."""
    found = contestants(words, settings.network, settings.random_seeds, folder)
    for baseline in (RANDOM, IMAGENET):
        if baseline not in settings.baselines or baseline in words:
            continue
        try:
            found += contestants([baseline], settings.network, settings.random_seeds, folder)
        except ConfigurationError as error:
            run.say(f"goes on without the {baseline} encoder: {error}")
    return found
