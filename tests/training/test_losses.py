"""Losses against the values of reference/losses.md (worked out in float64) and against each other."""

from __future__ import annotations

import json
import math
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
import torch
from torch import Tensor

from nanomorph_training.losses import (
    barlow_twins,
    barlow_twins_mean,
    barlow_twins_off_diagonal_floor,
    dice,
    dice_bce,
    nt_xent,
    nt_xent_collapse,
    nt_xent_cross_view,
    nt_xent_floor,
)


def table(rows: list[list[float]]) -> Tensor:
    return torch.tensor(rows, dtype=torch.float64)


# Set C of the reference.
Z1 = [[1.0, 2, 3], [0, -1, 2], [4, 0, -2], [-3, 1, 1]]
Z2 = [[1.0, 1, 3], [1, -2, 2], [3, 1, -2], [-2, 2, 0]]
# Set E: orthogonal columns of mean 0 and variance 1.
H = [[1.0, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1]]


@pytest.mark.parametrize(("t", "value"), [(1, 0.5514447139), (0.5, 0.2395447662), (0.1, 9.079573747e-05)])
def test_nt_xent_of_two_orthogonal_images(t: float, value: float) -> None:
    z = torch.eye(2, dtype=torch.float64)
    assert nt_xent(z, z, t).item() == pytest.approx(value, rel=1e-8)
    assert nt_xent(z, z, t).item() == pytest.approx(math.log(1 + 2 * math.exp(-1 / t)), rel=1e-12)


@pytest.mark.parametrize(("n", "value"), [(4, 1.9459101491), (64, 4.8441870865)])
def test_nt_xent_of_equal_rows_is_its_collapse_value(n: int, value: float) -> None:
    z = torch.ones(n, 3, dtype=torch.float64)
    assert nt_xent(z, z, 0.1).item() == pytest.approx(value, abs=1e-9)
    assert nt_xent_collapse(n) == pytest.approx(value, abs=1e-9)


@pytest.mark.parametrize(("n", "value"), [(64, 0.0048689172), (8, 1.5231036e-4)])
def test_nt_xent_floor(n: int, value: float) -> None:
    # Evenly spread: the corners of a simplex, each pair at cosine -1/(n-1).
    simplex = torch.eye(n, dtype=torch.float64) - 1 / n
    assert nt_xent_floor(n, 0.1) == pytest.approx(value, rel=1e-7)
    assert nt_xent(simplex, simplex, 0.1).item() == pytest.approx(value, rel=1e-7)


@pytest.mark.parametrize(("t", "value"), [(1, 1.172841045275), (0.5, 0.671920912121), (0.1, 0.026930803669)])
def test_nt_xent_of_set_c(t: float, value: float) -> None:
    assert nt_xent(table(Z1), table(Z2), t).item() == pytest.approx(value, abs=1e-11)


@pytest.mark.parametrize(
    ("lambd", "value"), [(0.005, 0.068842920598), (0.0051, 0.068901744992), (1, 0.654145640325), (0, 0.065901700901)]
)
def test_barlow_twins_of_set_c(lambd: float, value: float) -> None:
    assert barlow_twins(table(Z1), table(Z2), lambd).item() == pytest.approx(value, abs=1e-11)


def test_gradients_of_set_c() -> None:
    for loss, value in ((lambda a, b: nt_xent(a, b, 0.1), 0.08856823917623774), (barlow_twins, 0.15289925535783125)):
        z1 = table(Z1).requires_grad_()
        loss(z1, table(Z2)).backward()
        assert z1.grad is not None
        assert z1.grad.norm().item() == pytest.approx(value, rel=1e-10)


def test_barlow_twins_of_set_e() -> None:
    h = table(H)
    column = table([[1.0] * 3, [-1] * 3, [1] * 3, [-1] * 3])
    assert barlow_twins(h, h).item() == pytest.approx(2.99994e-10, rel=1e-5)
    assert barlow_twins(h, -h).item() == pytest.approx(11.99988, abs=1e-8)
    assert barlow_twins(h, h[:, [1, 2, 0]]).item() == pytest.approx(3.0149997, abs=1e-8)
    assert barlow_twins(column, column).item() == pytest.approx(0.0299994003, abs=1e-10)
    assert barlow_twins(torch.ones_like(h), torch.ones_like(h)).item() == 3.0


def test_the_notebooks_losses() -> None:
    z = torch.eye(2, dtype=torch.float64)
    assert nt_xent_cross_view(z, z, 1).item() == pytest.approx(0.3132616875, abs=1e-10)
    same = torch.ones(64, 3, dtype=torch.float64)
    assert nt_xent_cross_view(same, same, 0.1).item() == pytest.approx(math.log(64))
    # Set C: the sums of the reference over their D = 3 and D(D-1) = 6 terms.
    expected = 0.065901700901 / 3 + 0.005 * 0.588243939425 / 6
    assert barlow_twins_mean(table(Z1), table(Z2), 0.005).item() == pytest.approx(expected, abs=1e-11)


def test_the_off_diagonal_cannot_vanish_in_a_small_batch() -> None:
    assert barlow_twins_off_diagonal_floor(64, 1024) == pytest.approx(15620, abs=1)
    # Reached: N - 1 orthogonal columns, each D / (N - 1) times.
    wide = table(H).repeat(1, 2)
    assert barlow_twins(wide, wide, lambd=1, eps=0).item() == pytest.approx(barlow_twins_off_diagonal_floor(4, 6))


