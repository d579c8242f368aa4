"""Which answers count as one: votes of domains, and what is no answer. One rule for the runtime and for training."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

# What a domain is that lies farther from all that a head learned from than its threshold, or that is OTHER.
UNKNOWN = "unknown"
# A class that a head learns like any other, of fields or domains that are none of the others: never an answer.
OTHER = "other"


def is_known(best: np.ndarray, novelty: np.ndarray, labels: Sequence[str]) -> np.ndarray:
    """Bool (N,): the domains that are of a named class, and not farther from all that was learned than the threshold.

    best: int (N,), the place in a head's `labels` of every domain's class; novelty: (N,), 1 is the threshold.
    """
    named = np.array([label != OTHER for label in labels])
    return np.array((novelty <= 1) & named[best])


def voters(best: np.ndarray, novelty: np.ndarray, labels: Sequence[str]) -> np.ndarray:
    """Bool (N,): the domains that name their micrograph: the known ones while there are any. See `is_known`.

    Else what is like OTHER, else all. On masks as a model finds them, guesses of what is unlike everything are right as
    often as by chance (docs/history.md).
    """
    for some in (is_known(best, novelty, labels), novelty <= 1):
        if some.any():
            return some
    return np.ones(len(best), dtype=bool)


def is_unknown(best: np.ndarray, novelty: np.ndarray, labels: Sequence[str]) -> bool:
    """Whether a micrograph of these domains is unknown, however surely some of them name it: where most of them are.

    Among dirt, letters and wires some always look like particles: were those asked alone, more such frames would be
    accepted than by a head without OTHER (docs/history.md).
    """
    return bool(np.median(novelty) > 1 or is_known(best, novelty, labels).mean() < 0.5)


@dataclass(frozen=True, eq=False)
class Vote:
    """winner: a class; fractions: of the domains, float64 (n_classes,); confidence: how sure the winner is, 0 to 1."""

    winner: int
    fractions: np.ndarray
    confidence: float


def majority(best: np.ndarray, sureness: np.ndarray, labels: Sequence[str]) -> Vote:
    """The class that most domains have. best: int (N,), the place in `labels` of every domain's class; sureness: (N,),
    how sure that is.

    Of classes with equally many domains the one whose domains are surer together: their order in a list is no reason.
    Confidence is the winner's share as expected from so few: (n + 1) / (N + classes), Laplace's rule of succession.
    OTHER is no class to it, having no vote beside others, and one class alone counts as two. The bare share calls one
    lone domain certain (docs/history.md: which of the two knows when it is wrong).
    """
    counts = np.bincount(best, minlength=len(labels))
    winner = int(np.lexsort((np.bincount(best, sureness, minlength=len(labels)), counts))[-1])
    n_named = max(2, len(labels) - (OTHER in labels))
    return Vote(winner, counts / len(best), float((counts[winner] + 1) / (len(best) + n_named)))
