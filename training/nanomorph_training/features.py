"""Features of labelled micrographs: embeddings and descriptors, computed once and kept on disk.

Exactly what the runtime computes for an image: prepare, backbone, the finer look, segment, measure.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from nanomorph.atomic import atomic_open
from nanomorph.detail import see
from nanomorph.engines import Engine
from nanomorph.errors import ConfigurationError
from nanomorph.micrograph import Micrograph, ReadError
from nanomorph.prepare import InputSpec, prepare
from nanomorph_training.cache import read_mask
from nanomorph_training.data import Sample
from nanomorph_training.heads import Features

VERSION = "4"


@dataclass(frozen=True, eq=False)
class Row:
    """One micrograph: embedding (D,), and a table of descriptors (one row for a field, a row a domain)."""

    embedding: np.ndarray
    descriptors: pd.DataFrame


@dataclass(frozen=True, eq=False)
class Table:
    """Features of many micrographs and, for every row, the index of its micrograph."""

    features: Features
    sample: np.ndarray


@dataclass(frozen=True, eq=False)
class Extractor:
    """Computes rows with a backbone behind an engine. `key` names its weights."""

    engine: Engine
    key: str
    folder: Path
    threshold: float = 0.5
    spec: InputSpec = InputSpec()

    def field(self, sample: Sample) -> Row:
        """Embedding and field descriptors of a micrograph, from its predicted foreground."""
        return self._stored("field", sample, lambda: self._field(sample))

    def predicted_domains(self, sample: Sample) -> Row:
        """Embedding and descriptors of the domains found in the predicted foreground."""
        return self._stored("predicted", sample, lambda: self._predicted(sample))

    def given_domains(self, sample: Sample) -> Row:
        """Descriptors of the instances of the sample's own mask, edge ones left out. The embedding is empty."""
        return self._stored("given", sample, lambda: given_domains(sample))

    def _segment(self, micrograph: Micrograph) -> tuple[np.ndarray, np.ndarray]:
        from nanomorph.measure import segment

        (seen,) = see(self.engine, [(micrograph, prepare(micrograph, self.spec))], self.spec)
        return seen.embedding, segment(seen.foreground, seen.interior, self.threshold, micrograph.nm_per_px)

    def _field(self, sample: Sample) -> Row:
        from nanomorph.measure import measure
        from nanomorph.readers import read_path

        micrograph = read_path(sample.path)
        embedding, labels = self._segment(micrograph)
        return Row(embedding, pd.DataFrame([measure(labels, micrograph.nm_per_px).field]))

    def _predicted(self, sample: Sample) -> Row:
        from nanomorph.measure import measure_mask
        from nanomorph.readers import read_path

        micrograph = read_path(sample.path)
        embedding, labels = self._segment(micrograph)
        return Row(embedding, whole(measure_mask(labels, micrograph.nm_per_px)))

    def _stored(self, kind: str, sample: Sample, compute: Callable[[], Row]) -> Row:
        path = self.folder / f"{self._name(kind, sample)}.npz"
        if not path.exists():
            row = compute()
            numbers = row.descriptors.select_dtypes(include=["number", "bool"]).astype(float)
            with atomic_open(path) as file:
                np.savez(
                    file, embedding=row.embedding, values=numbers.to_numpy(), columns=np.array(list(numbers), dtype=str)
                )
        with np.load(path, allow_pickle=False) as stored:
            return Row(stored["embedding"], pd.DataFrame(stored["values"], columns=stored["columns"].tolist()))

    def _name(self, kind: str, sample: Sample) -> str:
        files = [sample.path] if sample.mask is None or kind != "given" else [sample.path, sample.mask]
        stats = [(str(file.resolve()), file.stat().st_size, file.stat().st_mtime_ns) for file in files]
        weights = "" if kind == "given" else self.key
        identity = (VERSION, kind, stats, weights, self.threshold, self.spec)
        return f"{kind}-" + hashlib.sha256(repr(identity).encode()).hexdigest()[:32]


def given_domains(sample: Sample) -> Row:
    """Descriptors of the instances that a sample's mask numbers. Raises ConfigurationError where it has no mask."""
    from nanomorph.measure import measure_mask
    from nanomorph.readers import read_path

    if sample.mask is None:
        raise ConfigurationError(
            f"{sample.path} has no instance mask: add a column instance_mask, or use --masks predicted"
        )
    return Row(np.zeros(0, np.float32), whole(measure_mask(read_mask(sample.mask), read_path(sample.path).nm_per_px)))


def whole(domains: pd.DataFrame) -> pd.DataFrame:
    """The domains that the edge does not cut; all of them where it cuts every one (as the runtime judges)."""
    inside = domains[~domains["touches_edge"].astype(bool)]
    return inside if len(inside) else domains


def gather(
    samples: Sequence[Sample], rows: Callable[[Sample], Row], report: Callable[[str], None] = lambda _: None
) -> Table:
    """Rows of all samples in one table; a micrograph that cannot be read is reported and left out.

    Raises ConfigurationError where there is not one row.
    """
    tables, embeddings, index = [], [], []
    for number, sample in enumerate(samples):
        try:
            row = rows(sample)
        except ReadError as error:
            report(f"left out {sample.path}: {error}")
            continue
        tables.append(row.descriptors)
        embeddings.append(np.tile(row.embedding, (len(row.descriptors), 1)))
        index += [number] * len(row.descriptors)
    if not index:
        raise ConfigurationError("no micrograph gave anything to learn from")
    return Table(Features(np.vstack(embeddings), pd.concat(tables, ignore_index=True)), np.array(index))
