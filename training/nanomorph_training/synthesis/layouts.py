"""Where the wires of a field lie: singular, dispersed or network.

How many make a network: straight sticks of length L percolate above N = 5.64 A / L^2 in area A (Pike and
Seager, Phys. Rev. B 1974, 10, 1421). Dispersed fields stay below that, networks above;
`truth` checks each one.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from nanomorph_training.synthesis.chains import Chain, chain, companion
from nanomorph_training.synthesis.close_ups import CLOSE_UP, roughened
from nanomorph_training.synthesis.draws import Rng, chance, log_uniform

STICKS_AT_PERCOLATION = 5.64
MOST_WIRES = 280  # in one field: more take longer to draw than they teach


@dataclass(frozen=True)
class Scale:
    """nm_per_px, and the typical width of a wire in px (width_nm = width_px * nm_per_px).

    wished: the caller chose the width in px, so it is drawn as it is; else a field has room for its wires.
    """

    nm_per_px: float
    width_px: float
    wished: bool = False

    def width_within(self, least: float, most: float, factor: float = 1.0) -> float:
        """The width to draw: the wished one, or `factor` times the typical one between `least` and `most` px."""
        return self.width_px if self.wished else float(np.clip(self.width_px * factor, least, most))


def draw_scale(
    rng: Rng,
    nm_per_px: float | None = None,
    width_nm: float | None = None,
    width_px: tuple[float, float] | None = None,
) -> Scale:
    """Protein wires of 3 to 12 nm, other wires up to 45 nm, at 0.3 to 4 nm/px: 3 to 30 px wide.

    width_px, least and most, takes the place of widths in nm.
    """
    if width_px is not None:
        nm = log_uniform(rng, 0.3, 4.0) if nm_per_px is None else nm_per_px
        return Scale(nm, log_uniform(rng, *width_px), wished=True)
    if width_nm is None:
        width_nm = log_uniform(rng, 3, 12) if chance(rng, 0.7) else log_uniform(rng, 8, 45)
    if nm_per_px is None:
        widest = log_uniform(rng, 5, 30)
        low = float(np.clip(width_nm / widest, 0.3, 3.9))
        nm_per_px = log_uniform(rng, low, float(np.clip(width_nm / 3, low * 1.01, 4.0)))
    return Scale(nm_per_px, width_nm / nm_per_px)


def singular(rng: Rng, shape: tuple[int, int], scale: Scale) -> list[Chain]:
    """One wire, sometimes two; a close-up of one where a wide one is wished."""
    size = min(shape)
    width = scale.width_within(3, 0.12 * size, factor=rng.uniform(1.0, 1.8))
    count = 2 if chance(rng, 0.2) else 1
    length = max(8 * width, size * log_uniform(rng, 0.4, 2.0))
    if width > CLOSE_UP * size:
        return [_close_up(rng, shape, width, length) for _ in range(count)]
    return [_wire(rng, shape, width, length, rng.uniform(0.2, 0.8, 2), _habit(rng, length)) for _ in range(count)]


def _close_up(rng: Rng, shape: tuple[int, int], width: float, length: float) -> Chain:
    """A wire of which the field shows a short piece, mostly straight."""
    habit = _habit(rng, length)
    stiff = replace(habit, stiffness=8 * habit.stiffness)
    return roughened(rng, _wire(rng, shape, width, length, rng.uniform(0.2, 0.8, 2), stiff))


def dispersed(rng: Rng, shape: tuple[int, int], scale: Scale) -> list[Chain]:
    """8 to 60 separate wires, some touching, too few to percolate."""
    size = min(shape)
    width = scale.width_within(3, 0.035 * size)
    length = max(6 * width, size * log_uniform(rng, 0.1, 0.5))
    critical = STICKS_AT_PERCOLATION * shape[0] * shape[1] / length**2
    count = int(np.clip(critical * rng.uniform(0.12, 0.65), 8, 70))
    return _scatter(rng, shape, width, length, count, length_spread=rng.uniform(0.1, 0.8))


def network(rng: Rng, shape: tuple[int, int], scale: Scale) -> list[Chain]:
    """Many curved wires that cross everywhere, enough to percolate."""
    size = min(shape)
    width = scale.width_within(3, 0.03 * size)
    length = max(14 * width, size * log_uniform(rng, 0.2, 1.1))
    critical = STICKS_AT_PERCOLATION * shape[0] * shape[1] / length**2
    fullest = log_uniform(rng, 0.25, 0.9) * shape[0] * shape[1] / (length * width)
    count = int(np.clip(critical * rng.uniform(1.3, 4.5), 10, np.clip(fullest, 1.3 * critical, MOST_WIRES)))
    return _scatter(rng, shape, width, length, count, length_spread=rng.uniform(0.1, 0.5))


@dataclass(frozen=True)
class _Habit:
    """What the wires of one field have in common."""

    stiffness: float  # persistence length in px
    raggedness: float
    taper: float


def _habit(rng: Rng, length: float) -> _Habit:
    return _Habit(
        stiffness=length * log_uniform(rng, 0.25, 12),
        raggedness=rng.uniform(0, 0.22) if chance(rng, 0.8) else 0.0,
        taper=rng.uniform(0, 0.8) if chance(rng, 0.4) else 0.0,
    )


def _wire(
    rng: Rng,
    shape: tuple[int, int],
    width: float,
    length: float,
    place: np.ndarray,
    habit: _Habit,
    direction: float | None = None,
) -> Chain:
    middle = (float(place[0] * shape[1]), float(place[1] * shape[0]))
    direction = rng.uniform(0, 2 * np.pi) if direction is None else direction
    return chain(rng, middle, direction, length, width, habit.stiffness, habit.raggedness, habit.taper)


def _scatter(
    rng: Rng, shape: tuple[int, int], width: float, length: float, count: int, length_spread: float
) -> list[Chain]:
    """`count` wires per field, placed beyond its edges too; some in pairs, in some fields aligned."""
    habit = _habit(rng, length)
    margin = 0.4 * length / np.array(shape[::-1])
    spread = 1 + 2 * margin
    aligned = rng.uniform(0.2, 0.8) if chance(rng, 0.2) else None
    main = rng.uniform(0, np.pi)
    width_sd, paired = rng.uniform(0, 0.25), rng.uniform(0, 0.35) if chance(rng, 0.5) else 0.0
    wires: list[Chain] = []
    for place in _places(rng, int(count * spread.prod())) * spread - margin:
        direction = None if aligned is None else main + aligned * rng.standard_normal()
        this_length = length * float(np.clip(np.exp(length_spread * rng.standard_normal()), 0.25, 2.5))
        this_width = width * float(np.clip(1 + width_sd * rng.standard_normal(), 0.6, 1.6))
        wires.append(_wire(rng, shape, this_width, this_length, place, habit, direction))
        if chance(rng, paired):
            wires.append(companion(rng, wires[-1], this_width * rng.uniform(0.7, 1.6) * rng.choice([-1, 1])))
    return wires


def _places(rng: Rng, count: int) -> np.ndarray:
    """`count` places in the unit square, (count, 2): at random, or evenly spread (one in each cell of a grid)."""
    if chance(rng, 0.5):
        return rng.uniform(0, 1, (count, 2))
    side = int(np.ceil(np.sqrt(count)))
    cells = rng.permutation(side * side)[:count]
    return (np.stack([cells % side, cells // side], axis=1) + rng.uniform(0, 1, (count, 2))) / side
