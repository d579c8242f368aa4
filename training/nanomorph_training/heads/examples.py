"""The rows that a head learns from: of which micrograph each is, how much it weighs, whether it is as in use."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from nanomorph.majority import OTHER
from nanomorph_training.data import Sample
from nanomorph_training.features import Extractor, NothingFound, Row, Table, gather
from nanomorph_training.heads.fitting import Examples
from nanomorph_training.heads.head import Features

# Domains of a micrograph that are learned from as OTHER: a page of text has a thousand letters, and they are alike.
MOST = 20


def examples(
    samples: Sequence[Sample], extractor: Extractor, kinds: Sequence[str], report: Callable[[str], None]
) -> Examples:
    """The rows of each kind (`field`, `given`, `predicted`); those of the last are as the head will be used.

    Of what is OTHER nobody gives outlines: its domains are those that the segmenter finds, MOST of a micrograph if it
    has more. One that has none teaches nothing.
    """
    others = [n for n, sample in enumerate(samples) if sample.label == OTHER]
    named = [n for n, sample in enumerate(samples) if sample.label != OTHER]
    tables = [_table(named, samples, rows_of(kind, extractor), report) for kind in kinds]
    used = [False] * (len(kinds) - 1) + [True]
    if others:
        kind = "field" if kinds[-1] == "field" else "predicted"
        try:
            tables.append(thinned(_table(others, samples, rows_of(kind, extractor), report), MOST))
            used.append(True)
        except NothingFound:
            report(f"nothing was found in {len(others)} micrographs of `{OTHER}`: no such class is learned")
    of = [samples[n] for table in tables for n in table.sample]
    return Examples(
        _joined([table.features for table in tables]),
        labels=[sample.label for sample in of],
        groups=[sample.group or sample.name for sample in of],
        micrographs=[sample.name for sample in of],
        weight=np.concatenate([1 / np.bincount(table.sample)[table.sample] for table in tables]),
        as_used=np.repeat(used, [len(table.sample) for table in tables]),
    )


def rows_of(kind: str, extractor: Extractor) -> Callable[[Sample], Row]:
    """How rows of a kind (`field`, `given`, `predicted`) are computed."""
    return {"field": extractor.field, "given": extractor.given_domains, "predicted": extractor.predicted_domains}[kind]


def _table(
    chosen: Sequence[int], samples: Sequence[Sample], rows: Callable[[Sample], Row], report: Callable[[str], None]
) -> Table:
    table = gather([samples[n] for n in chosen], rows, report)
    return replace(table, sample=np.array(chosen)[table.sample])


def thinned(table: Table, most: int) -> Table:
    """At most so many rows of each micrograph, spread evenly over all of its."""
    counts = np.unique(table.sample, return_counts=True)[1]
    place, n = np.concatenate([np.arange(count) for count in counts]), np.repeat(counts, counts)
    kept = (n <= most) | (place * most // n != (place - 1) * most // n)
    return Table(table.features.at(kept), table.sample[kept])


def _joined(features: Sequence[Features]) -> Features:
    """Embeddings only where all have them: given instances have none."""
    frame = pd.concat([one.descriptors for one in features], ignore_index=True)
    embeddings = [one.embedding for one in features if one.embedding is not None]
    alike = len({embedding.shape[1] for embedding in embeddings}) == 1
    return Features(np.vstack(embeddings) if alike else None, frame)
