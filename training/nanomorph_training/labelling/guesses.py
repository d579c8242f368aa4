"""What an earlier run said of the micrographs that a person is about to label."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from nanomorph.errors import ConfigurationError
from nanomorph.journal import JournalReader, locate_existing
from nanomorph_training.micrographs.samples import Sample


@dataclass(frozen=True)
class Guess:
    """A row of labels.csv. confidence: 0 to 1; decision: accepted, uncertain or unknown."""

    label: str
    confidence: float
    decision: str


@dataclass(frozen=True, eq=False)
class Guesses:
    """by_name: of the micrographs that a run measured, under the run's names; classes: of the task, in order."""

    by_name: dict[str, Guess]
    classes: tuple[str, ...]

    @classmethod
    def of_run(cls, out: Path, task: str | None) -> Guesses:
        """From a folder of results. Raises ConfigurationError where it is not clear which task is meant."""
        with JournalReader.open(locate_existing(out)) as journal:
            tasks = journal.tasks()
            if task is None and len(tasks) == 1:
                task = next(iter(tasks))
            if task not in tasks:
                known = ", ".join(sorted(tasks)) or "none"
                raise ConfigurationError(f"--task says which answers of {out} are meant; it has {known}")
            rows = [(m.name, row) for m in journal.measured() for row in m.labels if row["task"] == task]
        found = {name: Guess(row["label"], float(row["confidence"] or 0), row["decision"]) for name, row in rows}
        return cls(found, tasks[task])

    def of(self, samples: Sequence[Sample]) -> list[Guess | None]:
        """For each micrograph what the run said; None where it did not see it.

        A run calls a micrograph by its path below the folder that it was given: the end of the whole path.
        """
        return [next((self.by_name[name] for name in _ends(s.name) if name in self.by_name), None) for s in samples]


def _ends(name: str) -> list[str]:
    """`a/b/c`, `b/c`, `c`: the longest first."""
    parts = name.replace("\\", "/").split("/")
    return ["/".join(parts[k:]) for k in range(len(parts))]
