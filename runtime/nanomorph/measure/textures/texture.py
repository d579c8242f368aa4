"""The texture of a field: chords, local thickness and correlation of its two phases, each at a scale that shows it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import cv2
import numpy as np

from nanomorph.measure.textures.phases import QUANTILES, Sizes, chords, correlation_length
from nanomorph.measure.textures.scales import Scaled, coarsened, reduced, resolved
from nanomorph.measure.textures.thickness import local_thickness

PHASES = {"background": 0, "foreground": 1}
# Pixels of a phase's mean chord from which on inscribed discs and the correlation are right within some 5 %.
DISCS = 10
CORRELATION = 6
# So many times as many show no more, and are dear.
AMPLE = 4
# Of strands in any direction a chord is so many times as long as they are wide.
_CHORD = math.pi / 2


@dataclass(frozen=True, eq=False)
class Texture:
    """Lengths that the mask shows without its domains, in units of the shorter side of a pixel.

    sizes: chord_ and local_thickness_ of each of the PHASES.
    """

    sizes: Mapping[str, Sizes]
    correlation: float

    def columns(self) -> dict[str, float]:
        """Means, standard deviations and quantiles of the sizes, and the correlation length, in square pixels."""
        found = {"correlation_length": self.correlation}
        for name, sizes in self.sizes.items():
            found |= {f"{name}_mean": sizes.mean, f"{name}_sd": sizes.sd}
            found |= {f"{name}_p{round(100 * q)}": size for q, size in zip(QUANTILES, sizes.quantiles, strict=True)}
        return found


def measure_texture(labels: np.ndarray, per_px: tuple[float, float]) -> Texture:
    """The texture of `labels` (int (H, W)), whose pixels are `per_px` square pixels in x and y."""
    mask = (labels != 0).view(np.uint8)
    field = _Field(mask, per_px, reduced(mask, per_px), chords(mask, per_px))
    sizes = {f"chord_{phase}": sizes for phase, sizes in field.chords.items()}
    sizes |= {f"local_thickness_{phase}": field.thickness(phase) for phase in PHASES}
    return Texture(sizes, field.correlation())


@dataclass(frozen=True, eq=False)
class _Field:
    """mask: uint8 0/1 (H, W); per_px as above; whole: all of it, reduced; chords: of each of the PHASES."""

    mask: np.ndarray
    per_px: tuple[float, float]
    whole: Scaled
    chords: Mapping[str, Sizes]

    def thickness(self, phase: str) -> Sizes:
        """Of a `phase`, where the other one's strands part it also where they are thinner than a pixel.

        One of width w < 1 px takes up at least w / 2 of one pixel wherever it passes.
        """
        other = next(name for name in PHASES if name != phase)
        parts = self._parts(phase, DISCS)
        size = parts[0].size
        width = self.chords[other].mean / _CHORD / size
        most = 0.5 * min(1.0, width) if width > 0 else 0.5
        held = [part.fractions < most if phase == "background" else part.fractions >= 1 - most for part in parts]
        return local_thickness(*held).scaled(size)

    def correlation(self) -> float:
        """By the phase of shorter chords: that of the other one is the same."""
        phase = min(PHASES, key=lambda name: self.chords[name].mean)
        parts, share = self._parts(phase, CORRELATION), cv2.countNonZero(self.mask) / self.mask.size
        if phase == "background":
            return correlation_length([1 - part.fractions for part in parts], 1 - share) * parts[0].size
        return correlation_length([part.fractions for part in parts], share) * parts[0].size

    def _parts(self, phase: str, least: float) -> tuple[Scaled, ...]:
        """Where a mean chord of `phase` takes `least` px, or AMPLE times as many; of what has none, the whole field."""
        size = self.chords[phase].mean / least
        if not size > 0:
            return (self.whole,)
        parts = resolved(self.mask, self.per_px, self.whole, PHASES[phase], size)
        return tuple(coarsened(part, size / AMPLE) for part in parts)
