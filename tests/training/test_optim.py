"""Optimiser and schedule against values worked out by hand."""

from __future__ import annotations

from itertools import pairwise

import pytest
import torch
from torch import nn

from nanomorph_training.optim import LARS, build_optimiser, learning_rate


def test_rate_warms_up_then_follows_half_a_cosine() -> None:
    rates = [learning_rate(step, total_steps=13, warmup_steps=4, peak=1.0) for step in range(13)]
    assert rates[:4] == [0.25, 0.5, 0.75, 1.0]
    assert rates[4] == 1.0
    assert rates[8] == pytest.approx(0.5)  # half way through the cosine
    assert rates[12] == pytest.approx(0.0, abs=1e-12)
    assert all(a >= b for a, b in pairwise(rates[4:]))


def test_rate_ends_at_the_final_one() -> None:
    assert learning_rate(99, 100, 10, peak=0.2, final=0.001) == pytest.approx(0.001)
    assert learning_rate(500, 100, 10, peak=0.2, final=0.001) == pytest.approx(0.001)
    assert learning_rate(0, 1, 1, peak=0.2) == 0.2


def test_lars_of_set_h() -> None:
    w = nn.Parameter(torch.tensor([[3.0, 4.0]], dtype=torch.float64))
    bias = nn.Parameter(torch.tensor([3.0, 4.0], dtype=torch.float64))
    optimiser = LARS([w, bias], lr=1.0, weight_decay=0.1, momentum=0.9, eta=0.001)
    expected = [
        ([2.9989523546, 3.9951109879], [3.0, 3.0]),
        ([2.9969627793, 3.9858263036], [3.0, 1.1]),
    ]
    for weights, biases in expected:
        w.grad, bias.grad = torch.tensor([[0.0, 1.0]]).double(), torch.tensor([0.0, 1.0]).double()
        optimiser.step()
        assert w.detach()[0].tolist() == pytest.approx(weights, abs=1e-9)
        assert bias.detach().tolist() == pytest.approx(biases, abs=1e-9)


@pytest.mark.parametrize("name", ["adamw", "sgd", "lars"])
def test_biases_and_norms_do_not_decay(name: str) -> None:
    optimiser = build_optimiser(name, [nn.Linear(2, 2), nn.BatchNorm1d(2)], lr=0.1, weight_decay=0.5)
    decays = {p.ndim: g["weight_decay"] for g in optimiser.param_groups for p in g["params"]}
    assert decays == {2: 0.5, 1: 0.0}


def test_an_unknown_optimiser_is_named() -> None:
    with pytest.raises(ValueError, match="adamw, sgd, lars"):
        build_optimiser("adam", [nn.Linear(1, 1)], 0.1, 0.0)
