"""The race of pretrainings: what a turn is worth, and that every contestant really trains."""

import numpy as np
import pytest
import torch

from nanomorph_benchmarks.pretraining import BARE, OURS, Options, bare_steps, our_steps, race
from nanomorph_training.pretraining.settings import PretrainSettings

SMALL = Options(batch=4, window=32, threads=1, steps=1, rounds=3)
SETTINGS = PretrainSettings(batch=4, window=32, threads=1)


def test_every_contestant_gets_the_same_turns_and_the_first_is_not_counted() -> None:
    turns: list[str] = []
    table = race({name: lambda n, name=name: turns.append(name * n) for name in (OURS, BARE)}, SMALL)
    assert turns == [OURS, BARE] * 4
    assert table[OURS]["n"] == 3
    assert table[OURS]["ours_times"] == [1.0, 1.0, 1.0]


@pytest.mark.parametrize("make", [lambda images: our_steps(images, SETTINGS), lambda _: bare_steps(SMALL, SETTINGS)])
def test_a_turn_is_so_many_updates(make, monkeypatch) -> None:
    images = [np.random.default_rng(n).integers(0, 256, (64, 64)).astype(np.uint8) for n in range(4)]
    updates = []
    step = torch.optim.AdamW.step
    monkeypatch.setattr(torch.optim.AdamW, "step", lambda self, *a: (updates.append(1), step(self, *a))[1])
    make(images)(2)
    assert len(updates) == 2
