"""What a column is, and the words that several definitions share."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Descriptor:
    """One measured column. unit: "" for pure numbers; source: standard or publication of the definition."""

    name: str
    unit: str
    formula: str
    source: str = ""


ISO9276 = "ISO 9276-6"
ISO13322 = "ISO 13322-1"
MILES = "Miles 1974, Lantuejoul 1978; ISO 13322-1"
SKELETON = "skeleton: Zhang and Suen 1984; spurs shorter than 1.5 local radii removed"
OUTLINE = "outline: smoothed at sub-pixel accuracy, see nanomorph.measure.outline"


def lengths(stem: str, formula: str, source: str) -> tuple[Descriptor, Descriptor]:
    """The px and the nm column of one length."""
    return Descriptor(f"{stem}_px", "px", formula, source), Descriptor(f"{stem}_nm", "nm", formula, source)


_WIDTH = "twice the distance from the skeleton to the outline"
WIDTH_AT = f"{_WIDTH}, at skeleton points 3/4 width clear of tips and branchings; compact domains: greatest width"
CROSSINGS = "crossings resolved by direction, offset and width, see nanomorph.measure.wires.crossings"
RIVETTI = "Rivetti, Guthold, Bustamante 1996"
PERSISTENCE = (
    "P of <cos(turning)> = exp(-s / 2P), separations s up to half the length, without the ends (3/4 of a width); "
    "empty where too straight to tell"
)
