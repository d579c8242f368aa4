"""What the report shows: counts, labels and sizes of a run."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field

import numpy as np

from nanomorph.analysis import Judgement
from nanomorph.journal import Quarantined
from nanomorph.report.statistics import Sample

QUANTITIES = ("width_median", "ecd", "length")
# Pixel sizes that differ by this factor are those of several magnifications.
MAGNIFICATIONS = 2


@dataclass(frozen=True)
class Example:
    """A micrograph that may be shown and the judgement in its overlay; `field_width` is in words."""

    name: str
    leading: Judgement
    n_domains: int
    field_width: str


@dataclass
class Task:
    """Micrographs by label and decision. `by_domain`: the task labels domains, not fields."""

    labels: tuple[str, ...]
    by_domain: bool
    accepted: Counter[str] = field(default_factory=Counter)
    uncertain: Counter[str] = field(default_factory=Counter)
    unknown: int = 0

    @property
    def judged(self) -> int:
        """Micrographs with a label."""
        return self.accepted.total() + self.uncertain.total()


@dataclass
class Sizes:
    """Domains of one label in one unit: a list per quantity, the micrograph of each, and how much it counts.

    wires: the length of each whole wire in these micrographs, its micrograph, and how much it counts.
    """

    values: dict[str, list[float]] = field(default_factory=lambda: {name: [] for name in QUANTITIES})
    micrographs: list[int] = field(default_factory=list)
    weights: list[float] = field(default_factory=list)
    wires: list[tuple[float, int, float]] = field(default_factory=list)

    def sample(self, quantity: str) -> Sample:
        """All values of a quantity."""
        return Sample(np.array(self.values[quantity], float), np.array(self.micrographs, int), np.array(self.weights))

    @property
    def wire_lengths(self) -> Sample:
        """Those of whole wires, crossings resolved."""
        values, micrographs, weights = np.array(self.wires, float).reshape(-1, 3).T
        return Sample(values, micrographs.astype(int), weights)

    def add(self, other: Sizes) -> None:
        """More domains of the same unit."""
        self.micrographs += other.micrographs
        self.weights += other.weights
        self.wires += other.wires
        for quantity in QUANTITIES:
            self.values[quantity] += other.values[quantity]


@dataclass
class Findings:
    """Everything that the report shows.

    decisions: of each micrograph its surest. made_by: bundle, provider and precision that measured; judged_by: bundles
    that gave the labels of today, after `relabel` another one. stacks, mixed: files of several frames, and of several
    images that differ in size. darker, brighter: whose material clearly is, than its
    background.
    sizes: by task, unit (`nm`, `px`) and label; folders: by unit and folder; names: of micrographs by their number.
    edges: which domains they count, one of `measure.EDGES`. n_scant: whose sizes stand on less than half of the
    material. n_sized: domains behind the medians of their micrographs; n_debris: micrographs that leave debris out;
    much_left_out: those that leave out more than a tenth of the material. two_contrasts: those with domains both
    darker and brighter than the background.
    pixel_sizes: nm, of the calibrated micrographs; calibrations: how many have theirs from where; magnified: sizes in
    nm by pixel size, in two digits.
    sampled: the share of the micrographs whose domains are in the sizes. apart: whose pictures bear a mark (`twins`).
    """

    tasks: dict[str, Task]
    edges: str = "leave-out"
    n_done: int = 0
    n_aliases: int = 0
    n_domains: int = 0
    n_wires: int = 0
    n_edge_fields: int = 0
    n_sized: int = 0
    n_debris: int = 0
    much_left_out: list[str] = field(default_factory=list)
    two_contrasts: list[str] = field(default_factory=list)
    pixel_sizes: list[float] = field(default_factory=list)
    calibrations: Counter[str] = field(default_factory=Counter)
    uncalibrated: list[str] = field(default_factory=list)
    by_scale_bar: list[str] = field(default_factory=list)
    stacks: list[str] = field(default_factory=list)
    mixed: list[str] = field(default_factory=list)
    darker: list[str] = field(default_factory=list)
    brighter: list[str] = field(default_factory=list)
    decisions: Counter[str] = field(default_factory=Counter)
    examples: list[Example] = field(default_factory=list)
    made_by: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    judged_by: set[str] = field(default_factory=set)
    quarantined: list[Quarantined] = field(default_factory=list)
    sizes: dict[tuple[str, str, str], Sizes] = field(default_factory=lambda: defaultdict(Sizes))
    folders: dict[tuple[str, str], Sizes] = field(default_factory=lambda: defaultdict(Sizes))
    magnified: dict[float, Sizes] = field(default_factory=lambda: defaultdict(Sizes))
    names: dict[int, str] = field(default_factory=dict)
    n_scant: int = 0
    sampled: float = 1.0
    apart: frozenset[str] = frozenset()

    @property
    def several_magnifications(self) -> bool:
        """Whether pixel sizes differ by so much that what one micrograph shows another cannot."""
        return bool(self.pixel_sizes) and max(self.pixel_sizes) >= MAGNIFICATIONS * min(self.pixel_sizes)

    @property
    def main_quantity(self) -> str:
        """Of QUANTITIES the one that says most of what was found: a particle's diameter, else a wire's width."""
        particles, fields = (
            sum(t.judged for t in self.tasks.values() if t.by_domain is kind) for kind in (True, False)
        )
        return "ecd" if particles > fields else "width_median"
