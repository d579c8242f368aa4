"""What every training run does at its start: check that it may go on, and open what can be read."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import fields
from typing import Any, TypeVar

from nanomorph.errors import ConfigurationError
from nanomorph.micrograph import ReadError
from nanomorph_training.micrographs.samples import Sample
from nanomorph_training.runs.run_folder import RunFolder, plain, versions

T = TypeVar("T")


def must_match(state: Mapping[str, Any], settings: Any, fingerprint: str) -> None:
    """A resumed run must be the run that was stopped. Raises ConfigurationError naming what differs.

    An option that is younger than the run had what is its default today.
    """
    now, then = plain(settings), {f.name: f.default for f in fields(settings)} | dict(state["settings"])
    changed = [name for name in now if now[name] != then[name] and name != "threads"]
    if changed:
        raise ConfigurationError(
            f"the run to resume had other options: {', '.join(changed)}; give them again or a new --out"
        )
    if fingerprint != state["data_fingerprint"]:
        raise ConfigurationError("the data changed since the run was stopped; give a new --out")


def resumed(state: Mapping[str, Any], run: RunFolder) -> tuple[int, dict[str, Any]]:
    """The step that a stopped run goes on with, and its state; what was logged after that step is forgotten."""
    run.forget_after(state["step"])
    run.say(f"resumed at step {state['step']} of {state['total_steps']}")
    return state["step"], dict(state)


def begun(kind: str, settings: Any, fingerprint: str, n_images: int, total_steps: int) -> dict[str, Any]:
    """What the checkpoint of every training says of it, before its first step. kind: `encoder` or `backbone`."""
    return {
        "kind": kind,
        "encoder": settings.encoder,
        "settings": plain(settings),
        "data_fingerprint": fingerprint,
        "n_images": n_images,
        "total_steps": total_steps,
        "step": 0,
        "versions": versions(),
    }


def readable(samples: Iterable[Sample], load: Callable[[Sample], T], run: RunFolder) -> list[T]:
    """What `load` makes of the samples; a micrograph that cannot be read is logged and left out."""
    loaded = []
    for sample in samples:
        try:
            loaded.append(load(sample))
        except ReadError as error:
            run.say(f"left out {sample.name}: {error}")
    return loaded
