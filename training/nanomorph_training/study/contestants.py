"""What competes in a study: encoders by name, each a training run or a bundle on disk.

`random` and `imagenet` become run folders too, so that whatever takes a run takes them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from nanomorph.bundle import bundle_folder
from nanomorph.errors import ConfigurationError
from nanomorph_training.runs.run_folder import CHECKPOINT

RANDOM, IMAGENET = "random", "imagenet"


@dataclass(frozen=True)
class Contestant:
    """An encoder. Several of one `name` are seeds of the same training: tables pool them. `replica`: which of them."""

    name: str
    replica: int
    path: Path


def contestants(words: Sequence[str], network: str, random_seeds: int, folder: Path) -> list[Contestant]:
    """Encoders of the words `RUN`, `BUNDLE`, `NAME=RUN`, `random` and `imagenet`, in their order, each once.

    random_seeds: how many `random` stands for. folder: where the untrained encoders are kept. Raises
    ConfigurationError where there is nothing at a path or (imagenet) the weights cannot be had.
    """
    found: list[Contestant] = []
    for word in dict.fromkeys(words):
        if word == RANDOM:
            paths = [untrained(network, "random", seed, folder) for seed in range(random_seeds)]
            found += [Contestant(RANDOM, seed, path) for seed, path in enumerate(paths)]
        elif word == IMAGENET:
            found.append(Contestant(IMAGENET, 0, untrained(network, "imagenet", 0, folder)))
        else:
            name, path = _named(word)
            found.append(Contestant(name, sum(one.name == name for one in found), path))
    return found


def _named(word: str) -> tuple[str, Path]:
    name, equals, path = word.partition("=")
    if not equals or Path(word).exists():
        name, path = Path(word).name, word
    folder = bundle_folder(path)
    if not folder.is_dir():
        raise ConfigurationError(f"--encoder {word}: there is no run and no bundle at {path}")
    return name, folder


def untrained(network: str, weights: str, seed: int, folder: Path) -> Path:
    """A run folder that holds an encoder as it is before any training of ours; made once.

    Raises ConfigurationError where ImageNet weights are neither on this computer nor to be had.
    """
    run = folder / f"{network}-{weights}-{seed}"
    if not (run / CHECKPOINT).is_file():
        _write(run, network, weights, seed)
    return run


def _write(run: Path, network: str, weights: str, seed: int) -> None:
    import torch

    from nanomorph_training.models import MEAN, STD, Encoder
    from nanomorph_training.runs.checkpoint import Checkpoint, flatten, save_checkpoint

    torch.manual_seed(seed)
    encoder = Encoder(network, weights)
    state = {"kind": "encoder", "encoder": network, "mean": MEAN, "std": STD, "weights": weights, "seed": seed}
    save_checkpoint(run, Checkpoint(flatten("model.encoder", encoder.state_dict()), state))
