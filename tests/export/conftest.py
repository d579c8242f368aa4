"""A network small enough to be exported in seconds, with heads that fit it."""

import cv2
import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from nanomorph.measure import FIELD_DESCRIPTORS, SHAPE_DESCRIPTORS
from nanomorph.micrograph import Calibration, Micrograph
from nanomorph_export.calibration import Micrographs
from nanomorph_training.heads.head import Head
from nanomorph_training.models import Backbone, Decoder

WIDTHS = (8, 8, 16, 16, 32)


def blobs(seed, shape):
    """Dark blobs of some ten px on bright, grainy film: uint8 of `shape`."""
    rng = np.random.default_rng(seed)
    field = cv2.GaussianBlur(rng.normal(size=shape), (0, 0), 5)
    dark = field > np.quantile(field, 0.75)
    return np.clip(np.where(dark, 60, 190) + rng.normal(0, 8, shape), 0, 255).astype(np.uint8)


class SmallEncoder(nn.Module):
    """Five maps of stride 2 to 32, as a ResNet's trunk gives them."""

    dim, widths = WIDTHS[-1], WIDTHS

    def __init__(self) -> None:
        super().__init__()
        ends = zip((1, *WIDTHS[:-1]), WIDTHS, strict=True)
        self.stages = nn.ModuleList(
            nn.Sequential(nn.Conv2d(a, b, 3, 2, 1, bias=False), nn.BatchNorm2d(b), nn.ReLU()) for a, b in ends
        )

    def forward(self, x):
        maps = []
        for stage in self.stages:
            x = stage(x)
            maps.append(x)
        return maps


@pytest.fixture(scope="session")
def backbone():
    """Knows dark blobs from bright film: of a network that learned nothing every rounding changes the mask.

    After 30 steps it was not sure of some blobs, and int8 decided whether they are debris.
    """
    torch.manual_seed(0)
    torch.set_num_threads(1)
    network = Backbone(SmallEncoder(), Decoder(WIDTHS)).train()
    optimiser = torch.optim.Adam(network.parameters(), lr=1e-2)
    for step in range(60):
        frames = torch.from_numpy(np.stack([blobs(4 * step + n, (64, 64)) for n in range(4)]))[:, None]
        _, foreground, interior = network(frames)
        loss = sum(F.binary_cross_entropy(map_, (frames < 128).float()) for map_ in (foreground, interior))
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    return network.eval()


@pytest.fixture(scope="session")
def make_head():
    """A head of two classes with small random weights; `seed` tells one from the other."""

    def make(task="whole", level="field", uses_embedding=True, descriptors=(), seed=0, **changes):
        n = WIDTHS[-1] * uses_embedding + len(descriptors)
        rng = np.random.default_rng(seed)
        parts = {
            "task": task, "level": level, "labels": ("one", "two"), "uses_embedding": uses_embedding,
            "descriptors": tuple(descriptors), "mean": np.zeros(n), "scale": np.ones(n),
            "weights": rng.normal(size=(2, n)) / 100, "intercept": np.zeros(2), "temperature": 1.0,
            "uncertain_below": 0.5, "centroids": np.zeros((2, n)), "radius": 1.0,
        }  # fmt: skip
        return Head(**(parts | changes))

    return make


@pytest.fixture(scope="session")
def heads(make_head):
    return [make_head(descriptors=FIELD_DESCRIPTORS), make_head("shape", "domain", False, SHAPE_DESCRIPTORS)]


@pytest.fixture(scope="session")
def micrographs():
    """Two that give int8 its ranges, thirteen for the proof, one of them calibrated.

    So many, because of three one decides the median: int8's change of width was 2.9 % with 3, 0 with 5, 2.1 % with 7,
    1.5 % with 9 and with 13, and 2 % is the limit.
    """
    drawn = [Micrograph(blobs(900 + n, (96, 128)), None, Calibration.NONE, f"blobs {n}") for n in range(14)]
    return Micrographs(drawn[:2], [*drawn[2:], Micrograph(blobs(7, (64, 96)), (2.0, 2.0), Calibration.USER, "2 nm")])
