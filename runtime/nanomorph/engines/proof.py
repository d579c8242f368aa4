"""An engine held against onnxruntime on the machine that is to use it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from nanomorph.bundle import Bundle
from nanomorph.engine import Engine
from nanomorph.engines.onnx_runtime import open_on_cpu
from nanomorph.errors import ConfigurationError, FatalError
from nanomorph.inference.conclude import Concluder
from nanomorph.inference.gates import (
    AGREEMENT,
    AGREEMENT_LIMIT,
    DICE,
    MEAN_LIMIT,
    Gate,
    at_most,
    cases,
    exact_gate,
    gates,
    mean_difference,
)
from nanomorph.readers import read_path

# Every layer has work on it, and it takes a hundredth of a second.
SIDE = 128
# Dice of masks: so much of it is rounding in another order.
SLACK = 0.002


def exact(bundle: Bundle, engine: Engine) -> list[Gate]:
    """Every number that an fp32 engine gives for one frame of noise, against the fp32 graph on the CPU."""
    return [exact_gate(engine, open_on_cpu(bundle, "fp32"), [_noise()])]


def rehearsed(bundle: Bundle, engine: Engine) -> list[Gate]:
    """As `exact`, of an engine that sums in an order of its own: mean difference."""
    difference = mean_difference(engine.run(_noise()), open_on_cpu(bundle, "fp32").run(_noise()))
    return [at_most("tensors: mean relative difference", difference, MEAN_LIMIT, 1)]


def _noise() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (1, 1, SIDE, SIDE), dtype=np.uint8)


def require(bundle: Bundle, engine: Engine, proof: Callable[[Bundle, Engine], Sequence[Gate]], place: str) -> None:
    """Raises FatalError where an engine does not run on this `place`, or a gate of `proof` fails."""
    try:
        found = proof(bundle, engine)
    except (ConfigurationError, FatalError):
        raise
    except Exception as error:
        # Seen with OpenVINO and instructions older than AVX2: some layers compile, and do not run.
        why = str(error).strip().rpartition("\n")[2]
        raise FatalError(f"{engine.provider} does not run on this {place} ({why}); use --device cpu.") from error
    failed = [str(gate) for gate in found if not gate.passed]
    if failed:
        raise FatalError(
            f"{engine.provider} ({engine.precision}) does not compute what the bundle's fp32 graph computes: "
            f"{'; '.join(failed)}; use --device cpu."
        )


def prove(bundle: Bundle, engine: Engine) -> list[Gate]:
    """Gates of an engine against the fp32 graph on the CPU, on the micrographs that travel in the bundle.

    They are few, and some are faint: where the masks of the same file in onnxruntime, which were proven on many more,
    are not within the limit either, the engine is held to those. Raises ConfigurationError where the bundle has none.
    """
    if not bundle.proof:
        raise ConfigurationError(f"bundle {bundle.name} holds no proof micrographs: export it with this nanomorph.")
    concluder = Concluder(bundle, open_on_cpu(bundle, "fp32"))
    references = list(cases(concluder, concluder.engine, [read_path(file) for file in bundle.proof]))
    limit = _agreement_limit(bundle, engine.precision)
    found = gates(concluder, engine, references, limit)
    if all(gate.passed for gate in found if gate.name == DICE):
        return found
    of_file = gates(concluder, open_on_cpu(bundle, engine.precision), references, limit)
    return [_no_worse(gate, own) if gate.name == DICE else gate for gate, own in zip(found, of_file, strict=True)]


def _no_worse(gate: Gate, own: Gate) -> Gate:
    limit = min(gate.limit, own.value - SLACK)
    return replace(gate, limit=limit, passed=gate.value >= limit)


def _agreement_limit(bundle: Bundle, precision: str) -> float:
    """The one that this precision was held to when it was exported."""
    entry = bundle.manifest.get("precisions", {}).get(precision, {})
    return next((gate["limit"] for gate in entry.get("gates", ()) if gate["name"] == AGREEMENT), AGREEMENT_LIMIT)
