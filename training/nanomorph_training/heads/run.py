"""From labelled files to a head: features, the split that keeps whole groups for the test, fit, scores."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from nanomorph.errors import ConfigurationError
from nanomorph.majority import OTHER, is_unknown
from nanomorph.measure import FIELD_DESCRIPTORS, SHAPE_DESCRIPTORS
from nanomorph.micrograph import ReadError
from nanomorph_training import data, scores
from nanomorph_training.data import Sample
from nanomorph_training.encoders import open_extractor, segments
from nanomorph_training.features import Extractor, Row
from nanomorph_training.heads import remarks
from nanomorph_training.heads.doubts import DOUBTS, write_doubts
from nanomorph_training.heads.examples import examples
from nanomorph_training.heads.fitting import Design, HeadSettings, fit_head
from nanomorph_training.heads.head import Features, Head, save_head
from nanomorph_training.heads.options import HeadOptions
from nanomorph_training.micrographs.cache import default_folder
from nanomorph_training.runs.run_folder import RunFolder, plain, versions

logger = logging.getLogger(__name__)


def fit_from_files(options: HeadOptions) -> Head:
    """Fit and save the head that the options describe; its metrics hold the scores on the held-out groups."""
    samples = _samples(options)
    has_masks = segments(options.encoder)
    if not has_masks:
        options = _without_masks(options, samples)
    run = RunFolder(options.out)
    if not has_masks:
        run.say(f"{options.encoder} has no segmenter: nothing of its masks is learned from")
    for remark in remarks.on_samples(samples, len(data.collect([*options.data, *(options.other or ())]))):
        run.say(remark)
    training = samples if options.train_on_all else data.to_learn_from(samples)
    test = [] if options.train_on_all else [sample for sample in samples if data.is_held_out(sample.group)]
    run.say(f"{options.task}: {len(training)} micrographs to learn from, {len(test)} of other groups kept for the test")
    cache = options.cache or default_folder()
    extractor = open_extractor(options.encoder, cache, options.threshold, options.threads, options.journal)
    settings = HeadSettings(
        options.embedding_weight, options.false_alarms, options.accepted_accuracy, seed=options.seed
    )
    fit = fit_head(examples(training, extractor, options.kinds, run.say), _design(options, training), settings)
    if fit.out_of_fold is None:
        run.say(remarks.on_validation(training))
    write_doubts(options.out / DOUBTS, fit)
    fingerprint = data.fingerprint(samples)
    fit.head.metrics.update(_test_scores(fit.head, test, extractor, has_masks))
    fit.head.metrics.update({"data_fingerprint": fingerprint, "encoder": extractor.key})
    fit.head.metrics.update({"threshold": extractor.threshold, "versions": versions()})
    save_head(fit.head, options.out)
    run.write_repeat("fit-head", plain(options), fingerprint)
    return fit.head


def _without_masks(options: HeadOptions, samples: Sequence[Sample]) -> HeadOptions:
    """The options for an encoder that has learned no foreground: raises ConfigurationError where they need it."""
    by_domain = options.level == "domain"
    if by_domain and any(sample.label == OTHER for sample in samples):
        raise ConfigurationError(
            f"{options.encoder} has no segmenter to find the domains of `{OTHER}`: name a run of fit-segmenter"
        )
    wants_masks = options.masks != "given" if by_domain else options.features in {"descriptors", "both"}
    if wants_masks:
        raise ConfigurationError(
            f"{options.encoder} has no segmenter, so nothing can be measured on its masks: name a run of "
            f"fit-segmenter, or use {'--masks given' if by_domain else '--features embedding'}"
        )
    return options if by_domain else replace(options, features="embedding")


def _samples(options: HeadOptions) -> list[Sample]:
    samples = data.labelled_samples(options.data, options.labels)
    others = data.collect(options.other or ())
    labelled = {(sample.path.resolve(), sample.member) for sample in samples}
    if twice := [sample.name for sample in others if (sample.path.resolve(), sample.member) in labelled]:
        raise ConfigurationError(f"{twice[0]} has a label and is named by --other, too: keep one")
    samples += [replace(sample, label=OTHER) for sample in others]
    remarks.check_labels({sample.label for sample in samples})
    return samples


def _classes(options: HeadOptions, samples: Sequence[Sample]) -> list[str]:
    """In the order asked for, or of the alphabet; OTHER last."""
    named = dict.fromkeys(options.labels or sorted({sample.label for sample in samples}))
    if any(sample.label == OTHER for sample in samples):
        named.pop(OTHER, None)
        named[OTHER] = None
    return list(named)


def _design(options: HeadOptions, samples: Sequence[Sample]) -> Design:
    measured = options.descriptors or (FIELD_DESCRIPTORS if options.level == "field" else SHAPE_DESCRIPTORS)
    return Design(
        options.task,
        options.level,
        _classes(options, samples),
        () if options.features == "embedding" else measured,
        options.uses_embedding,
    )


def _test_scores(head: Head, samples: Sequence[Sample], extractor: Extractor, has_masks: bool) -> dict[str, Any]:
    """Scores on groups kept out: `test` (field, or given masks where all have one) and `test_predicted` masks.

    has_masks: whether the encoder has learned to predict any.
    """
    samples = [sample for sample in samples if sample.label in head.labels]
    if not samples:
        return {}
    if head.level == "field":
        return {"test": held_out_score(head, samples, extractor.field)}
    found = {"test_predicted": held_out_score(head, samples, extractor.predicted_domains)} if has_masks else {}
    named = [sample for sample in samples if sample.label != OTHER]
    if named and not head.uses_embedding and all(s.mask is not None for s in named):
        found["test"] = held_out_score(head, named, extractor.given_domains)
    return found


def held_out_score(head: Head, samples: Sequence[Sample], rows: Callable[[Sample], Row]) -> dict[str, Any]:
    """Score a head micrograph by micrograph; one in which nothing was found counts as wrong.

    What is OTHER is judged rightly where it is unknown. One that cannot be read does not count; {} where none can.
    """
    truth, guess = [], []
    for sample in samples:
        try:
            said, unknown = _verdict(head, rows(sample))
        except ReadError as error:
            logger.warning("left out %s: %s", sample.name, error)
            continue
        truth.append(head.labels.index(sample.label))
        guess.append(truth[-1] if unknown and sample.label == OTHER else said)
    return scores.score(np.array(truth), np.array(guess), head.labels) if truth else {}


def _verdict(head: Head, row: Row) -> tuple[int, bool]:
    """The class of a micrograph, and whether it is unknown however sure that is."""
    if row.descriptors.empty:
        return scores.NOTHING, True
    embedding = np.tile(row.embedding, (len(row.descriptors), 1))
    probabilities, novelty = head(Features(embedding, row.descriptors))
    one = np.zeros(len(novelty), int)
    guess = scores.verdicts(probabilities, one, scores.Domains(one, novelty, head.labels))[1][0]
    return int(guess), is_unknown(probabilities.argmax(axis=1), novelty, head.labels)
