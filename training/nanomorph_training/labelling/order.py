"""Which micrograph a person is asked about next: few answers should teach much."""

from __future__ import annotations

import hashlib
from collections.abc import Hashable, Sequence

from nanomorph_training.labelling.guesses import Guess
from nanomorph_training.micrographs.samples import Sample


def asking_order(samples: Sequence[Sample], groups: Sequence[str], guesses: Sequence[Guess | None]) -> list[int]:
    """Indices of all samples, in the order of asking.

    With guesses: one of each guessed class in turn, the least sure first (uncertainty sampling, Lewis and Gale 1994; in
    turn, because the unsure ones of one class are all alike). Without: one of each group in turn. Of equals, and within
    a group, by a hash of the name: neighbours in a series resemble one another.
    """
    kinds: list[Hashable] = [
        group if guess is None else (guess.label,) for group, guess in zip(groups, guesses, strict=True)
    ]
    order = sorted(range(len(samples)), key=lambda k: (_sureness(guesses[k]), _drawn(samples[k].name)))
    turn: dict[Hashable, int] = {}
    rounds = {}
    for k in order:
        rounds[k] = turn[kinds[k]] = turn.get(kinds[k], -1) + 1
    return sorted(order, key=lambda k: rounds[k])


def _sureness(guess: Guess | None) -> float:
    """Uncertain answers before unknown ones: those a person can decide. What was not seen comes first."""
    if guess is None:
        return -1.0
    return guess.confidence + ("uncertain", "unknown", "accepted").index(guess.decision)


def _drawn(name: str) -> bytes:
    return hashlib.sha256(name.encode("utf-8", "surrogateescape")).digest()
