"""Which micrographs are labelled and which are tested, the same for every encoder: comparisons are paired."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from nanomorph.errors import ConfigurationError


@dataclass(frozen=True, eq=False)
class Draw:
    """One split. No group has a micrograph in both parts.

    order: for each class, indices of the micrographs that may be labelled, in the order in which they are. test:
    indices (m,) of those that are judged.
    """

    number: int
    order: tuple[np.ndarray, ...]
    test: np.ndarray

    def labelled(self, per_class: int) -> np.ndarray:
        """Indices of the first `per_class` of every class: more labels always hold the fewer."""
        return np.concatenate([members[:per_class] for members in self.order])


def draws(
    y: np.ndarray, groups: Sequence[str], n: int, test: float | None, seed: int, held_out: Sequence[bool] = ()
) -> list[Draw]:
    """`n` draws of classes y (int, (n_samples,)).

    test: share of each class that is kept for the test, in whole groups drawn anew every time; None: the samples that
    are `held_out` (n_samples,) every time, of groups that no encoder of this project has seen. Raises
    ConfigurationError where a class would be in one of the parts alone.
    """
    of = np.asarray(groups, dtype=object)
    found = []
    for number in range(n):
        rng = np.random.default_rng([seed, number])
        names = rng.permutation(sorted(set(groups)))
        if test is None:
            in_test = np.array(held_out, dtype=bool)
        else:
            in_test = np.isin(of, list(_test_groups(names, y, of, test)))
        order = tuple(rng.permutation(np.flatnonzero((y == k) & ~in_test)) for k in range(y.max() + 1))
        _require_both(order, y[in_test])
        found.append(Draw(number, order, np.flatnonzero(in_test)))
    return found


def _test_groups(names: np.ndarray, y: np.ndarray, groups: np.ndarray, share: float) -> set[str]:
    """Groups in the order given until each class has its share; one that would add nothing wanted is passed over."""
    wanted = np.ceil(share * np.bincount(y))
    taken: set[str] = set()
    for name in names:
        counts = np.bincount(y[groups == name], minlength=len(wanted))
        if ((counts > 0) & (wanted > 0)).any():
            taken.add(name)
            wanted -= counts
    return taken


def _require_both(order: Sequence[np.ndarray], tested: np.ndarray) -> None:
    if not all(map(len, order)) or len(set(tested.tolist())) < len(order):
        raise ConfigurationError(
            "a class has all its micrographs in one group, or none in one of the parts: it cannot be both learned "
            "and tested; give it micrographs of more groups, leave it out (--labels), or change --test"
        )


def possible_sizes(found: Sequence[Draw], wanted: Sequence[int]) -> list[int]:
    """The numbers of labels a class that every draw can give."""
    most = min(len(members) for draw in found for members in draw.order)
    return [size for size in wanted if size <= most]
