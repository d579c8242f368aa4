"""Rows that an earlier `batch` or `watch` measured: a head is learned from them without reading an image."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from nanomorph.bundle import Bundle
from nanomorph.errors import ConfigurationError
from nanomorph.journal import JournalReader, Measured, locate
from nanomorph_training.data import Sample
from nanomorph_training.row_store import Row


@dataclass(frozen=True, eq=False)
class JournalRows:
    """What a run's journal holds, by the content of the micrographs (sha256 of their files).

    Domains are as domains.csv has them, six digits a number; embeddings and field descriptors are unrounded.
    """

    measured: Mapping[str, Measured]

    @classmethod
    def open(cls, out: Path, bundle: Bundle) -> JournalRows:
        """Of the folder of a run. Raises ConfigurationError where another backbone measured it, or nothing did."""
        from nanomorph.journal.kept import measures_key

        with JournalReader.open(locate(out)) as journal:
            fits = {one for one in journal.bundles() if journal.recall(measures_key(one)) == bundle.measures}
            rows = [m for m in journal.measured(domains=True, vectors=True) if m.embedding and m.bundle in fits]
        if not rows:
            raise ConfigurationError(
                f"--journal {out} holds nothing that bundle {bundle.name} ({bundle.fingerprint}) or another of its "
                "backbone measured: give the --encoder that it was measured with, or leave --journal out"
            )
        return cls({row.sha256: row for row in rows})

    def field(self, sample: Sample) -> Row | None:
        """Embedding and field descriptors; None where this micrograph was not measured."""
        found = self._find(sample)
        return None if found is None else Row(_embedding(found), pd.DataFrame([found.descriptors]))

    def domains(self, sample: Sample) -> Row | None:
        """Embedding and descriptors of all domains; None where this micrograph was not measured."""
        found = self._find(sample)
        if found is None:
            return None
        text = found.domains
        columns = list(found.domain_columns)
        table = pd.read_csv(io.StringIO(text), header=None, names=columns) if text else pd.DataFrame(columns=columns)
        return Row(_embedding(found), table)

    def _find(self, sample: Sample) -> Measured | None:
        with open(sample.path, "rb") as file:
            return self.measured.get(hashlib.file_digest(file, "sha256").hexdigest())


def _embedding(measured: Measured) -> np.ndarray:
    return np.frombuffer(measured.embedding, "<f4")
