"""A run stopped and resumed ends with the bits of a run never stopped; damage is named."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import nn

from nanomorph.errors import ConfigurationError, FatalError
from nanomorph_training.micrographs.cache import Cache
from nanomorph_training.optim import build_optimiser
from nanomorph_training.pretraining.monitors import spread
from nanomorph_training.pretraining.run import pretrain
from nanomorph_training.pretraining.settings import Conduct, PretrainSettings
from nanomorph_training.pretraining.trainer import Trainer
from nanomorph_training.runs.checkpoint import (
    Checkpoint,
    load_checkpoint,
    optimiser_tensors,
    restore_optimiser,
    save_checkpoint,
)

TINY = PretrainSettings(window=32, batch=4, steps=4, hidden=16, dim=8, threads=1)


def test_a_checkpoint_comes_back_as_it_was(tmp_path: Path) -> None:
    tensors = {"model.a": torch.randn(2, 3), "model.b": torch.tensor(7), "other.a": torch.zeros(1)}
    save_checkpoint(tmp_path, Checkpoint(tensors, {"step": 3, "name": "ä"}))
    got = load_checkpoint(tmp_path)
    assert (got.state["step"], got.state["name"]) == (3, "ä")
    assert set(got.part("model")) == {"a", "b"}
    assert torch.equal(got.tensors["model.a"], tensors["model.a"])
    assert json.loads((tmp_path / "checkpoint.json").read_text(encoding="utf-8")) == got.state


@pytest.mark.parametrize("damage", [lambda b: b[: len(b) // 2], lambda _: b"", lambda b: b"x" * len(b)])
def test_a_damaged_checkpoint_is_named(tmp_path: Path, damage) -> None:
    save_checkpoint(tmp_path, Checkpoint({"a": torch.zeros(100)}, {}))
    path = tmp_path / "checkpoint.safetensors"
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(ConfigurationError, match=r"checkpoint\.safetensors is damaged"):
        load_checkpoint(tmp_path)


def test_a_folder_without_checkpoint_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="is no training run"):
        load_checkpoint(tmp_path)


@pytest.mark.parametrize("name", ["adamw", "sgd", "lars"])
def test_an_optimiser_goes_on_where_it_was(name: str) -> None:
    def network() -> nn.Module:
        torch.manual_seed(0)
        return nn.Linear(3, 2)

    def steps(net: nn.Module, optimiser: torch.optim.Optimizer, n: int) -> None:
        for _ in range(n):
            optimiser.zero_grad()
            net(torch.ones(4, 3)).square().sum().backward()
            optimiser.step()

    whole = network()
    steps(whole, build_optimiser(name, [whole], 0.1, 0.01), 4)
    first, second = network(), network()
    before = build_optimiser(name, [first], 0.1, 0.01)
    steps(first, before, 2)
    second.load_state_dict(first.state_dict())
    after = build_optimiser(name, [second], 0.1, 0.01)
    restore_optimiser(after, optimiser_tensors(before))
    steps(second, after, 2)
    for a, b in zip(whole.parameters(), second.parameters(), strict=True):
        assert torch.equal(a, b)


class Killed(Exception):
    """Stands for kill -9."""


@pytest.mark.parametrize("method", ["simclr", "barlow-twins"])
def test_resume_is_bit_identical(pool: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, method: str) -> None:
    settings, cache = replace(TINY, method=method), Cache(tmp_path / "cache")
    pretrain([pool], tmp_path / "whole", settings, cache)

    step = Trainer.step

    def until_third(self: Trainer, number: int, rate: float) -> tuple[float, float]:
        if number == 2:
            raise Killed
        return step(self, number, rate)

    monkeypatch.setattr(Trainer, "step", until_third)
    with pytest.raises(Killed):
        pretrain([pool], tmp_path / "cut", settings, cache, resume=True, conduct=Conduct(save_seconds=0.0))
    monkeypatch.setattr(Trainer, "step", step)
    # A row that the killed run had written after its last checkpoint.
    with open(tmp_path / "cut" / "metrics.csv", "a") as file:
        file.write("3,9.9,0,0,0,0\n4,9.")
    pretrain([pool], tmp_path / "cut", settings, cache, resume=True)

    whole, cut = (load_checkpoint(tmp_path / name) for name in ("whole", "cut"))
    assert whole.tensors.keys() == cut.tensors.keys()
    assert all(torch.equal(whole.tensors[name], cut.tensors[name]) for name in whole.tensors)
    assert metrics(tmp_path / "whole") == metrics(tmp_path / "cut")


def metrics(run: Path) -> list[tuple[str, str, str]]:
    """What does not depend on the clock."""
    with open(run / "metrics.csv", newline="") as file:
        return [(row["step"], row["loss"], row["lr"]) for row in csv.DictReader(file)]


def test_a_resumed_run_must_be_the_same_run(pool: Path, tmp_path: Path) -> None:
    cache = Cache(tmp_path / "cache")
    pretrain([pool], tmp_path / "run", replace(TINY, steps=1), cache)
    with pytest.raises(ConfigurationError, match="other options: lr"):
        pretrain([pool], tmp_path / "run", replace(TINY, steps=1, lr=0.5), cache, resume=True)
    with pytest.raises(ConfigurationError, match="data changed"):
        pretrain(
            [pool.parent / "0.png", pool.parent / "1.png"], tmp_path / "run", replace(TINY, steps=1), cache, resume=True
        )


def test_nan_stops_the_run(pool: Path, tmp_path: Path) -> None:
    with pytest.raises(FatalError, match=r"the loss became (nan|inf) at step"):
        pretrain([pool], tmp_path / "run", replace(TINY, lr=1e30, optimiser="sgd", steps=8), Cache(tmp_path / "cache"))


def test_spread_tells_a_point_from_a_sphere() -> None:
    assert spread(torch.ones(64, 16)) == 0
    assert spread(torch.randn(4096, 16, generator=torch.Generator().manual_seed(0))) == pytest.approx(1, abs=0.05)
