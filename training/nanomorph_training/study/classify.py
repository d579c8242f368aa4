"""Few-label classification: fit on the labelled part of every draw, judge its test part."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from nanomorph_training.features import Table
from nanomorph_training.heads.fitting import Design, Examples, fit_head
from nanomorph_training.heads.head import Head
from nanomorph_training.scores import NOTHING, Domains, verdicts
from nanomorph_training.study.draws import Draw


@dataclass(frozen=True)
class Entrant:
    """One line of the table. name: what it is. replica: which seed of it. judged: what is labelled and how it is
    found, `field`, `given` or `predicted` domains. sees: `embedding`, `descriptors`, `both` or `pixels`.
    """

    name: str
    replica: int
    judged: str
    sees: str


@dataclass(frozen=True, eq=False)
class Outcome:
    """What an entrant said in one draw with `per_class` labels: class numbers of `draw.test`, NOTHING where nothing
    was found to judge."""

    entrant: Entrant
    draw: Draw
    per_class: int
    guess: np.ndarray


# From indices of labelled and of tested micrographs to the class numbers of the tested.
Judge = Callable[[np.ndarray, np.ndarray], np.ndarray]


@dataclass(frozen=True, eq=False)
class HeadJudge:
    """Logistic regression as `fit-head` fits it, on cached features; a micrograph takes its known domains' majority.

    learned, judged: rows of micrographs as they are when labelled and when tested (given masks, predicted ones).
    y: classes of all micrographs. descriptors: columns that it sees beside the embedding.
    by_domain: rows are domains, not micrographs.
    """

    learned: Table
    judged: Table
    y: np.ndarray
    groups: Sequence[str]
    uses_embedding: bool
    descriptors: tuple[str, ...] = ()
    by_domain: bool = False

    def __call__(self, labelled: np.ndarray, tested: np.ndarray) -> np.ndarray:
        rows = np.flatnonzero(np.isin(self.learned.sample, labelled))
        of = self.learned.sample[rows]
        guess = np.full(len(tested), NOTHING)
        if len(set(self.y[of].tolist())) <= self.y.max():
            return guess  # nothing was found in any example of a class
        examples = Examples(
            self.learned.features.at(rows),
            labels=[str(label) for label in self.y[of]],
            groups=[self.groups[n] for n in of],
            micrographs=[str(n) for n in of],
            weight=1 / np.bincount(of)[of],
        )
        level, classes = "domain" if self.by_domain else "field", [str(label) for label in range(self.y.max() + 1)]
        head = fit_head(examples, Design("study", level, classes, self.descriptors, self.uses_embedding)).head
        at = np.flatnonzero(np.isin(self.judged.sample, tested))
        if len(at):
            said = self._said(head, at)
            place = {micrograph: n for n, micrograph in enumerate(tested.tolist())}
            guess[[place[micrograph] for micrograph in said]] = list(said.values())
        return guess

    def _said(self, head: Head, at: np.ndarray) -> dict[int, int]:
        """By micrograph of the rows `at`: its class."""
        features, micrograph = self.judged.features.at(at), self.judged.sample[at]
        probabilities, novelty = head(features)
        domains = Domains(micrograph, novelty, head.labels) if self.by_domain else None
        _, guess, _ = verdicts(probabilities, np.zeros(len(at), int), domains)
        return dict(zip(dict.fromkeys(micrograph.tolist()), guess.tolist(), strict=True))


def outcomes(entrant: Entrant, judge: Judge, draws: Sequence[Draw], sizes: Sequence[int]) -> Iterator[Outcome]:
    """What an entrant says in every draw with every number of labels."""
    for per_class in sizes:
        for draw in draws:
            yield Outcome(entrant, draw, per_class, judge(draw.labelled(per_class), draw.test))
