"""Features of labelled micrographs: embeddings and descriptors, computed once and kept on disk.

Exactly what the runtime computes for an image: prepare, backbone, the finer look, outlines, segment, measure.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from nanomorph.engine import Engine
from nanomorph.errors import ConfigurationError
from nanomorph.inference.detail import see
from nanomorph.inference.half_contrast import outlined
from nanomorph.measure import Measurement, measure, measure_mask, segment
from nanomorph.micrograph import ReadError
from nanomorph.prepare import InputSpec, prepare
from nanomorph_training.data import Sample
from nanomorph_training.heads.head import Features
from nanomorph_training.journal_rows import JournalRows
from nanomorph_training.micrographs.cache import read_sample
from nanomorph_training.micrographs.masks import read_instances
from nanomorph_training.row_store import Row, RowStore

# Rows of other versions are computed again: what the encoder sees of a micrograph, and what is measured on it.
SEEN, MEASURED = "12", "19"


class NothingFound(ConfigurationError):
    """No micrograph gave a row to learn from."""


@dataclass(frozen=True, eq=False)
class Table:
    """Features of many micrographs and, for every row, the index of its micrograph."""

    features: Features
    sample: np.ndarray


@dataclass(frozen=True, eq=False)
class Extractor:
    """Computes rows with a backbone behind an engine. `key` names its weights.

    embed: uint8 (N, 1, H, W) -> embeddings (N, D), without the work for masks where the backbone can leave it.
    journal: what an earlier run measured with the same weights; it is asked first.
    """

    engine: Engine
    key: str
    store: RowStore
    embed: Callable[[np.ndarray], np.ndarray]
    threshold: float = 0.5
    spec: InputSpec = InputSpec()
    journal: JournalRows | None = None

    def field(self, sample: Sample) -> Row:
        """Embedding and field descriptors of a micrograph, from its predicted foreground."""
        measured = self.journal.field(sample) if self.journal else None
        return measured or self._stored("field", sample, lambda: self._field(sample))

    def predicted_domains(self, sample: Sample) -> Row:
        """Embedding and descriptors of the domains found in the predicted foreground."""
        measured = self.journal.domains(sample) if self.journal else None
        if measured:
            return Row(measured.embedding, whole(measured.descriptors))
        return self._stored("predicted", sample, lambda: self._predicted(sample))

    def turned(self, sample: Sample) -> Row:
        """The mean embedding of a micrograph's eight turns and flips, without descriptors."""
        return self._embedded("turned", sample, turns)

    def upright(self, sample: Sample) -> Row:
        """The embedding of a micrograph as it is, without descriptors."""
        return self._embedded("upright", sample, lambda pixels: [[pixels]])

    def given_domains(self, sample: Sample) -> Row:
        """Descriptors of the instances of the sample's own mask, edge ones left out. The embedding is empty."""
        return stored_given_domains(sample, self.store)

    def _measured(self, sample: Sample) -> tuple[np.ndarray, Measurement]:
        """The embedding, and what is measured on the predicted foreground, as a run has them."""
        micrograph = read_sample(sample)
        (seen,) = see(self.engine, [(micrograph, prepare(micrograph, self.spec))], self.spec)
        foreground = outlined(seen, micrograph.pixels, self.threshold)
        labels = segment(foreground, seen.interior, self.threshold, micrograph.nm_per_px)
        return seen.embedding, measure(labels, micrograph.nm_per_px, rows=seen.field_rows)

    def _field(self, sample: Sample) -> Row:
        embedding, measured = self._measured(sample)
        return Row(embedding, pd.DataFrame([measured.field]))

    def _embedded(self, kind: str, sample: Sample, views: Callable[[np.ndarray], list[list[np.ndarray]]]) -> Row:
        """The mean over views, those of one shape at a time."""

        def compute() -> Row:
            pixels = prepare(read_sample(sample), self.spec).pixels
            embeddings = [self.embed(np.stack(same)[:, None]) for same in views(pixels)]
            return Row(np.concatenate(embeddings).mean(axis=0), pd.DataFrame(index=[0]))

        return self.store.row(kind, [sample.path], (SEEN, self.key, self.spec, *_stated(sample)), compute)

    def _predicted(self, sample: Sample) -> Row:
        embedding, measured = self._measured(sample)
        return Row(embedding, whole(measured.domains))

    def _stored(self, kind: str, sample: Sample, compute: Callable[[], Row]) -> Row:
        return self.store.row(
            kind, [sample.path], (SEEN, MEASURED, self.key, self.threshold, self.spec, *_stated(sample)), compute
        )


def _stated(sample: Sample) -> tuple[float | str, ...]:
    """What of a sample its file does not say, part of a row's key: the pixel size that a list gives, its member."""
    return tuple(value for value in (sample.nm_per_px, sample.member) if value)


def turns(pixels: np.ndarray) -> list[list[np.ndarray]]:
    """The eight turns and flips of (H, W), those of one shape together."""
    upright, lying = (pixels, pixels[::-1, ::-1]), (np.rot90(pixels), np.rot90(pixels, 3))
    return [[*pair, *(view[:, ::-1] for view in pair)] for pair in (upright, lying)]


def stored_given_domains(sample: Sample, store: RowStore) -> Row:
    """`given_domains`, computed once; no backbone has a say in it."""
    files = [sample.path] if sample.mask is None else [sample.path, sample.mask]
    return store.row("given", files, (MEASURED, *_stated(sample)), lambda: given_domains(sample))


def given_domains(sample: Sample) -> Row:
    """Descriptors of the instances that a sample's mask numbers. Raises ConfigurationError where it has no mask."""
    if sample.mask is None:
        raise ConfigurationError(
            f"{sample.name} has no instance mask: add a column instance_mask, or use --masks predicted"
        )
    return Row(np.zeros(0, np.float32), whole(measure_mask(read_instances(sample.mask), read_sample(sample).nm_per_px)))


def whole(domains: pd.DataFrame) -> pd.DataFrame:
    """The domains that the edge does not cut; all of them where it cuts every one (as the runtime judges)."""
    inside = domains[~domains["touches_edge"].astype(bool)]
    return inside if len(inside) else domains


def gather(
    samples: Sequence[Sample], rows: Callable[[Sample], Row], report: Callable[[str], None] = lambda _: None
) -> Table:
    """Rows of all samples in one table; a micrograph that cannot be read is reported and left out.

    Raises NothingFound where there is not one row.
    """
    tables, embeddings, index = [], [], []
    for number, sample in enumerate(samples):
        try:
            row = rows(sample)
        except ReadError as error:
            report(f"left out {sample.name}: {error}")
            continue
        tables.append(row.descriptors)
        embeddings.append(np.tile(row.embedding, (len(row.descriptors), 1)))
        index += [number] * len(row.descriptors)
    if not index:
        raise NothingFound("no micrograph gave anything to learn from")
    return Table(Features(np.vstack(embeddings), pd.concat(tables, ignore_index=True)), np.array(index))
