"""What nanomorph knows of one micrograph when it is done with it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from nanomorph.micrograph import Micrograph

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Judgement:
    """One head's verdict on one micrograph.

    confidence: for a domain-level task that of the vote (`majority.Vote`).
    decision: `accepted`, `uncertain` (too close between classes) or `unknown` (unlike anything trained on, or like what
    was labelled `other`; for a domain-level task also: no domain to judge, `label` is then empty).
    novelty: distance to the training data in units of its threshold (1 = the threshold).
    probabilities: per class; for a domain-level task its fraction of the domains that vote (`majority.voters`).
    """

    task: str
    label: str
    confidence: float
    decision: str
    novelty: float
    probabilities: dict[str, float]


@dataclass(frozen=True, eq=False, repr=False)
class Analysis:
    """The result of one micrograph.

    mask: int32 (H, W) in recorded pixels, 0 = background, else the domain's number.
    domain_table, wire_table: arrays (n,) by column, a value for each domain or wire; field: field descriptors by column
    name; embedding: float32 (D,).
    """

    micrograph: Micrograph
    sha256: str
    labels: tuple[Judgement, ...]
    mask: np.ndarray
    domain_table: dict[str, np.ndarray]
    wire_table: dict[str, np.ndarray]
    field: dict[str, float]
    embedding: np.ndarray
    bundle: str
    provider: str
    precision: str

    def __repr__(self) -> str:
        height, width = self.mask.shape
        labels = [f"{one.task} {one.label or '-'} ({one.confidence:.2f}, {one.decision})" for one in self.labels]
        size = f"n_domains={self.n_domains}, {width} x {height} px"
        return f"<Analysis of {self.micrograph.source}: {', '.join(labels)}; {size}>"

    @property
    def n_domains(self) -> int:
        return len(self.domain_table["domain"])

    @cached_property
    def domains(self) -> pd.DataFrame:
        """One row a domain."""
        from nanomorph.measure.frames import frame

        return frame(self.domain_table)

    @cached_property
    def wires(self) -> pd.DataFrame:
        """One row a wire."""
        from nanomorph.measure.frames import frame

        return frame(self.wire_table)
