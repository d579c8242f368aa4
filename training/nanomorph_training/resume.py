"""What every training run does at its start: check that it may go on, and open what can be read."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

from nanomorph.errors import ConfigurationError
from nanomorph.micrograph import ReadError
from nanomorph_training.data import Sample
from nanomorph_training.run_folder import RunFolder, plain

T = TypeVar("T")


def must_match(state: Mapping[str, Any], settings: Any, fingerprint: str) -> None:
    """A resumed run must be the run that was stopped. Raises ConfigurationError naming what differs."""
    now = plain(settings)
    changed = [name for name in now if now[name] != state["settings"].get(name) and name != "threads"]
    if changed:
        raise ConfigurationError(
            f"the run to resume had other options: {', '.join(changed)}; give them again or a new --out"
        )
    if fingerprint != state["data_fingerprint"]:
        raise ConfigurationError("the data changed since the run was stopped; give a new --out")


def readable(samples: Iterable[Sample], load: Callable[[Sample], T], run: RunFolder) -> list[T]:
    """What `load` makes of the samples; a micrograph that cannot be read is logged and left out."""
    loaded = []
    for sample in samples:
        try:
            loaded.append(load(sample))
        except ReadError as error:
            run.say(f"left out {sample.path}: {error}")
    return loaded
