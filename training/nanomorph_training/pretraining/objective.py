"""What a method minimises, and between which values its loss moves."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from torch import Tensor, nn

from nanomorph_training import losses
from nanomorph_training.pretraining.projectors import NotebookProjector, Projector
from nanomorph_training.pretraining.settings import PretrainSettings


@dataclass(frozen=True)
class Objective:
    """loss: of the projections (N, D) of two views. together: both views go through the projector as one batch.

    collapse: the loss where every image gives the same embedding. floor: where nothing is left to learn.
    """

    loss: Callable[[Tensor, Tensor], Tensor]
    together: bool
    collapse: float
    floor: float

    def share(self, loss: float) -> float:
        """Where a loss lies: 1 = collapsed, 0 = floor."""
        return (loss - self.floor) / (self.collapse - self.floor)


def objective(settings: PretrainSettings) -> Objective:
    """Of the method and variant, for batches of `settings.batch` images."""
    n, t, lambd = settings.batch, settings.temperature, settings.lambd
    notebook = settings.variant == "notebook"
    if settings.method == "simclr":
        loss = losses.nt_xent_cross_view if notebook else losses.nt_xent
        others = n - 1 if notebook else 2 * n - 2
        collapse, floor = losses.nt_xent_collapse(n, others), losses.nt_xent_floor(n, t, others)
        return Objective(partial(loss, temperature=t), not notebook, collapse, floor)
    d = NotebookProjector.WIDTHS[-1] if notebook else settings.dim
    off_diagonal = losses.barlow_twins_off_diagonal_floor(n, d)
    if notebook:
        floor = lambd * off_diagonal / (d * (d - 1))
        return Objective(partial(losses.barlow_twins_mean, lambd=lambd), False, 1.0, floor)
    return Objective(partial(losses.barlow_twins, lambd=lambd), False, float(d), lambd * off_diagonal)


def projector(inputs: int, settings: PretrainSettings) -> nn.Module:
    """The head that the loss sees."""
    if settings.variant == "notebook":
        return NotebookProjector(inputs)
    return Projector(inputs, settings.hidden, settings.dim, settings.method)
