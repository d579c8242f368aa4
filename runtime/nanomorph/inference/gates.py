"""What an engine must compute before it is used: what its reference computes, measured where a user sees it.

Export holds every graph against the network in torch; the runtime holds every compiled engine against the
bundle's fp32 graph on the CPU. Same micrographs, same figures, same limits.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from nanomorph.engine import Engine
from nanomorph.inference.infer import inferences
from nanomorph.micrograph import Micrograph
from nanomorph.prepare import Prepared, prepare

if TYPE_CHECKING:
    from nanomorph.inference.conclude import Concluder

# onnxruntime against torch with the very weights of the graph: largest difference (6e-8 has been seen).
EXACT_LIMIT = 1e-4
# Reduced precisions: mean difference. A maximum over a million pixels says nothing of what is read off them.
MEAN_LIMIT = 1e-2
DICE_LIMIT = 0.99
AGREEMENT_LIMIT = 0.995
WIDTH_LIMIT = 0.02
AGREEMENT = "label agreement"
DICE = "mask Dice, mean"
WIDTH = "domain_width_median_px"


@dataclass(frozen=True)
class Gate:
    """A measured value against its limit; `passed` says whether the graph may leave. n: how many were compared."""

    name: str
    value: float
    limit: float
    passed: bool
    n: int = 0

    def __str__(self) -> str:
        return f"{self.name}: {self.value:.4g} (limit {self.limit:g}{', FAILED' * (not self.passed)})"


@dataclass(frozen=True, eq=False)
class Outcome:
    """What a user is told of one micrograph. mask: bool (H, W) as packed bits; width in recorded px, NaN for none."""

    mask: np.ndarray
    labels: tuple[str, ...]
    width_px: float


@dataclass(frozen=True, eq=False)
class Case:
    """A micrograph with what the reference makes of it."""

    micrograph: Micrograph
    frame: Prepared
    outputs: Mapping[str, np.ndarray]
    outcome: Outcome


def cases(concluder: Concluder, reference: Engine, micrographs: Sequence[Micrograph]) -> Iterator[Case]:
    """Run the reference; `concluder` brings heads and thresholds, its own engine is not used."""
    for micrograph in micrographs:
        frame = prepare(micrograph, concluder.bundle.input)
        outputs = reference.run(frame.pixels[None, None])
        yield Case(micrograph, frame, outputs, _outcome(concluder, micrograph, frame, outputs))


def exact_gate(engine: Engine, reference: Engine, frames: Sequence[np.ndarray]) -> Gate:
    """Largest difference of any output, relative to the reference's largest value. frames: uint8 (1, 1, H, W)."""
    worst = max(largest_difference(engine.run(frame), reference.run(frame)) for frame in frames)
    return at_most("tensors: largest relative difference", worst, EXACT_LIMIT, len(frames))


def gates(
    concluder: Concluder, engine: Engine, references: Sequence[Case], agreement_limit: float = AGREEMENT_LIMIT
) -> list[Gate]:
    """Tensors, masks, labels and widths of an engine against the reference's."""
    differences, pairs = [], []
    for case in references:
        outputs = engine.run(case.frame.pixels[None, None])
        differences.append(mean_difference(outputs, case.outputs))
        pairs.append((_outcome(concluder, case.micrograph, case.frame, outputs), case.outcome))
    mean = at_most("tensors: mean relative difference", float(np.mean(differences)), MEAN_LIMIT, len(pairs))
    sizes = [case.micrograph.nm_per_px for case in references]
    return [mean, *_outcome_gates(pairs, agreement_limit), *_width_gates(pairs, sizes)]


def mask_dice(ours: np.ndarray, theirs: np.ndarray) -> float:
    """2 |A and B| / (|A| + |B|) of two bool masks; two empty masks agree."""
    total = ours.sum() + theirs.sum()
    return 1.0 if total == 0 else float(2 * (ours & theirs).sum() / total)


def label_agreement(pairs: Iterable[tuple[Outcome, Outcome]]) -> tuple[float, int]:
    """Share of labels that are the same, and how many were compared; where there are none, 1."""
    same = [a == b for ours, theirs in pairs for a, b in zip(ours.labels, theirs.labels, strict=True)]
    return (float(np.mean(same)) if same else 1.0), len(same)


def as_metrics(found: Sequence[Gate]) -> list[dict[str, Any]]:
    """For bundle.json."""
    return [asdict(gate) for gate in found]


def _outcome(
    concluder: Concluder, micrograph: Micrograph, frame: Prepared, outputs: Mapping[str, np.ndarray]
) -> Outcome:
    analysis = concluder.conclude(micrograph, "", inferences(outputs, [frame])[0])
    labels = tuple(judgement.label for judgement in analysis.labels)
    return Outcome(np.packbits(analysis.mask > 0), labels, float(analysis.field[WIDTH]))


def largest_difference(ours: Mapping[str, np.ndarray], theirs: Mapping[str, np.ndarray]) -> float:
    """max |ours - theirs| / max |theirs|, of the output where it is worst."""
    # Not Python's max, which passes over what is no number.
    return float(np.max([np.abs(ours[name] - of).max() / _largest(of) for name, of in theirs.items()]))


def mean_difference(ours: Mapping[str, np.ndarray], theirs: Mapping[str, np.ndarray]) -> float:
    """mean |ours - theirs| / max |theirs|, of the output where it is worst."""
    return float(np.max([np.abs(ours[name] - of).mean() / _largest(of) for name, of in theirs.items()]))


def _largest(values: np.ndarray) -> float:
    return max(float(np.abs(values).max()), 1e-12)


def _outcome_gates(pairs: Sequence[tuple[Outcome, Outcome]], agreement_limit: float) -> list[Gate]:
    dice = float(np.mean([mask_dice(*map(_unpacked, pair)) for pair in pairs]))
    agreement, n = label_agreement(pairs)
    return [
        Gate(DICE, dice, DICE_LIMIT, dice >= DICE_LIMIT, len(pairs)),
        Gate(AGREEMENT, agreement, agreement_limit, agreement >= agreement_limit, n),
    ]


def _width_gates(pairs: Sequence[tuple[Outcome, Outcome]], nm_per_px: Sequence[Any]) -> list[Gate]:
    """Relative change everywhere; where micrographs are calibrated also in nm, to within the same share."""
    ours, theirs = (np.array([outcome.width_px for outcome in column]) for column in zip(*pairs, strict=True))
    found = theirs > 0
    # Where only one of the two found a domain, all of its width is the change.
    changes = np.abs(np.nan_to_num(ours[found]) / theirs[found] - 1)
    gates_ = [at_most("domain width, median relative change", _median(changes), WIDTH_LIMIT, int(found.sum()))]
    scale = np.array([np.nan if size is None else float(np.sqrt(size[0] * size[1])) for size in nm_per_px])[found]
    if np.isfinite(scale).any():
        change_nm, limit = _median(changes * theirs[found] * scale), WIDTH_LIMIT * _median(theirs[found] * scale)
        n = int(np.isfinite(scale).sum())
        gates_.append(at_most("domain width, median change in nm", change_nm, limit, n))
    return gates_


def _median(values: np.ndarray) -> float:
    known = values[np.isfinite(values)]
    return float(np.median(known)) if known.size else 0.0


def _unpacked(outcome: Outcome) -> np.ndarray:
    return np.unpackbits(outcome.mask).astype(bool)


def at_most(name: str, value: float, limit: float, n: int) -> Gate:
    """A gate for what must not be larger than `limit`; NaN never passes."""
    return Gate(name, value, limit, value <= limit, n)
