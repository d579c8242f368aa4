"""What the page shows and what it may change, whatever serves it."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from nanomorph_training.labelling.guesses import Guess
from nanomorph_training.labelling.order import asking_order
from nanomorph_training.labelling.pictures import picture_of
from nanomorph_training.labelling.sheet import Sheet
from nanomorph_training.micrographs.samples import Sample


class Session:
    """One person labelling micrographs into one list. Micrographs are numbered in the order of asking.

    classes: offered in this order; others that the list holds come after them. Safe to call from several threads.
    """

    def __init__(
        self,
        samples: Sequence[Sample],
        groups: Sequence[str],
        sheet: Sheet,
        classes: Sequence[str],
        guesses: Sequence[Guess | None],
    ) -> None:
        order = asking_order(samples, groups, guesses)
        self.samples = [samples[k] for k in order]
        self._groups = [groups[k] for k in order]
        self._guesses = [guesses[k] for k in order]
        self.sheet = sheet
        self._classes = list(classes)
        self._lock = threading.Lock()

    def state(self) -> dict[str, Any]:
        """For the page: the list's name, the classes, and of every micrograph its name, group, label and guess."""
        with self._lock:
            offered = list(dict.fromkeys([*self._classes, *self.sheet.classes()]))
            items = [
                {
                    "name": sample.name,
                    "group": group,
                    "label": self.sheet.label_of(sample),
                    "guess": None if guess is None else asdict(guess),
                }
                for sample, group, guess in zip(self.samples, self._groups, self._guesses, strict=True)
            ]
        return {"list": str(self.sheet.path), "classes": offered, "items": items}

    def give(self, number: int, label: str) -> None:
        """Label a micrograph, "" to take the label back. Raises IndexError, OutputError."""
        if not 0 <= number < len(self.samples):
            raise IndexError(f"there is no micrograph {number}")
        with self._lock:
            self.sheet.give(self.samples[number], label.strip(), self._groups[number])

    def picture(self, number: int) -> bytes:
        """PNG of a micrograph. Raises ReadError, IndexError."""
        if not 0 <= number < len(self.samples):
            raise IndexError(f"there is no micrograph {number}")
        return picture_of(self.samples[number])
