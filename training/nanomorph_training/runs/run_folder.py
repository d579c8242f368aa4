"""A training run's folder: log, metrics.csv, how to repeat it."""

from __future__ import annotations

import csv
import json
import os
import platform
import shlex
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from nanomorph import __version__
from nanomorph.atomic import atomic_open
from nanomorph.errors import ConfigurationError

METRICS, LOG, REPEAT, CHECKPOINT = "metrics.csv", "log.txt", "repeat.txt", "checkpoint.safetensors"


@dataclass(frozen=True)
class RunFolder:
    """Writes what people and later programs read about a run."""

    path: Path

    def say(self, message: str) -> None:
        """To the log and to standard error."""
        print(message, file=sys.stderr, flush=True)
        self.path.mkdir(parents=True, exist_ok=True)
        with open(self.path / LOG, "a", encoding="utf-8") as file:
            file.write(f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ} {message}\n")

    def record(self, row: Mapping[str, Any]) -> None:
        """Append a row to metrics.csv; the first row's keys are its columns, in an older run the columns it had."""
        path = self.path / METRICS
        path.parent.mkdir(parents=True, exist_ok=True)
        columns = _header(path)
        with open(path, "a", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, columns or list(row), extrasaction="ignore")
            if not columns:
                writer.writeheader()
            writer.writerow(row)

    def forget_after(self, step: int) -> None:
        """Drop the rows of metrics.csv that a resumed run will write again, and a line cut by a kill."""
        path = self.path / METRICS
        if not path.exists():
            return
        with open(path, encoding="utf-8", newline="") as file:
            header, *rows = list(csv.reader(file)) or [[]]
        kept = [row for row in rows if len(row) == len(header) and int(row[header.index("step")]) <= step]
        with atomic_open(path, "w") as file:
            csv.writer(file).writerows([header, *kept])

    def write_repeat(self, command: str, options: Mapping[str, Any], data_fingerprint: str = "") -> None:
        """repeat.txt: the command line, the versions and the data (where it had some) that made this run."""
        lines = [
            "# From the same data and versions this command makes the same run.",
            command_line(command, options),
            "",
            f"folder: {Path.cwd()}",
            *([f"data fingerprint: {data_fingerprint}"] if data_fingerprint else []),
            *(f"{name}: {value}" for name, value in versions().items()),
        ]
        with atomic_open(self.path / REPEAT, "w") as file:
            file.write("\n".join(lines) + "\n")


class Silent(RunFolder):
    """The folder of a process that leaves all writing to the first of its run."""

    def say(self, message: str) -> None:
        """Nothing."""

    def record(self, row: Mapping[str, Any]) -> None:
        """Nothing."""

    def forget_after(self, step: int) -> None:
        """Nothing."""

    def write_repeat(self, command: str, options: Mapping[str, Any], data_fingerprint: str = "") -> None:
        """Nothing."""


def require_new(out: Path, resume: str) -> None:
    """Raises ConfigurationError where `out` holds a run that is not to be gone on with (`auto`)."""
    if resume == "no" and (out / CHECKPOINT).exists():
        raise ConfigurationError(f"{out} already holds a run: add --resume auto, or give another --out")


def _header(path: Path) -> list[str]:
    if not path.exists():
        return []
    with open(path, encoding="utf-8", newline="") as file:
        return next(csv.reader(file), [])


def command_line(command: str, options: Mapping[str, Any]) -> str:
    """`nanomorph COMMAND --flag value ...` that gives these options again."""
    words = ["nanomorph", command]
    for name, value in options.items():
        flag = "--" + name.replace("_", "-")
        if value is True:
            words.append(flag)
        elif value is not None and value is not False and value not in ("", [], ()):
            values = value if isinstance(value, (list, tuple)) else [value]
            words += [flag, *(str(v) for v in values)]
    return shlex.join(words)


def versions() -> dict[str, str]:
    """Of the code and what its numbers depend on."""
    return {
        "nanomorph": __version__,
        "commit": _commit(),
        "python": platform.python_version(),
        "machine": platform.machine(),
        **_torch(),
    }


def _torch() -> dict[str, str]:
    """Version and threads of torch, where this run has loaded it: a head learned from a bundle does not."""
    torch = sys.modules.get("torch")
    return {} if torch is None else {"torch": torch.__version__, "threads": str(torch.get_num_threads())}


def _commit() -> str:
    here = Path(__file__).parent
    answer = subprocess.run(
        ["git", "-C", str(here), "describe", "--always", "--dirty"],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "GIT_OPTIONAL_LOCKS": "0"},
    )
    return answer.stdout.strip() or "unknown"


def plain(options: Any) -> dict[str, Any]:
    """A dataclass of options as JSON values."""
    return json.loads(json.dumps(asdict(options), default=str))
