"""What nanomorph knows of one micrograph when it is done with it."""

from __future__ import annotations

from dataclasses import dataclass
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
    probabilities: per class; for a domain-level task the fraction of known domains with that label (`majority.voters`).
    """

    task: str
    label: str
    confidence: float
    decision: str
    novelty: float
    probabilities: dict[str, float]


@dataclass(frozen=True, eq=False)
class Analysis:
    """The result of one micrograph.

    mask: int32 (H, W) in recorded pixels, 0 = background, else the domain's number.
    domains: one row a domain; wires: one row a wire; field: field descriptors by column name; embedding: float32 (D,).
    """

    micrograph: Micrograph
    sha256: str
    labels: tuple[Judgement, ...]
    mask: np.ndarray
    domains: pd.DataFrame
    wires: pd.DataFrame
    field: dict[str, float]
    embedding: np.ndarray
    bundle: str
    provider: str
    precision: str
