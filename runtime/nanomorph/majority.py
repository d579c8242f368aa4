"""How the domains of a micrograph name it: one rule for the runtime and for the training that is scored by it."""

from __future__ import annotations

import numpy as np

# What a domain is that lies farther from all that a head learned from than its threshold.
UNKNOWN = "unknown"


def voters(novelty: np.ndarray) -> np.ndarray:
    """Bool (N,): the domains that name their micrograph: the known ones (novelty up to 1) while there are any.

    On masks as a model finds them, guesses of what is unlike everything are right as often as by chance
    (training/README.md).
    """
    known = novelty <= 1
    return known if known.any() else np.ones(len(novelty), dtype=bool)


def majority(best: np.ndarray, confidences: np.ndarray, n_classes: int) -> tuple[int, np.ndarray]:
    """The class that most domains have, and the share of domains (n_classes,) of each class.

    best: int (N,), the class of every domain; confidences: (N,), how sure that is. Of classes with equally many domains
    the one whose domains are surer together: their order in a list is no reason.
    """
    counts = np.bincount(best, minlength=n_classes)
    sureness = np.bincount(best, confidences, minlength=n_classes)
    return int(np.lexsort((sureness, counts))[-1]), counts / len(best)
