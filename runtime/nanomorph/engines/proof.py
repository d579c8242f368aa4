"""An engine held against onnxruntime on the machine that is to use it."""

from __future__ import annotations

import numpy as np

from nanomorph.bundle import Bundle
from nanomorph.conclude import Concluder
from nanomorph.engines.engine import Engine
from nanomorph.engines.onnx_runtime import open_on_cpu
from nanomorph.errors import ConfigurationError
from nanomorph.gates import AGREEMENT, AGREEMENT_LIMIT, Gate, cases, exact_gate, gates
from nanomorph.readers import read_path

# Every layer has work on it, and it takes a hundredth of a second.
SIDE = 128


def exact(bundle: Bundle, engine: Engine) -> Gate:
    """Every number that an fp32 engine gives for one frame of noise, against the fp32 graph on the CPU."""
    frame = np.random.default_rng(0).integers(0, 256, (1, 1, SIDE, SIDE), dtype=np.uint8)
    return exact_gate(engine, open_on_cpu(bundle, "fp32"), [frame])


def prove(bundle: Bundle, engine: Engine) -> list[Gate]:
    """Gates of an engine against the fp32 graph on the CPU, on the micrographs that travel in the bundle.

    Raises ConfigurationError where the bundle has none.
    """
    if not bundle.proof:
        raise ConfigurationError(f"bundle {bundle.name} holds no proof micrographs: export it with this nanomorph.")
    concluder = Concluder(bundle, open_on_cpu(bundle, "fp32"))
    references = list(cases(concluder, concluder.engine, [read_path(file) for file in bundle.proof]))
    return gates(concluder, engine, references, _agreement_limit(bundle, engine.precision))


def _agreement_limit(bundle: Bundle, precision: str) -> float:
    """The one that this precision was held to when it was exported."""
    entry = bundle.manifest.get("precisions", {}).get(precision, {})
    return next((gate["limit"] for gate in entry.get("gates", ()) if gate["name"] == AGREEMENT), AGREEMENT_LIMIT)
