"""Networks: a one-channel ResNet encoder, a slim U-Net decoder, and both as one backbone.

The encoder is torchvision's ResNet (He et al. 2015) with one input channel; the decoder follows U-Net
(Ronneberger et al. 2015) with few channels where maps are large, so that it costs less than the encoder.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from urllib.error import URLError

import torch
import torch.nn.functional as F
import torchvision
from torch import Tensor, nn
from torchvision.models import ResNet

from nanomorph.errors import ConfigurationError
from nanomorph.manifest import STRIDE as STRIDE
from nanomorph_training.ranges import ENCODERS

# Gray values 0..1 after `nanomorph.prepare` has stretched each frame's percentiles over its range.
MEAN, STD = 0.5, 0.25
# What a backbone returns, in this order.
OUTPUTS = ("embedding", "foreground", "interior")
# Decoder channels at stride 16, 8, 4, 2 and 1.
WIDTHS = (128, 80, 48, 24, 8)


class Encoder(nn.Module):
    """A ResNet's trunk on normalised gray images.

    forward: float (N, 1, H, W), H and W multiples of 32 -> five maps of stride 2, 4, 8, 16 and 32.
    """

    def __init__(self, name: str = "resnet18", weights: str = "random") -> None:
        super().__init__()
        if name not in ENCODERS:
            raise ValueError(f"encoder {name!r} is unknown; choose one of {', '.join(ENCODERS)}")
        self.name = name
        trunk = _imagenet(name) if weights == "imagenet" else torchvision.models.get_model(name)
        assert isinstance(trunk, ResNet)
        self.conv1 = _one_channel(trunk.conv1, summed=weights == "imagenet")
        self.bn1, self.relu, self.maxpool = trunk.bn1, trunk.relu, trunk.maxpool
        self.layer1, self.layer2, self.layer3, self.layer4 = trunk.layer1, trunk.layer2, trunk.layer3, trunk.layer4
        self.dim: int = trunk.fc.in_features

    @property
    def widths(self) -> tuple[int, ...]:
        """Channels of the five maps."""
        return (64, *(self.dim // 8 * 2**level for level in range(4)))

    def forward(self, x: Tensor) -> list[Tensor]:
        stem = self.relu(self.bn1(self.conv1(x)))
        maps = [stem]
        y = self.maxpool(stem)
        for layer in (self.layer1, self.layer2, self.layer3, self.layer4):
            y = layer(y)
            maps.append(y)
        return maps


def pool(maps: Sequence[Tensor]) -> Tensor:
    """The embedding (N, D) of an image: the mean of the encoder's last map over its pixels."""
    return maps[-1].mean(dim=(2, 3))


def _imagenet(name: str) -> nn.Module:
    try:
        return torchvision.models.get_model(name, weights="DEFAULT")
    except (URLError, OSError) as error:
        raise ConfigurationError(
            f"ImageNet weights of {name} are not on this computer and could not be downloaded ({error}); "
            "use --weights random, or run once with a network connection"
        ) from error


def _one_channel(rgb: nn.Conv2d, summed: bool) -> nn.Conv2d:
    """conv1 for gray input: RGB weights summed (gray = equal R, G and B), or a fresh Kaiming draw."""
    conv = nn.Conv2d(1, rgb.out_channels, kernel_size=7, stride=2, padding=3, bias=False)
    if summed:
        conv.weight = nn.Parameter(rgb.weight.detach().sum(dim=1, keepdim=True))
    else:
        nn.init.kaiming_normal_(conv.weight, mode="fan_out", nonlinearity="relu")
    return conv


def _conv(inputs: int, outputs: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, 3, padding=1, bias=False), nn.BatchNorm2d(outputs), nn.ReLU(inplace=True)
    )


