"""What stands between the encoder and a self-supervised loss; thrown away afterwards."""

from __future__ import annotations

from itertools import pairwise

from torch import nn


class Projector(nn.Sequential):
    """The head that a self-supervised loss sees; thrown away afterwards.

    simclr: Linear-BN-ReLU-Linear-BN. barlow-twins: Linear(no bias)-BN-ReLU twice, then Linear(no bias).
    """

    def __init__(self, inputs: int, hidden: int, outputs: int, method: str = "simclr") -> None:
        first = [nn.Linear(inputs, hidden, bias=False), nn.BatchNorm1d(hidden), nn.ReLU(inplace=True)]
        if method == "simclr":
            rest = [nn.Linear(hidden, outputs, bias=False), nn.BatchNorm1d(outputs)]
        else:
            middle = [nn.Linear(hidden, hidden, bias=False), nn.BatchNorm1d(hidden), nn.ReLU(inplace=True)]
            rest = [*middle, nn.Linear(hidden, outputs, bias=False)]
        super().__init__(*first, *rest)


class NotebookProjector(nn.Sequential):
    """The head in the notebooks of Lu et al. 2022: Linear-ReLU-BN twice, Linear-BN, widths 128, 64, 1024.

    Its batch norms ran in inference mode there: they only scale and shift, in training too.
    """

    WIDTHS = (128, 64, 1024)

    def __init__(self, inputs: int) -> None:
        layers: list[nn.Module] = []
        for before, after in pairwise((inputs, *self.WIDTHS)):
            layers += [nn.Linear(before, after), nn.ReLU(inplace=True), nn.BatchNorm1d(after, eps=1e-3)]
        del layers[-2]
        super().__init__(*layers)
        self.train()

    def train(self, mode: bool = True) -> NotebookProjector:
        super().train(mode)
        for layer in self:
            layer.train(mode and not isinstance(layer, nn.BatchNorm1d))
        return self
