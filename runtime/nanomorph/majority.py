"""Which answers count as one: votes of domains, and what is no answer. One rule for the runtime and for training."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

# What a domain is that lies farther from all that a head learned from than its threshold.
UNKNOWN = "unknown"
# A class of fields that a head learns like any other, of examples that are none of the others: never an answer.
OTHER = "other"


def voters(novelty: np.ndarray) -> np.ndarray:
    """Bool (N,): the domains that name their micrograph: the known ones (novelty up to 1) while there are any.

    On masks as a model finds them, guesses of what is unlike everything are right as often as by chance
    (training/README.md).
    """
    known = novelty <= 1
    return known if known.any() else np.ones(len(novelty), dtype=bool)


@dataclass(frozen=True, eq=False)
class Vote:
    """winner: a class; fractions: of the domains, float64 (n_classes,); confidence: how sure the winner is, 0 to 1."""

    winner: int
    fractions: np.ndarray
    confidence: float


def majority(best: np.ndarray, sureness: np.ndarray, n_classes: int) -> Vote:
    """The class that most domains have. best: int (N,), the class of every domain; sureness: (N,), how sure that is.

    Of classes with equally many domains the one whose domains are surer together: their order in a list is no reason.
    Confidence is the winner's share as expected from so few: (n + 1) / (N + n_classes), Laplace's rule of succession.
    The bare share calls one lone domain certain (training/README.md: which of the two knows when it is wrong).
    """
    counts = np.bincount(best, minlength=n_classes)
    winner = int(np.lexsort((np.bincount(best, sureness, minlength=n_classes), counts))[-1])
    return Vote(winner, counts / len(best), float((counts[winner] + 1) / (len(best) + n_classes)))
