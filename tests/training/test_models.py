"""Shapes, sizes and invariances of the networks."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from nanomorph.errors import ConfigurationError
from nanomorph_training.models import (
    Backbone,
    Decoder,
    Encoder,
    _one_channel,
    build_backbone,
    fold_batch_norm,
    pool,
)
from nanomorph_training.pretraining.projectors import Projector


@pytest.fixture(scope="module")
def backbone() -> Backbone:
    torch.manual_seed(0)
    network = build_backbone().eval()
    # Statistics of a trained network: a fold that forgot one of them would show.
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.uniform_(module.running_mean, -0.1, 0.1)  # type: ignore[arg-type]
            nn.init.uniform_(module.running_var, 0.5, 2.0)  # type: ignore[arg-type]
            nn.init.uniform_(module.weight, 0.5, 1.5)
            nn.init.uniform_(module.bias, -0.1, 0.1)
    return network


@pytest.mark.parametrize(
    ("name", "widths"), [("resnet18", (64, 64, 128, 256, 512)), ("resnet50", (64, 256, 512, 1024, 2048))]
)
def test_the_encoder_gives_five_maps(name: str, widths: tuple[int, ...]) -> None:
    encoder = Encoder(name).eval()
    with torch.no_grad():
        maps = encoder(torch.zeros(2, 1, 64, 96))
    assert encoder.widths == widths
    assert [m.shape for m in maps] == [(2, w, 64 // s, 96 // s) for w, s in zip(widths, (2, 4, 8, 16, 32), strict=True)]


def test_the_backbone_maps_bytes_to_embedding_and_probabilities(backbone: Backbone) -> None:
    with torch.no_grad():
        embedding, foreground, interior = backbone(torch.randint(0, 256, (2, 1, 64, 96), dtype=torch.uint8))
    assert embedding.shape == (2, 512)
    assert foreground.shape == interior.shape == (2, 1, 64, 96)
    assert embedding.dtype == foreground.dtype == torch.float32
    assert 0 <= float(foreground.min()) <= float(foreground.max()) <= 1


def test_the_decoder_is_slim() -> None:
    assert 0.7e6 < sum(p.numel() for p in Decoder(Encoder().widths).parameters()) < 1.3e6


def test_the_embedding_is_the_mean_of_the_last_map() -> None:
    last = torch.arange(8.0).view(1, 2, 2, 2)
    assert pool([torch.zeros(1), last]).tolist() == [[1.5, 5.5]]


def test_folding_batch_norm_changes_no_output(backbone: Backbone) -> None:
    pixels = torch.randint(0, 256, (1, 1, 64, 64), dtype=torch.uint8)
    with torch.no_grad():
        before = backbone(pixels)
        folded = build_backbone().eval()
        folded.load_state_dict(backbone.state_dict())
        fold_batch_norm(folded)
        after = folded(pixels)
    assert not any(isinstance(module, nn.BatchNorm2d) for module in folded.modules())
    for a, b in zip(before, after, strict=True):
        assert torch.allclose(a, b, atol=1e-4)


def test_imagenet_weights_are_summed_over_colours() -> None:
    rgb = nn.Conv2d(3, 64, 7, bias=False)
    gray = _one_channel(rgb, summed=True)
    x = torch.rand(1, 1, 16, 16)
    expected = nn.functional.conv2d(x.expand(-1, 3, -1, -1), rgb.weight, stride=2, padding=3)
    assert torch.allclose(gray(x), expected, atol=1e-5)


def test_missing_imagenet_weights_are_one_clear_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    def offline(*_: object, **__: object) -> None:
        raise OSError("no route to host")

    monkeypatch.setattr("torchvision.models.get_model", offline)
    with pytest.raises(ConfigurationError, match=r"ImageNet weights of resnet18 are not on this .* --weights random"):
        Encoder("resnet18", "imagenet")


def test_projectors() -> None:
    x = torch.randn(4, 8)
    assert Projector(8, 16, 5)(x).shape == (4, 5)
    twins = Projector(8, 16, 5, "barlow-twins")
    assert sum(isinstance(layer, nn.Linear) for layer in twins) == 3
    assert all(layer.bias is None for layer in twins if isinstance(layer, nn.Linear))


def test_an_unknown_encoder_is_named() -> None:
    with pytest.raises(ValueError, match="resnet18, resnet34, resnet50"):
        Encoder("vgg")