def test_losses_do_not_depend_on_order_or_scale() -> None:
    z1, z2 = table(Z1), table(Z2)
    order = [2, 0, 3, 1]
    for loss in (nt_xent, barlow_twins):
        assert loss(z1[order], z2[order]).item() == pytest.approx(loss(z1, z2).item(), rel=1e-12)
        assert loss(z2, z1).item() == pytest.approx(loss(z1, z2).item(), rel=1e-12)
    assert nt_xent(5 * z1, z2).item() == pytest.approx(nt_xent(z1, z2).item(), rel=1e-12)


def test_half_precision_is_computed_in_single() -> None:
    generator = torch.Generator().manual_seed(0)
    z1, z2 = (torch.randn(8, 16, generator=generator).bfloat16() for _ in range(2))
    for loss in (nt_xent, barlow_twins):
        with torch.autocast("cpu", dtype=torch.bfloat16):
            value = loss(z1, z2)
        assert value.dtype == torch.float32
        assert value.item() == pytest.approx(loss(z1.double(), z2.double()).item(), rel=1e-4)


RANK = """
import json, sys, torch, torch.distributed as dist
from nanomorph_training.losses import barlow_twins, barlow_twins_mean, nt_xent, nt_xent_cross_view
rank, store = int(sys.argv[1]), sys.argv[2]
torch.set_num_threads(1)
dist.init_process_group("gloo", init_method=f"file://{store}", rank=rank, world_size=2)
results = {}
for loss in (nt_xent, nt_xent_cross_view, barlow_twins, barlow_twins_mean):
    torch.manual_seed(0)
    z = torch.randn(8, 4, dtype=torch.float64)
    z1 = z[4 * rank : 4 * rank + 4].clone().requires_grad_()
    z2 = torch.load(sys.argv[3], weights_only=True)[4 * rank : 4 * rank + 4]
    value = loss(z1, z2)
    value.backward()
    results[loss.__name__] = [value.item(), z1.grad.tolist()]
print(json.dumps(results))
dist.destroy_process_group()
"""


def test_two_ranks_equal_one_process(tmp_path: Path) -> None:
    """The mean over ranks of the loss, and of the gradient as DDP takes it, are the single process's."""
    torch.manual_seed(0)  # Set F, as in the next test.
    z1, z2 = torch.randn(8, 4, dtype=torch.float64), torch.randn(8, 4, dtype=torch.float64)
    torch.save(z2, tmp_path / "z2")
    command = [sys.executable, "-W", "ignore", "-c", textwrap.dedent(RANK)]
    ranks = [
        subprocess.Popen(
            [*command, str(rank), str(tmp_path / "store"), str(tmp_path / "z2")], stdout=subprocess.PIPE, text=True
        )
        for rank in range(2)
    ]
    answers = [json.loads(rank.communicate(timeout=120)[0]) for rank in ranks]
    for loss in (nt_xent, nt_xent_cross_view, barlow_twins, barlow_twins_mean):
        name = loss.__name__
        whole = z1.clone().requires_grad_()
        value = loss(whole, z2)
        value.backward()
        assert whole.grad is not None
        assert sum(a[name][0] for a in answers) / 2 == pytest.approx(value.item(), rel=1e-12)
        # DDP divides the sum over ranks by their number; each rank holds its own rows' gradient.
        gradient = torch.cat([table(a[name][1]) for a in answers]) / 2
        assert torch.allclose(gradient, whole.grad, rtol=1e-10, atol=1e-14)


def test_set_f_in_one_process() -> None:
    """The reference draws both views with seed 0: z1 first, then z2."""
    torch.manual_seed(0)
    z1, z2 = torch.randn(8, 4, dtype=torch.float64), torch.randn(8, 4, dtype=torch.float64)
    assert nt_xent(z1, z2, 0.1).item() == pytest.approx(7.865398849608065, abs=1e-9)
    assert barlow_twins(z1, z2, 0.005).item() == pytest.approx(5.326445211715443, abs=1e-9)


def test_dice_of_set_g() -> None:
    p = torch.tensor([[[1.0, 1, 0, 0]], [[0, 0, 0, 0]]])
    target = torch.tensor([[[1.0, 0, 0, 0]], [[0, 0, 0, 0]]])
    assert dice(p, target).item() == pytest.approx(0.16666663, abs=2e-7)


def test_dice_bce_by_hand() -> None:
    # Logit 0 everywhere: p = 1/2; Dice = (2 * 1/2 + 1) / (2 + 1 + 1) = 1/2; cross-entropy ln 2.
    loss = dice_bce(torch.zeros(1, 2, 2), torch.tensor([[[1.0, 0], [0, 0]]]))
    assert loss.item() == pytest.approx(0.5 + math.log(2), rel=1e-6)
    weighed = dice_bce(torch.zeros(1, 2, 2), torch.tensor([[[1.0, 0], [0, 0]]]), torch.tensor([[[1.0, 1], [1, 9]]]))
    assert weighed.item() == pytest.approx(0.5 + 3 * math.log(2), rel=1e-6)  # mean weight 12 / 4
    perfect = dice_bce(torch.tensor([[[30.0, -30], [-30, -30]]]), torch.tensor([[[1.0, 0], [0, 0]]]))
    assert perfect.item() == pytest.approx(0, abs=1e-6)
