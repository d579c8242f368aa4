"""Show how far a run is: counts, the last micrographs, what is held or set aside and why.

Only reads: a running `batch` or `watch` is not disturbed.
"""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from nanomorph.cli.options import argument, option
from nanomorph.errors import ConfigurationError
from nanomorph.naming import printable


@dataclass(frozen=True)
class Options:
    dir: Path = argument("dir", "a run's output folder", type=Path)
    last: int = option("how many of the last micrographs to show (default: 10)", default=10, type=int)
    json: bool = option("print JSON for programs", default=False, type=bool)

    def __post_init__(self) -> None:
        if self.last < 0:
            raise ConfigurationError(f"--last {self.last}: give 0 or more.")


def run(options: Options) -> int:
    """Print the state of a run."""
    found = facts(options.dir, options.last)
    print(json.dumps(found, indent=2) if options.json else in_words(found))
    return 0


def facts(out: Path, last: int) -> dict[str, Any]:
    """Everything that is shown. Raises JournalError where `out` holds no run."""
    from nanomorph.journal import JournalReader, locate_existing, writer_of

    path = locate_existing(out)
    with JournalReader.open(path) as journal:
        return {
            "journal": str(path),
            "writer": writer_of(path),
            "state": journal.recall("state"),
            "state_since": journal.recall("state_since"),
            "counts": journal.counts() | {"held": len(journal.held())},
            "last": [
                {"micrograph": name, "processed_at": at, "labels": labels} for at, name, labels in journal.latest(last)
            ],
            "held": [asdict(one) for one in journal.held()],
            "quarantined": [asdict(one) for one in journal.last_quarantined(last)],
        }


def in_words(found: dict[str, Any]) -> str:
    """For a person at a terminal."""
    writer = found["writer"]
    lines = [f"running: {writer}" if writer else "not running"]
    if found["state"]:
        lines.append(f"{'' if writer else 'last '}state since {found['state_since']}: {found['state']}")
    lines.append(", ".join(f"{n} {state}" for state, n in found["counts"].items()))
    lines += _section("last micrographs", [_micrograph(one) for one in found["last"]])
    lines += _section("held (seen, not ready; tried again by itself)", [_waiting(one) for one in found["held"]])
    lines += _section("set aside last (quarantine.csv has all)", [_bad(one) for one in found["quarantined"]])
    return "\n".join(lines)


def _section(title: str, lines: list[str]) -> list[str]:
    return ["", f"{title}:", *(f"  {printable(line)}" for line in lines)] if lines else []


def _micrograph(one: dict[str, Any]) -> str:
    labels = [f"{cells['task']}: {cells['label'] or '-'} ({cells['decision']})" for cells in one["labels"]]
    return f"{one['processed_at']}  {one['micrograph']}  {', '.join(labels)}"


def _waiting(one: dict[str, Any]) -> str:
    return f"{one['name']}  {one['reason']}: {one['detail']} (since {one['since']}, {one['tries']} tries)"


def _bad(one: dict[str, Any]) -> str:
    return f"{one['name']}  {one['reason']}: {one['detail']}"