class Decoder(nn.Module):
    """Slim U-Net decoder: the encoder's five maps and the image -> logits (N, 2, H, W): foreground, interior."""

    def __init__(self, encoder_widths: Sequence[int]) -> None:
        super().__init__()
        stem, *skips, last = encoder_widths
        self.reduce = nn.Sequential(nn.Conv2d(last, WIDTHS[0], 1, bias=False), nn.BatchNorm2d(WIDTHS[0]), nn.ReLU())
        # What a pixel is (particle or film) can hang on the whole field, wider than the encoder looks (ParseNet 2015).
        self.context = nn.Linear(last, WIDTHS[0])
        self.blocks = nn.ModuleList()
        below = WIDTHS[0]
        for level, (skip, width) in enumerate(zip([*skips[::-1], stem], WIDTHS[:4], strict=True)):
            # One convolution where maps are large: memory traffic there is most of training's cost.
            more = [_conv(width, width)] if level < 2 else []
            self.blocks.append(nn.Sequential(_conv(below + skip, width), *more))
            below = width
        # At full resolution only 8 + 8 channels: wires one or two px wide need it, and it must stay cheap.
        self.squeeze = nn.Sequential(nn.Conv2d(below, 8, 1, bias=False), nn.BatchNorm2d(8), nn.ReLU())
        self.fine = _conv(1, 8)
        self.top = _conv(16, WIDTHS[4])
        self.out = nn.Conv2d(WIDTHS[4], 2, 1)

    def forward(self, x: Tensor, maps: Sequence[Tensor]) -> Tensor:
        y = self.reduce(maps[-1]) + self.context(pool(maps))[:, :, None, None]
        for block, skip in zip(self.blocks, reversed(maps[:-1]), strict=True):
            y = block(torch.cat([_double(y), skip], dim=1))
        y = torch.cat([_double(self.squeeze(y)), self.fine(x)], dim=1)
        return self.out(self.top(y))


def _double(x: Tensor) -> Tensor:
    return F.interpolate(x, scale_factor=2, mode="nearest")


class Backbone(nn.Module):
    """What a bundle's backbone.onnx computes, normalisation included.

    forward: uint8 (N, 1, H, W), H and W multiples of 32 -> embedding float32 (N, D), foreground and interior
    probability float32 (N, 1, H, W).
    """

    mean: Tensor
    std: Tensor

    def __init__(self, encoder: Encoder, decoder: Decoder, mean: float = MEAN, std: float = STD) -> None:
        super().__init__()
        self.encoder, self.decoder = encoder, decoder
        self.register_buffer("mean", torch.tensor(mean))
        self.register_buffer("std", torch.tensor(std))

    def normalise(self, pixels: Tensor) -> Tensor:
        """uint8 0..255 -> float32 of about zero mean and unit spread."""
        return (pixels.float() / 255.0 - self.mean) / self.std

    def forward(self, pixels: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        x = self.normalise(pixels)
        maps = self.encoder(x)
        probability = torch.sigmoid(self.decoder(x, maps))
        return pool(maps), probability[:, 0:1], probability[:, 1:2]


def build_backbone(name: str = "resnet18", mean: float = MEAN, std: float = STD) -> Backbone:
    """An untrained decoder on a random encoder."""
    encoder = Encoder(name)
    return Backbone(encoder, Decoder(encoder.widths), mean, std)


def fold_batch_norm(module: nn.Module) -> nn.Module:
    """Multiply every batch norm of a network in eval mode into the convolution before it, in place."""
    for parent, conv, norm in normalised_convolutions(module):
        fused = nn.utils.fuse_conv_bn_eval(getattr(parent, conv), getattr(parent, norm))
        setattr(parent, conv, fused)
        setattr(parent, norm, nn.Identity())
    return module


def normalised_convolutions(module: nn.Module) -> list[tuple[nn.Module, str, str]]:
    """Every convolution with a batch norm behind it: their parent, and what it calls the two."""
    found = []
    for parent in module.modules():
        for (conv, before), (norm, child) in pairwise(parent.named_children()):
            if isinstance(child, nn.BatchNorm2d) and isinstance(before, nn.Conv2d):
                found.append((parent, conv, norm))
    return found
