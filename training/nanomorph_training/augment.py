"""Augmentation of gray micrographs, drawn for every image by itself, on batches in torch.

Images stay where they are; draws are made where the generator is, so on the training device where that is there.
Only what a microscope does to a picture: turns and flips, brightness, contrast, gamma, defocus, noise.
No hue, no solarise, no elastic warp (reference: losses.md). Zoom and position belong to the window (`data`).
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Generator, Tensor


@dataclass(frozen=True)
class Ranges:
    """How far the draws go. Gray values are 0..1.

    brightness: added, +-. contrast: factor about the mean, 1 +-. gamma: from, to. blur: sigma in px, from 0;
    narrower than a wire. noise: standard deviation at full signal, from 0; half of the images get shot noise.
    invert: share of images whose contrast sign is turned.
    """

    brightness: float = 0.2
    contrast: float = 0.4
    gamma: tuple[float, float] = (0.7, 1.5)
    blur: float = 1.0
    noise: float = 0.06
    invert: float = 0.0


def d4(images: Tensor, generator: Generator) -> Tensor:
    """One of the eight turns and flips of a square for each image of (N, C, S, S); exact, no resampling."""
    return apply_d4(images, draw_d4(len(images), generator).to(images.device))


def draw_d4(n: int, generator: Generator) -> Tensor:
    """Which of the eight: (n,) in 0..7."""
    return torch.randint(0, 8, (n,), generator=generator, device=generator.device)


def apply_d4(images: Tensor, which: Tensor) -> Tensor:
    """Element `which` % 4 quarter turns, then a flip where `which` >= 4."""
    turned = torch.empty_like(images)
    for element in which.unique().tolist():
        chosen = which == element
        part = torch.rot90(images[chosen], element % 4, (-2, -1))
        turned[chosen] = part.flip(-1) if element >= 4 else part
    return turned


def intensity(images: Tensor, generator: Generator, ranges: Ranges = Ranges()) -> Tensor:
    """Contrast, brightness, gamma, blur and noise of float images (N, 1, H, W) in 0..1; result in 0..1."""
    n = len(images)

    def uniform(low: float, high: float) -> Tensor:
        return (
            (low + (high - low) * torch.rand(n, generator=generator, device=generator.device))
            .to(images.device)
            .view(n, 1, 1, 1)
        )

    centre = images.mean(dim=(1, 2, 3), keepdim=True)
    x = (images - centre) * (1 + uniform(-ranges.contrast, ranges.contrast)) + centre
    x = (x + uniform(-ranges.brightness, ranges.brightness)).clamp(0, 1)
    x = torch.where(uniform(0, 1) < ranges.invert, 1 - x, x)
    # Gamma evenly spread in its logarithm, so that .7 and 1/.7 are as likely.
    low, high = torch.tensor(ranges.gamma).log().tolist()
    x = x.clamp(min=1e-4).pow(uniform(low, high).exp())
    x = blur(x, uniform(0, ranges.blur).flatten())
    shot = torch.where(uniform(0, 1) < 0.5, x.clamp(min=0).sqrt(), torch.ones_like(x))
    grain = torch.randn(x.shape, generator=generator, device=generator.device).to(x.device)
    return (x + uniform(0, ranges.noise) * shot * grain).clamp(0, 1)


def blur(images: Tensor, sigma: Tensor) -> Tensor:
    """Gaussian blur of (N, 1, H, W), a sigma in px for each image; below 0.1 px the kernel is the identity."""
    n, radius = len(images), max(1, int(3 * float(sigma.max()) + 0.5))
    at = torch.arange(-radius, radius + 1, device=images.device, dtype=images.dtype)
    kernel = torch.exp(-0.5 * (at / sigma.clamp(min=0.1).view(n, 1)).square())
    kernel = kernel / kernel.sum(dim=1, keepdim=True)
    x = F.pad(images.transpose(0, 1), (radius,) * 4, mode="reflect")
    x = F.conv2d(x, kernel.view(n, 1, 1, -1), groups=n)
    return F.conv2d(x, kernel.view(n, 1, -1, 1), groups=n).transpose(0, 1)


def view(images: Tensor, generator: Generator, ranges: Ranges = Ranges()) -> Tensor:
    """A view for self-supervision: uint8 (N, 1, S, S) -> float (N, 1, S, S) in 0..1."""
    return intensity(d4(images, generator).float() / 255.0, generator, ranges)
