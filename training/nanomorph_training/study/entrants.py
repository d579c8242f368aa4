"""Who takes part in a classification study: every encoder in every way asked for, and the baselines beside them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np
import pandas as pd

from nanomorph.measure import FIELD_DESCRIPTORS, SHAPE_DESCRIPTORS
from nanomorph.prepare import InputSpec, prepare
from nanomorph.readers import read_path
from nanomorph_training.classical import WHOLE_IMAGE
from nanomorph_training.data import Sample
from nanomorph_training.encoders import open_extractor, segments
from nanomorph_training.features import Extractor, Table, stored_given_domains
from nanomorph_training.heads.head import Features
from nanomorph_training.row_store import Row, RowStore
from nanomorph_training.study.classify import Entrant, HeadJudge, Judge
from nanomorph_training.study.contestants import Contestant
from nanomorph_training.study.pool import Pool
from nanomorph_training.study.settings import FIELD, GIVEN, PREDICTED, StudySettings

CLASSICAL_VERSION = "2"
GIVEN_MASKS, SUPERVISED = "descriptors of given masks", "supervised, from random weights"


def entrants(pool: Pool, encoders: Sequence[Contestant], settings: StudySettings) -> Iterator[tuple[Entrant, Judge]]:
    """One after another, so that only one encoder is open at a time."""
    for contestant in encoders:
        pool.say(f"{contestant.name} ({contestant.path})")
        extractor = open_extractor(contestant.path, pool.cache, None, settings.threads)
        for judged in (one for one in settings.judged if one != GIVEN):
            yield from _of_encoder(pool, contestant, extractor, judged, settings)
    if GIVEN in settings.judged:
        table = pool.table(lambda sample: stored_given_domains(sample, RowStore(pool.cache / "features")))
        yield Entrant(GIVEN_MASKS, 0, GIVEN, "descriptors"), _domain_head(pool, table, table)
    if FIELD in settings.judged:
        if "classical" in settings.baselines:
            yield from _classical(pool)
        if settings.supervised_steps:
            from nanomorph_training.study.supervised import SupervisedJudge

            yield Entrant(SUPERVISED, 0, FIELD, "pixels"), SupervisedJudge.of(pool, settings)


def _of_encoder(
    pool: Pool, contestant: Contestant, extractor: Extractor, judged: str, settings: StudySettings
) -> Iterator[tuple[Entrant, Judge]]:
    def entrant(sees: str) -> Entrant:
        return Entrant(contestant.name, contestant.replica, judged, sees)

    segmenter = segments(contestant.path)
    measured = [one for one in settings.features if one != "embedding"]
    if not segmenter and (judged != FIELD or measured):
        pool.say(f"{contestant.name} has no segmenter: nothing of it is measured")
    if judged == FIELD:
        field = pool.table(extractor.field) if segmenter and measured else None
        views = extractor.turned if settings.turned else extractor.upright
        seen = field if field and not settings.turned else pool.table(views)
        if "embedding" in settings.features:
            yield entrant("embedding"), _head(pool, seen, seen, True, ())
        if field:
            whole = Table(Features(seen.features.embedding, field.features.descriptors), field.sample)
            for sees in measured:
                yield entrant(sees), _head(pool, whole, whole, sees == "both", FIELD_DESCRIPTORS)
    elif segmenter:
        predicted = pool.table(extractor.predicted_domains)
        learned = predicted if judged == PREDICTED else pool.table(extractor.given_domains)
        yield entrant("descriptors"), _domain_head(pool, learned, predicted)


def _head(pool: Pool, learned: Table, judged: Table, embedding: bool, descriptors: tuple[str, ...]) -> HeadJudge:
    return HeadJudge(learned, judged, pool.y, pool.groups, embedding, descriptors)


def _domain_head(pool: Pool, learned: Table, judged: Table) -> HeadJudge:
    return HeadJudge(learned, judged, pool.y, pool.groups, False, SHAPE_DESCRIPTORS, by_domain=True)


def _classical(pool: Pool) -> Iterator[tuple[Entrant, Judge]]:
    store, spec = RowStore(pool.cache / "features"), InputSpec()
    for name, features in WHOLE_IMAGE.items():

        def row(sample: Sample, name: str = name, features: Callable[[np.ndarray], np.ndarray] = features) -> Row:
            identity = (CLASSICAL_VERSION, name, spec)
            return store.row("classical", [sample.path], identity, lambda: _classical_row(sample, features, spec))

        table = pool.table(row)
        yield Entrant(name, 0, FIELD, "pixels"), _head(pool, table, table, True, ())


def _classical_row(sample: Sample, features: Callable[[np.ndarray], np.ndarray], spec: InputSpec) -> Row:
    """Of the same pixels that an encoder sees."""
    prepared = prepare(read_path(sample.path), spec)
    height, width = prepared.shape
    return Row(features(prepared.pixels[:height, :width]), pd.DataFrame(index=[0]))
