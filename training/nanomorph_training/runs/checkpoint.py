"""A training run's state on disk: safetensors plus JSON, whole or absent, never a pickle.

checkpoint.safetensors is the truth: tensors, and in its header the JSON state, so that the two cannot fall
apart. checkpoint.json is the same state for people. Every random draw of a run is a function of its seed
and step, so weights, optimiser and step are all there is to keep.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from nanomorph.atomic import atomic_open
from nanomorph.errors import ConfigurationError
from nanomorph_training.runs.run_folder import CHECKPOINT

STATE = "checkpoint.json"
SCHEMA = 1


@dataclass(frozen=True, eq=False)
class Checkpoint:
    """tensors: by dotted name, such as `model.encoder.conv1.weight`. state: JSON values."""

    tensors: dict[str, Tensor]
    state: dict[str, Any] = field(default_factory=dict)

    def part(self, prefix: str) -> dict[str, Tensor]:
        """The tensors under `prefix.`, without it."""
        return {n.removeprefix(prefix + "."): t for n, t in self.tensors.items() if n.startswith(prefix + ".")}


def save_checkpoint(run: Path, checkpoint: Checkpoint) -> None:
    """Write atomically; a kill at any moment leaves the checkpoint before."""
    text = json.dumps({"schema": SCHEMA, **checkpoint.state}, indent=1, sort_keys=True)
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in checkpoint.tensors.items()}
    with atomic_open(run / CHECKPOINT) as file:
        file.write(save(tensors, metadata={"state": text}))
    with atomic_open(run / STATE, "w") as file:
        file.write(text + "\n")


def load_checkpoint(run: Path) -> Checkpoint:
    """Read a run's checkpoint. Raises ConfigurationError naming what is missing or damaged."""
    path = run / CHECKPOINT
    if not path.is_file():
        raise ConfigurationError(f"{run} is no training run: it has no {CHECKPOINT}")
    try:
        with safe_open(path, framework="pt") as file:
            state = json.loads((file.metadata() or {})["state"])
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (not a dict)
    except (SafetensorError, OSError, KeyError, ValueError) as error:
        raise ConfigurationError(f"{path} is damaged ({error}); delete it and repeat the run") from error
    if state.get("schema", 0) > SCHEMA:
        raise ConfigurationError(f"{path} was written by a newer nanomorph: update nanomorph")
    return Checkpoint(tensors, state)


def stopped(run: Path, resume: bool) -> Checkpoint | None:
    """What a run left that was stopped, where it is to be gone on with."""
    return load_checkpoint(run) if resume and (run / CHECKPOINT).exists() else None


def flatten(prefix: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Tensors named `prefix.NAME`."""
    return {f"{prefix}.{name}": tensor for name, tensor in tensors.items()}


def optimiser_tensors(optimiser: torch.optim.Optimizer) -> dict[str, Tensor]:
    """An optimiser's state as tensors `PARAMETER.NAME`; hyperparameters are the options' business."""
    state = optimiser.state_dict()["state"]
    return {
        f"{index}.{name}": torch.as_tensor(value) for index, entry in state.items() for name, value in entry.items()
    }


def restore_optimiser(optimiser: torch.optim.Optimizer, tensors: Mapping[str, Tensor]) -> None:
    """Put `optimiser_tensors` back into an optimiser over the same parameters."""
    whole = optimiser.state_dict()
    for key, tensor in tensors.items():
        index, _, name = key.partition(".")
        whole["state"].setdefault(int(index), {})[name] = tensor
    optimiser.load_state_dict(whole)
