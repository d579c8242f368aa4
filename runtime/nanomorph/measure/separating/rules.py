"""What is removed from a foreground, and where touching particles are cut: the numbers that decide it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Rule:
    """When maxima of one component are particles of their own. Tuned on the instance masks of by256/emps.

    uniform: a component of at least `slender` widths' length is a wire, never cut, if its greatest half-width
        is at most so many times the usual one of its area (a ribbon: 1; discs and squares: 1.5).
    neck: cut where the pass between two maxima of the distance is lower than this share of the lower one.
    valley: cut, however wide the neck, where the learned interior falls below this between two seeds.
    compact: a part is a particle if its area is at most so many times its inscribed circle's.
    majority: the share of the component's area that is to lie in such parts; otherwise it stays whole.
    """

    uniform: float
    neck: float
    compact: float
    majority: float = 0.75
    slender: float = 6.0
    valley: float = 0.0


@dataclass(frozen=True)
class Separation:
    """What is removed and what is cut.

    min_area_px, min_field_share, min_diameter_nm: the largest of the three areas (px, share of the field,
        disc of that diameter) is the least a domain or a hole must have.
    peak: a domain reaches this share of the way from the threshold to certainty somewhere.
    by_shape, by_interior: the rules without and with a learned interior. by_neck: the rule for a learned interior that
        runs from particle to particle. seed, seed_peak: a seed is where the
        interior exceeds the first throughout and reaches the second somewhere.
    sure: in a frame of particles, a domain's learned interior reaches this somewhere. many, alike: where so many do,
        others stay if they are at most so many times as large or as small as those usually are.
    crumb, trifle: in such a frame, a domain smaller than this share of the largest particle's area (a hundredth: a
        tenth of its diameter) is left out, if all such are no more than that share of the material.
    """

    min_area_px: int = 12
    min_field_share: float = 2e-5
    min_diameter_nm: float = 1.0
    peak: float = 0.3
    seed: float = 0.5
    seed_peak: float = 0.7
    sure: float = 0.9
    many: int = 30
    alike: float = 4.0
    crumb: float = 0.01
    trifle: float = 0.05
    by_shape: Rule = Rule(uniform=1.15, neck=0.85, compact=2.5)
    by_neck: Rule = Rule(uniform=1.15, neck=0.6, compact=2.5)
    by_interior: Rule = Rule(uniform=1.05, neck=0.95, compact=5.0, valley=0.35)


DEFAULT = Separation()
