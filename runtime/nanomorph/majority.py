"""How the domains of a micrograph name it: one rule for the runtime and for the training that is scored by it."""

from __future__ import annotations

import numpy as np


def majority(best: np.ndarray, confidences: np.ndarray, n_classes: int) -> tuple[int, np.ndarray]:
    """The class that most domains have, and the share of domains (n_classes,) of each class.

    best: int (N,), the class of every domain; confidences: (N,), how sure that is. Of classes with equally many domains
    the one whose domains are surer together: their order in a list is no reason.
    """
    counts = np.bincount(best, minlength=n_classes)
    sureness = np.bincount(best, confidences, minlength=n_classes)
    return int(np.lexsort((sureness, counts))[-1]), counts / len(best)
